"""What happens next: never a refusal, always a next step or a person, and a person where words and photo disagree."""

from __future__ import annotations

import re
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.advice import DEFAULT_PATH, SEVERITIES, Case, advise, default_rules, parse_rules
from features.cases import CONDITIONS
from features.errors import ConfigError
from features.text import normalize

RULES = default_rules()
TEXT = DEFAULT_PATH.read_text(encoding="utf-8")
# Words that tell a customer no. Instructions may hold a "do not"; these never stand in what a shop may tell.
REFUSING = re.compile(
    r"拒绝|不予|不受理|不支持|不符合|不满足|无法(?:退|换|修|受理|处理|赔)|不能(?:退|换|保修|赔|受理)|不可以?(?:退|换)|概不|恕不|不在(?:保修|三包)"
    r"|\b(?:refus\w+|reject\w+|den(?:y|ied)|declin\w+|ineligible|not eligible|cannot (?:return|exchange|be)|not covered"
    r"|not entitled|unfortunately|we (?:can't|cannot|won't|will not))\b",
    re.IGNORECASE,
)


def rule(condition: str, text: str = "", severity: str = "moderate", *, unsure: bool = False) -> str:
    return advise(condition, severity, text, "zh", unsure).rule


@pytest.mark.parametrize("item", [*RULES.rules], ids=lambda r: r.key)
def test_no_rule_refuses_and_every_rule_leads_on(item) -> None:
    sentences = [*item.title.values(), *(s for step in item.steps for s in (step.zh, step.en))]
    assert [s for s in sentences if REFUSING.search(s)] == []
    assert item.steps[-1].ends in ("next", "person")
    assert item.steps[-1].ends == "person" or not item.human


def test_the_scan_would_find_a_refusal() -> None:
    for bad in ("很抱歉，无法退货", "此情况不在保修范围", "It is rejected", "We cannot help", "not eligible"):
        assert REFUSING.search(bad), bad


@pytest.mark.parametrize("item", [*RULES.rules], ids=lambda r: r.key)
def test_every_rule_is_reached(item) -> None:
    """MFT: no rule stands behind another that takes all of its cases."""
    facts = [w.key for w in RULES.words]
    said = frozenset(item.when.said)
    cases = (
        Case(c, s, said | extra, unsure, hazard)
        for c, s, unsure, hazard in product(CONDITIONS, SEVERITIES, (False, True), (False, True))
        for extra in (frozenset(), *({f} for f in facts))
    )
    assert any(RULES.first(case).key == item.key for case in cases)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(CONDITIONS)),
    st.sampled_from(SEVERITIES),
    st.text(max_size=40) | st.sampled_from(["屏幕碎了，刚买的", "进水了", "没收到货", "冒烟了", "\ud83d"]),
    st.sampled_from(["zh", "zh-Hant", "en", "mixed", "und"]),
    st.booleans(),
)
def test_there_is_always_advice(condition: str, severity: str, text: str, language: str, abstained: bool) -> None:
    given_advice = advise(condition, severity, text, language, abstained)
    assert given_advice.title
    assert all(given_advice.steps)
    assert not REFUSING.search(" ".join(given_advice.steps))
    if abstained and condition != "nothing_to_diagnose":
        assert given_advice.to_human


SAYS = {
    "recent": ["前天刚买的", "买了3天", "才收到两天", "收到货第三天", "7天无理由", "昨天到手", "I bought it yesterday",
               "just received it", "received 2 days ago", "within seven days"],
    "long_ago": ["用了两年了", "买了好几年", "去年买的", "已经过保了", "保修期已过", "没有保修了", "out of warranty",
                 "my warranty has expired", "bought it three years ago"],
    "warranty": ["能保修吗", "还在保内", "有碎屏险", "is it under warranty?"],
    "data": ["里面的数据很重要", "照片还没备份", "聊天记录能保留吗", "I need my photos back", "no backup"],
    "water": ["手机进水了", "掉进水里", "洒了咖啡", "dropped it in the toilet", "water damage", "手機進水"],
    "screen": ["屏幕碎了", "螢幕裂了", "碎屏", "the screen is cracked", "cracked my screen", "摔了一下屏幕全裂"],
    "phone_fault": ["后盖裂了", "手机摔坏了", "开不了机", "花屏", "my phone is dead", "won't turn on"],
    "parcel": ["包裹破了", "箱子压坏了", "盒子被压变形", "the box was crushed", "damaged in transit"],
    "on_arrival": ["收到就是碎的", "开箱就发现有划痕", "it arrived broken", "cracked out of the box", "拆开一看就坏了"],
    "not_received": ["还没收到货", "没收到", "物流太慢了", "快递三天没动", "where is my order", "it never arrived"],
}  # fmt: skip


@pytest.mark.parametrize(("fact", "text"), [(f, t) for f, texts in SAYS.items() for t in texts])
def test_what_is_said(fact: str, text: str) -> None:
    assert fact in RULES.said(normalize(text))


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        ("recent", "等了7天还没收到"), ("recent", "买了13天"), ("recent", "买了二十三天"), ("recent", "用了两年"),
        ("recent", "购买超过7天"), ("screen", "屏幕没碎"), ("screen", "不是屏幕碎了"), ("screen", "屏幕保护膜碎了"),
        ("screen", "the screen is not cracked"), ("water", "没有进水"), ("water", "没进过水"),
        ("water", "not water damage"),
        ("parcel", "盒子没破"), ("parcel", "the box is fine"), ("not_received", "已经收到了"),
        ("not_received", "没收到退款"), ("long_ago", "用了两天"), ("data", "天气不错"), ("phone_fault", "手机没坏"),
    ],
)  # fmt: skip
def test_what_is_not_said(fact: str, text: str) -> None:
    assert fact not in RULES.said(normalize(text))


@pytest.mark.parametrize(
    ("condition", "text", "expected"),
    [
        ("screen_broken", "物流太慢了，没收到", "disagree_delivery"),
        ("intact", "屏幕碎了", "disagree_screen"),
        ("intact", "后盖摔裂了", "disagree_fault"),
        ("screen_broken", "包裹被压坏了", "disagree_parcel"),
        ("parcel_damaged", "屏幕碎了", "disagree_phone"),
        ("parcel_intact", "手机开不了机", "disagree_phone_fault"),
        ("parcel_intact", "箱子破了", "disagree_no_parcel"),
        ("parcel_intact", "还没收到货", "disagree_lost"),
        ("intact", "冒烟了！", "safety_first"),
        ("nothing_to_diagnose", "手机进水了", "water_unseen"),
    ],
)
def test_where_words_and_photo_disagree_a_person_looks(condition: str, text: str, expected: str) -> None:
    told = advise(condition, "light", text, "zh", abstained=False)
    assert (told.rule, told.to_human) == (expected, True)


@pytest.mark.parametrize(
    ("condition", "text", "expected"),
    [
        ("screen_broken", "", "screen_repair"),
        ("screen_broken", "前天刚买的", "exchange_check"),
        ("screen_broken", "用了三年了", "paid_repair"),
        ("screen_broken", "能保修吗", "warranty_check"),
        ("screen_broken", "屏幕碎了", "screen_repair"),
        ("screen_broken", "没有冒烟", "screen_repair"),
        ("screen_broken", "收到就是碎的", "damaged_on_arrival"),
        ("screen_broken", "包裹破了，手机屏幕也碎了", "damaged_in_parcel"),
        ("parcel_damaged", "包裹破了，里面屏幕也碎了", "parcel_claim"),
        ("display_fault", "", "warranty_display"),
        ("display_fault", "昨天收到的", "exchange_fault"),
        ("scratch", "", "cosmetic"),
        ("stain", "", "clean_first"),
        ("intact", "昨天刚买的，想退货", "return_7_days"),
        ("intact", "", "looks_fine"),
        ("liquid_damage", "", "liquid"),
        ("parcel_damaged", "", "parcel_claim"),
        ("parcel_intact", "", "parcel_fine"),
        ("nothing_to_diagnose", "", "no_thing"),
        ("nothing_to_diagnose", "还没收到货", "delivery_question"),
    ],
)
def test_where_they_agree(condition: str, text: str, expected: str) -> None:
    assert rule(condition, text) == expected


def test_severity_counts() -> None:
    assert rule("screen_broken", severity="severe") == "screen_shattered"
    assert rule("body_damage", severity="light") == "cosmetic"
    assert rule("body_damage", severity="severe") == "body_repair"


def test_who_hands_a_phone_in_is_told_to_back_up() -> None:
    backed_up = RULES.steps["back_up"].zh
    assert backed_up in advise("screen_broken", "light", "", "zh", abstained=False).steps
    assert backed_up not in advise("parcel_damaged", "light", "", "zh", abstained=False).steps
    assert RULES.steps["data_matters"].en in advise("screen_broken", "light", "no backup", "en", abstained=False).steps


def test_both_languages() -> None:
    zh, en = (advise("stain", "light", "", language, abstained=False) for language in ("zh-Hant", "en-GB"))
    assert (zh.rule, len(zh.steps)) == (en.rule, len(en.steps))
    assert not re.search(r"[\u4e00-\u9fff]", en.title + "".join(en.steps))
    assert zh.version == en.version == RULES.version


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("version: 1", "version: one", "version"),
        ("version: 1", "version: 1\nversion: 2", "written twice"),
        ("human: false", "human: maybe", "human"),
        ("    human: true\n", "", "human"),
        ("condition: [stain]", "condition: [stained]", "stained"),
        ("condition: [stain]", "condition: stain", "expected a list"),
        ("said: [screen]", "said: [scream]", "scream"),
        ("steps: [choose_person, wipe_first]", "steps: [wipe_first, back_up]", "end with"),
        ("steps: [choose_person, wipe_first]", "steps: [choose_person]", "not used"),
        ("looks_fine\n    when: {condition: [intact]}", "looks_fine\n    when: {said: [data]}", "intact"),
        ("- key: looks_fine", "- key: cosmetic", "twice"),
        ("    ends: next", "    ends: later", "ends"),
        ("means: asks about the warranty", "sense: x", "unknown keys"),
        ("title: {zh: 外观完好, en: It looks intact}", "title: {zh: 外观完好}", "both languages"),
        ("'\\bwarranty\\b", "'(\\bwarranty\\b", "said.warranty"),
        ("{step: data_matters,", "{step: nothing,", "nothing"),
        ("when: {hazard: true}", "when: {hands_in: true}", "additions"),
        ("version: 1", "- a list", "advice"),
    ],
)  # fmt: skip
def test_a_rule_file_that_contradicts_itself(old: str, new: str, place: str) -> None:
    assert old in TEXT
    with pytest.raises(ConfigError, match=place):
        parse_rules(TEXT.replace(old, new, 1))


@pytest.mark.parametrize("text", ["", "[]", "{", "a: *b"])
def test_what_is_no_rule_file(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_rules(text)


@pytest.mark.parametrize("text", ["买" * 20_000, "没" * 20_000, "屏幕" * 9000, "the screen " * 2000, "收到7天" * 5000])
def test_long_texts_are_read_in_linear_time(text: str) -> None:
    from time import perf_counter

    began = perf_counter()
    advise("intact", "none", text, "zh", abstained=False)
    assert perf_counter() - began < 2.0
