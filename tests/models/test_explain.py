"""Which words carried a score."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.schema import Ticket
from features.text import normalize
from models.explain import carrying_words, saliency
from models.triage import TriageModel

SHARES = st.integers(4, 12).flatmap(
    lambda n: st.tuples(
        st.just(n), *(st.lists(st.floats(-5, 5), min_size=n - k + 1, max_size=n - k + 1) for k in (1, 2, 3, 4))
    )
)


@given(SHARES)
def test_saliency_shares_out_everything_and_nothing_more(drawn: tuple[int, list[float]]) -> None:
    length, *spans = drawn
    slow = np.zeros(length)
    for order, contributions in enumerate(spans, 1):
        for place, value in enumerate(contributions):
            slow[place : place + order] += value / order
    fast = saliency(length, [(k, np.array(s)) for k, s in enumerate(spans, 1)])
    np.testing.assert_allclose(fast, slow, atol=1e-9)
    assert fast.sum() == pytest.approx(sum(map(sum, spans)), abs=1e-8)


def test_the_strongest_comes_first() -> None:
    text = "屏幕碎了,请帮忙退货"
    carried = np.zeros(len(text))
    carried[0:4], carried[8:10] = 1.0, 3.0
    assert carrying_words(text, carried) == ("退货", "屏幕碎了")


def test_a_lone_character_takes_its_neighbour() -> None:
    """In a release, 退 alone carries 退货 and 退款."""
    text, carried = "我要退货退款", np.array([0, 0, 9, 1, 8, 2.0])
    assert carrying_words(text, carried) == ("退货", "退款")
    assert carrying_words("要退", np.array([0.1, 1])) == ("要退",)
    assert carrying_words("退。", np.array([1, 0.1])) == ()


def test_latin_words_stay_whole() -> None:
    text = "the refund never came"
    carried = np.zeros(len(text))
    carried[6:8] = 1.0
    assert carrying_words(text, carried) == ("refund",)


@pytest.mark.parametrize("text", ["", "!!!", "退"])
def test_nothing_to_say(text: str) -> None:
    assert carrying_words(text, np.ones(len(text))) == ()


@given(st.text(max_size=40).map(normalize), st.data())
def test_words_stand_in_the_text(normal: str, data: st.DataObject) -> None:
    carried = np.array(data.draw(st.lists(st.floats(-1, 1), min_size=len(normal), max_size=len(normal))))
    words = carrying_words(normal, carried)
    assert len(words) <= 3
    if not any("\ue001" <= c <= "\ue005" for c in normal):
        assert all(w in normal for w in words)


def test_a_releases_words_stand_in_the_ticket(small_model: TriageModel) -> None:
    text = "买了两天屏幕就碎了,我要退货退款"
    [answer] = small_model.answer([Ticket("1", text)])
    assert answer.reasons[0].code == "words"
    assert all(w in text for w in answer.reasons[0].words)
