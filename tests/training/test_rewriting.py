"""Rewriting keeps the request, and makes and breaks no negation."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.taxonomy import default_taxonomy
from features.text import normalize
from training.data import load_table
from training.robustness import words as words_module
from training.robustness.denials import deny, requests
from training.robustness.mistakes import MOST
from training.robustness.slices import REWRITES
from training.robustness.words import HAN, editable, negations, words

TICKETS = [
    "手机买回来三天就黑屏了，怎么按都没反应，你们客服也不理人，什么时候能给我退款",
    "My parcel was due on Monday and it still hasn't arrived. Now I want a refund, not a voucher!",
    "订单号:[ORDERID_10116301] 金额:[金额x] 看 https://shop.example/a?b=1 @京东客服 12315 屏幕没有碎",
    "螢幕沒有壞，只是想問發票怎麼開",
    "退货",
    "",
]
TEXT = st.one_of(st.sampled_from(TICKETS), st.text(), st.text("屏幕没有碎不退钱，。now not o!12 \n", max_size=60))
SEED = st.integers(0, 2**32)
CAREFUL = ["typos", "homophones", "spacing", "emoji"]


@pytest.mark.parametrize("name", REWRITES)
@settings(deadline=None)
@given(TEXT, SEED)
def test_the_same_chance_gives_the_same_text(name: str, text: str, seed: int) -> None:
    rewrite = REWRITES[name]
    once = rewrite(text, Random(seed))
    assert once == rewrite(text, Random(seed))
    assert rewrite("", Random(seed)) == ""


@pytest.mark.parametrize("name", REWRITES)
def test_every_rewriting_finds_work(name: str) -> None:
    assert any(REWRITES[name](t, Random(0)) != t for t in TICKETS)


@pytest.mark.parametrize("name", CAREFUL)
@settings(deadline=None)
@given(TEXT, SEED)
def test_no_negation_comes_or_goes(name: str, text: str, seed: int) -> None:
    assert negations(REWRITES[name](text, Random(seed))) == negations(text)


@pytest.mark.parametrize("name", ["typos", "homophones"])
@settings(deadline=None)
@given(TEXT, SEED)
def test_what_software_wrote_stays(name: str, text: str, seed: int) -> None:
    written = re.compile(r"https?://\S+|\[[^\[\]\s]{1,45}\]|\d+")
    assert written.findall(REWRITES[name](text, Random(seed))) == written.findall(text)


@settings(deadline=None)
@given(TEXT, SEED)
def test_typos_are_few(text: str, seed: int) -> None:
    slipped = REWRITES["typos"](text, Random(seed))
    assert abs(len(slipped) - len(text)) <= min(MOST, max(1, len(editable(text)) // 12))


@settings(deadline=None)
@given(TEXT, SEED)
def test_homophones_change_chinese_characters_alone(text: str, seed: int) -> None:
    new = REWRITES["homophones"](text, Random(seed))
    assert len(new) == len(text)
    assert all(HAN.match(a) and HAN.match(b) for a, b in zip(text, new, strict=True) if a != b)


def test_homophones_sound_alike_and_are_common() -> None:
    from pypinyin import lazy_pinyin

    common = "".join(normalize(r.text) for r in load_table("corpus").rows)  # type: ignore[union-attr]
    text = TICKETS[0]
    changed = [(a, b) for n in range(50) for a, b in zip(text, REWRITES["homophones"](text, Random(n)), strict=True)]
    pairs = {(a, b) for a, b in changed if a != b}
    assert len(pairs) > 20
    assert all(lazy_pinyin(a) == lazy_pinyin(b) for a, b in pairs)
    assert all(common.count(b) >= 3 for _, b in pairs)


@pytest.mark.parametrize("name", ["pasted_order", "signature", "forwarded"])
@settings(deadline=None)
@given(TEXT, SEED)
def test_clutter_stands_around_the_request(name: str, text: str, seed: int) -> None:
    new = REWRITES[name](text, Random(seed))
    assert all(line in new for line in text.split("\n"))
    assert len(new) > len(text) or not text.strip()


@settings(deadline=None)
@given(TEXT, SEED)
def test_full_width_is_the_same_to_the_model(text: str, seed: int) -> None:
    assert normalize(REWRITES["full_width"](text, Random(seed))) == normalize(text)


@settings(deadline=None)
@given(TEXT, SEED)
def test_spaces_are_all_that_spacing_adds(text: str, seed: int) -> None:
    gone = re.compile(r"[\s\u200b]")
    assert gone.sub("", REWRITES["spacing"](text, Random(seed))) == gone.sub("", text)


@settings(deadline=None)
@given(TEXT.filter(str.strip), SEED, st.sets(st.sampled_from(sorted(words()["negated_faults"]))))
def test_a_denial_is_of_a_fault_that_the_ticket_has_not(text: str, seed: int, own: set[str]) -> None:
    found = deny(text, sorted(own), default_taxonomy(), Random(seed))
    if len(own) == len(words()["negated_faults"]):
        assert found is None
    else:
        assert found is not None
        new, fault = found
        assert text in new
        assert fault not in own
        said = [c for clauses in words()["negated_faults"][fault].values() for c in clauses]
        assert any(new.startswith(c) or new.endswith(c) for c in said)


def test_every_denial_denies() -> None:
    for clauses in words()["negated_faults"].values():
        assert all(negations(c) for speaks in clauses.values() for c in speaks)


def test_requests_are_labelled_and_new() -> None:
    taxonomy = default_taxonomy()
    rows = list(requests(taxonomy, "requests"))
    assert len(rows) == sum(map(len, words()["requests"].values()))
    allowed = {t.key: t.categories for t in taxonomy.tags}
    assert all(r.category in allowed[t] for r in rows for t in r.tags or ())
    trained = {normalize(r.text) for r in load_table("corpus").rows}  # type: ignore[union-attr]
    assert not trained & {normalize(r.text) for r in rows}


def leaves(table: Any) -> list[Any]:
    if isinstance(table, dict):
        return [x for k, v in table.items() for x in [k, *leaves(v)]]
    return [x for v in table for x in leaves(v)] if isinstance(table, list) else [table]


def test_words_are_words() -> None:
    """YAML takes ``no`` for false and ``4`` for a number."""
    assert all(isinstance(x, str) and x for x in leaves(words()))
    faults = set(words()["negated_faults"])
    assert faults <= {t.key for t in default_taxonomy().tags}
    assert words_module.language("屏幕") == "zh"
