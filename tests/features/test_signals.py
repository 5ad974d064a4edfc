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


REASONS = {
    "hazard": ("充电的时候冒烟了", "电池鼓包了", "The battery is swelling"),
    "money": (
        "退款一直没到账",
        "钱扣了订单却没有",
        "拒绝退款",
        "押金不退",
        "I was overcharged",
        "they refuse to refund me",
    ),
    "repeated": ("我已经反映过三次了", "催了好几次", "每次都说等", "I have called several times", "still no reply"),
    "threat": (
        "我要打12315",
        "投诉到工信部",
        "我会起诉你们",
        "曝光你们",
        "我要举报",
        "打官司",
        "my attorney will call",
    ),
    "deadline": ("今天必须解决", "下午之前要", "赶时间", "急着用", "I need it by Friday", "asap"),
    "anger": (
        "气死我了",
        "什么态度",
        "非常生气",
        "别忽悠我",
        "不要再欺骗消费者",
        "I am very angry",
        "this is unacceptable",
    ),
}
UNMEANT = [
    "不会投诉",
    "我不会投诉你们的",
    "不想起诉",
    "没打算曝光",
    "我没有投诉",
    "不用着急",
    "不是骗子",
    "没有多扣",
    "I will not sue",
    "I won't go to court",
    "I don't want to take legal action",
    "not urgent",
    "I am not very angry",
]
MEANT = [
    "再不处理就投诉",
    "不退款就打12315",
    "不解决我就起诉",
    "我没收到货，我要投诉",
    "if you don't refund I will sue",
    "It does not work, I will see you in court",
]


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in REASONS.items() for text in texts])
def test_mft_every_reason_of_urgency_is_heard(kind: str, text: str) -> None:
    assert kind in {h.signal.key for h in find_signals(normalize(text))}


@pytest.mark.parametrize("text", UNMEANT)
def test_mft_what_is_denied_is_no_reason(text: str) -> None:
    assert {h.signal.key for h in find_signals(normalize(text))} & {"threat", "anger", "deadline", "money"} == set()


@pytest.mark.parametrize("text", MEANT)
def test_mft_a_condition_is_no_denial(text: str) -> None:
    assert {h.signal.key for h in find_signals(normalize(text))} & {"threat", "anger"}


def test_every_kind_has_names_in_both_languages_and_a_place_in_the_vector() -> None:
    assert all(s.zh and s.en for s in load_signals())
    assert signal_vector(()).shape == (len(load_signals()),)
    assert signal_vector(find_signals("冒烟了")).sum() > 0
