"""Words of danger are always heard, unless they are denied."""

import pytest

from features.signals import find_signals, load_signals, signal_vector
from features.text import normalize

DANGER = [
    "充电时冒烟了",
    "电池鼓包了",
    "插座起火了",
    "机身漏电，电到我了",
    "没反应，冒烟了",
    "手机没摔过但是电池鼓包了",
    "The charger started smoking",
    "battery is swollen",
    "it did not turn on and then smoke came out",
    "手機電池鼓包了",
    "吹风机喷火星子",
    "the phone blew up and burned my hand",
    "屏幕没坏，冒烟了",
]
NO_DANGER = [
    "没有冒烟",
    "电池不鼓包但不耐用",
    "冒烟倒是没有",
    "担心会不会爆炸",
    "no smoke, just warm",
    "抢购火爆",
    "烟灰色手机壳",
    "漏电保护插座有货吗",
    "smoky grey colour",
    "this deal is on fire",
    "手机壳图案是火焰",
    "会议老是漏电话",
    "伞骨折了",
    "battery isn't swollen",
    "do you sell a smoke detector",
]


def hazards(text: str) -> list[str]:
    return [h.text for h in find_signals(normalize(text)) if h.signal.forces]


@pytest.mark.parametrize("text", DANGER)
def test_danger_is_heard(text: str) -> None:
    assert hazards(text)


@pytest.mark.parametrize("text", NO_DANGER)
def test_denied_or_meant_otherwise_is_no_danger(text: str) -> None:
    assert hazards(text) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("再不处理我就打12315", "threat"),
        ("I will see you in court", "threat"),
        ("信息被泄露", "fraud"),
        ("扣了我两次钱，不退钱", "money"),
        ("打了八次电话", "repeated"),
        ("今晚急用", "deadline"),
        ("什么破手机，垃圾", "anger"),
        ("已经解决了，谢谢", "solved"),
    ],
)
def test_other_kinds(text: str, kind: str) -> None:
    assert kind in {h.signal.key for h in find_signals(normalize(text))}


def test_every_kind_has_names_in_both_languages_and_a_place_in_the_vector() -> None:
    assert all(s.zh and s.en for s in load_signals())
    assert signal_vector(()).shape == (len(load_signals()),)
    assert signal_vector(find_signals("冒烟了")).sum() > 0
