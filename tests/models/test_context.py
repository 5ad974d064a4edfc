"""Which words of a ticket are read, and that a ticket without context is answered as ever."""

import json
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features.schema import Message, Ticket
from features.taxonomy import default_taxonomy
from models.context import read_in_context, settled
from models.heads import Probabilities
from models.triage import TriageModel

TAXONOMY = default_taxonomy()
KEYS = [c.key for c in TAXONOMY.categories]


def sure_of(key: str, p: float) -> Probabilities:
    category = np.full((1, len(KEYS)), (1 - p) / (len(KEYS) - 1), np.float32)
    category[0, KEYS.index(key)] = p
    return Probabilities(category, np.zeros((1, len(TAXONOMY.tags)), np.float32), np.full((1, 4), 0.25, np.float32))


def read(text: str, *said: str, key: str = "inquiry", p: float = 0.9) -> str:
    ticket = Ticket("1", text, messages=tuple(Message("customer", t) for t in said))
    return read_in_context([ticket], lambda normals: sure_of(key, p), TAXONOMY)[0].normal


def test_own_words_that_tell_enough_are_read_alone() -> None:
    assert read("电子发票怎么开具呢", "手机充不进电，想送修") == "电子发票怎么开具呢"


def test_own_words_that_nobody_believes_are_read_with_the_rest() -> None:
    assert read("电子发票怎么开具呢", "手机充不进电", p=0.3) == "手机充不进电;电子发票怎么开具呢"
    assert read("电子发票怎么开具呢", "手机充不进电", key="other") == "手机充不进电;电子发票怎么开具呢"


def test_danger_said_before_is_always_read() -> None:
    assert read("电子发票怎么开具呢", "充电的时候冒烟了") == "充电的时候冒烟了;电子发票怎么开具呢"


def test_the_model_is_not_asked_without_messages() -> None:
    def never(normals: list[str]) -> Probabilities:
        raise AssertionError(normals)

    assert read_in_context([Ticket("1", "屏幕碎了能保修吗")], never, TAXONOMY)[0].normal == "屏幕碎了能保修吗"


def test_thanks_after_a_request_let_nothing_wait() -> None:
    thanked = Ticket("1", "好的谢谢", messages=(Message("customer", "手机充不进电"),))
    readings = read_in_context([thanked], lambda normals: sure_of("repair", 0.9), TAXONOMY)
    assert readings[0].closed
    assert settled(sure_of("repair", 0.9), readings).urgency.tolist() == [[0, 0, 0, 1]]


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=40), st.sampled_from(["app", "微信", "phone", "投诉电话", ""]))
def test_inv_empty_context_channel_and_product_change_no_byte(
    small_model: TriageModel, text: str, channel: str
) -> None:
    plain = Ticket("1", text)
    given_ = replace(plain, title="", messages=(), channel=channel, product="手机")
    one, other = (small_model.answer([t])[0].as_dict() for t in (plain, given_))
    assert json.dumps(one) == json.dumps(other)
    assert "satisfaction" not in one
