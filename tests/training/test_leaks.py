"""No row may judge a model that has learnt from its copy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data import Row, content_key
from training.data.leaks import drop_copies, folds_by_content

JUDGE = "昨天买的手机屏幕碎了，想问问能不能保修"


def rows(*texts: str) -> list[Row]:
    return [Row(str(i), t, "s", f"c{i % 2}") for i, t in enumerate(texts)]


@pytest.mark.parametrize(
    "copy",
    [
        JUDGE,
        f"  {JUDGE}！！！",
        "昨天買的手機屏幕碎了，想問問能不能保修",
        f"你好。{JUDGE}谢谢",
        "买的手机屏幕碎了，想问问",
        "昨天买的手机屏幕碎了，想问问能不能保休",
    ],
)
def test_copies_are_dropped(copy: str) -> None:
    assert drop_copies(rows(copy), rows(JUDGE)) == []


def test_a_piece_of_a_judging_chat_is_a_copy() -> None:
    assert drop_copies(rows("退货", "退款"), rows("退货；什么时候到")) == rows("退货", "退款")[1:]


@pytest.mark.parametrize("other", ["手机", "屏幕碎了", "发票什么时候开", "My screen is broken", "", "!!!"])
def test_the_rest_stays(other: str) -> None:
    assert drop_copies(rows(other), rows(JUDGE)) == rows(other)


TEXTS = st.lists(st.text("退货屏碎 !a1", min_size=1, max_size=4), min_size=12, max_size=40)


@given(TEXTS.filter(lambda texts: len({content_key(t) for t in texts}) >= 6), st.integers(2, 3))
@pytest.mark.filterwarnings("ignore:The least populated class:UserWarning")
def test_folds_are_disjoint_by_content(texts: list[str], folds: int) -> None:
    fold = folds_by_content(rows(*texts), folds, seed=0)
    assert set(fold) <= set(range(folds))
    of: dict[str, set[int]] = {}
    for text, k in zip(texts, fold, strict=True):
        of.setdefault(content_key(text), set()).add(int(k))
    assert all(len(seen) == 1 for seen in of.values())


def test_folds_are_even_and_the_same_every_time() -> None:
    many = rows(*(f"text number {chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(200)))
    fold = folds_by_content(many, 5, seed=0)
    assert np.bincount(fold).tolist() == [40] * 5
    for category in ("c0", "c1"):
        assert set(np.bincount(fold[[r.category == category for r in many]])) == {20}
    assert (fold == folds_by_content(many, 5, seed=0)).all()
    assert (fold != folds_by_content(many, 5, seed=1)).any()
