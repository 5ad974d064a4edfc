"""Texts without a word are answered by definition."""

from __future__ import annotations

import numpy as np
import pytest

from features.taxonomy import default_taxonomy, flat_taxonomy
from features.text import normalize
from models.heads import Probabilities
from models.silence import hushed, silent

CARD = "[订单编号:20240506123，订单金额:99.00，下单时间:2024-05-06 10:20]"
TAXONOMY = default_taxonomy()


@pytest.mark.parametrize(
    "text", ["", " \n", "???！！", "https://item.example.com/1.html", "@某客服", CARD, "[ORDERID_1]"]
)
def test_what_is_silent(text: str) -> None:
    assert silent(normalize(text))


@pytest.mark.parametrize("text", ["在吗", "?在", f"{CARD} 退货", "a", "7"])
def test_what_is_not(text: str) -> None:
    assert not silent(normalize(text))


def random(n: int, taxonomy_sizes: tuple[int, int, int]) -> Probabilities:
    rng = np.random.default_rng(0)
    return Probabilities(*(rng.random((n, k)).astype(np.float32) for k in taxonomy_sizes))


def test_only_silent_texts_are_hushed() -> None:
    p = random(2, (len(TAXONOMY.categories), len(TAXONOMY.tags), 4))
    out = hushed(p, ["", "退货"], TAXONOMY)
    assert TAXONOMY.categories[int(out.category[0].argmax())].key == "other"
    assert out.category[0].sum() == out.urgency[0, -1] == 1
    assert not out.tags[0].any()
    for one, other in ((out.category, p.category), (out.tags, p.tags), (out.urgency, p.urgency)):
        np.testing.assert_array_equal(one[1], other[1])
    assert hushed(p, ["a", "b"], TAXONOMY) is p


def test_another_taxonomy_leaves_the_category_open() -> None:
    p = random(1, (2, 0, 1))
    np.testing.assert_array_equal(hushed(p, [""], flat_taxonomy(["a", "b"])).category, p.category)
