"""What may be done without a person."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.decide import MESSAGES, Threshold, act, reason

SHARE = st.floats(0, 1)


@pytest.mark.parametrize(("p", "action"), [(0.95, "automate"), (0.9, "automate"), (0.7, "suggest"), (0.59, "abstain")])
def test_thresholds_belong_to_the_better_side(p: float, action: str) -> None:
    assert act(p, Threshold(0.9, 0.6)) == action


def test_never_is_never() -> None:
    assert act(1.0, Threshold.of({"automate": 1.01, "suggest": 1.01})) == "abstain"


@given(SHARE, SHARE, SHARE, SHARE)
def test_a_surer_answer_may_do_no_less(p: float, q: float, a: float, b: float) -> None:
    threshold, order = Threshold(max(a, b), min(a, b)), ["abstain", "suggest", "automate"]
    low, high = sorted((p, q))
    assert order.index(act(low, threshold)) <= order.index(act(high, threshold))


@pytest.mark.parametrize("code", MESSAGES)
@pytest.mark.parametrize("language", ["zh-Hans", "zh-Hant", "en", "und"])
def test_every_reason_has_a_sentence(code: str, language: str) -> None:
    told = reason(code, language, ("退货",), a="甲", b="乙", p=0.714)
    assert told.code == code
    assert told.words == ("退货",)
    assert told.message
    assert "{" not in told.message
    assert told.message.isascii() != language.startswith("zh") or "甲" in told.message
