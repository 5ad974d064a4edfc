"""Entities: known answers, slow twins of the check digits, traps, and what must hold for any text at all.

Every number here is invented: its check digit is worked out in this file.
"""

from __future__ import annotations

import string
import time
import timeit
from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import entities
from features.entities import MAX_ENTITIES, PERSONAL, find_entities, mask


def slow_luhn(digits: str) -> bool:
    """Double every second digit from the right, as the standard tells it."""
    total = 0
    for place, digit in enumerate(digits[::-1], start=1):
        doubled = int(digit) * 2
        total += int(digit) if place % 2 else doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def slow_id_card(text: str) -> bool:
    """Use the table of weights that the standard GB 11643 prints."""
    try:
        date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    total = weighed(text[:17], [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
    return "1900" <= text[6:10] < "2100" and text[0] != "0" and "10X98765432"[total % 11] == text[17]


def slow_ups(text: str) -> bool:
    """Look letters up in the published table: A is 2, B is 3, and round again after 9."""
    table = {c: str((2 + i) % 10) for i, c in enumerate(string.ascii_uppercase)}
    digits = "".join(table.get(c, c) for c in text[2:])
    return (10 - weighed(digits[:15], [1, 2] * 7 + [1]) % 10) % 10 == int(digits[15])


def slow_usps(digits: str) -> bool:
    """Weigh from the right, the last digit before the check digit with 3."""
    total = weighed(digits[-2::-1], [3, 1] * 10 + [3])
    return digits[0] == "9" and digits[1] in "12345" and (10 - total % 10) % 10 == int(digits[-1])


def slow_s10(text: str) -> bool:
    """Use the weights and the two exceptions that the standard prints."""
    check = 11 - weighed(text[2:10], [8, 6, 4, 2, 3, 5, 9, 7]) % 11
    check = 0 if check == 10 else 5 if check == 11 else check
    return check == int(text[10])


def weighed(digits: str, weights: list[int]) -> int:
    total = 0
    for digit, weight in zip(digits, weights, strict=True):
        total += int(digit) * weight
    return total


def closed(body: str, ok: Callable[[str], bool], after: str = "") -> str:
    """Append the check character that makes `ok` true."""
    return next(body + c + after for c in "0123456789X" if ok(body + c + after))


def kinds(text: str) -> list[tuple[str, str]]:
    return [(e.kind, e.text) for e in find_entities(text)]


ID_CARD = closed("11010119900307123", slow_id_card)
CARD = closed("622202123456789012", slow_luhn)
VISA = closed("411111222233334", slow_luhn)
VISA_IN_FOURS = f"{VISA[:4]} {VISA[4:8]} {VISA[8:12]} {VISA[12:]}"
IMEI = closed("35209900176148", slow_luhn)
OTHER_IMEI = closed("49015420323751", slow_luhn)  # begins like no device of today: needs a hint
UPS = closed("1Z999AA1012345678", slow_ups)
USPS = closed("940011189922310000123", slow_usps)
EMS = closed("EA47312482", slow_s10, "CN")
DEUTSCHE_POST = closed("RR47312482", slow_s10, "DE")

han = st.text("我的手机坏了怎么办客服请退款订单快递身份证卡号，。！电话", max_size=12)


@st.composite
def id_cards(draw: st.DrawFn) -> str:
    born = date(1920, 1, 1) + timedelta(days=draw(st.integers(0, 40_000)))
    area, order = draw(st.integers(110_000, 659_999)), draw(st.integers(0, 999))
    return closed(f"{area}{born:%Y%m%d}{order:03d}", slow_id_card)


@st.composite
def bank_cards(draw: st.DrawFn) -> str:
    head, length = draw(st.sampled_from([("62", 16), ("62", 17), ("62", 18), ("62", 19), ("4", 16), ("53", 16)]))
    rest = length - 1 - len(head)
    return closed(head + draw(st.text("0123456789", min_size=rest, max_size=rest)), slow_luhn)


@st.composite
def phones(draw: st.DrawFn) -> str:
    number = f"1{draw(st.integers(3, 9))}{draw(st.integers(0, 10**9 - 1)):09d}"
    form = draw(st.sampled_from(["{}", "+86{}", "+86 {}", "0086{}", "86-{}"]))
    gap = draw(st.sampled_from(["", " ", "-", "\u200b"]))
    return str(form.format(gap.join([number[:3], number[3:7], number[7:]])))


emails = st.from_regex(r"\A[a-z0-9][a-z0-9._]{0,8}@[a-z0-9]{1,8}\.(com|cn|com\.cn)\Z")
anything = st.one_of(
    st.text(st.characters(codec=None, categories=None), max_size=60),  # NULs and lone surrogates too
    st.text("0123456789０٣xX -+()@.aZ1订单号imei[]元月\u200b\ud800", max_size=80),
    st.lists(
        st.one_of(
            id_cards(), bank_cards(), phones(), emails, han,
            st.sampled_from([IMEI, OTHER_IMEI, UPS, USPS, "SF1234567890123", "订单号：", "5月6号", *" -x@[", "imei"]),
        ),
        max_size=8,
    ).map("".join),
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("订单号：20240506123456", [("order_number", "20240506123456")]),
        ("單號 AB-123-4567", [("order_number", "AB-123-4567")]),
        ("order no. 20240506123 is late", [("order_number", "20240506123")]),
        ("Order #12345678.", [("order_number", "12345678")]),
        ("[ORDERID_10351283]，订单呢", [("order_number", "[ORDERID_10351283]")]),
        ("240506-123456789012345", [("order_number", "240506-123456789012345")]),
        ("１３８１２３４５６７８，wx13812345678", [("phone", "１３８１２３４５６７８"), ("phone", "13812345678")]),
        ("+44 20 7946 0958 or (415) 555-2671", [("phone", "+44 20 7946 0958"), ("phone", "(415) 555-2671")]),
        ("座机010-62345678", [("phone", "010-62345678")]),
        ("邮箱mei@example.com，mei＠example．com", [("email", "mei@example.com"), ("email", "mei＠example．com")]),
        ("13812345678@example.com", [("email", "13812345678@example.com")]),
        (f"身份证{ID_CARD}，卡号{CARD}", [("id_card", ID_CARD), ("bank_card", CARD)]),
        (VISA_IN_FOURS, [("bank_card", VISA_IN_FOURS)]),
        (f"{IMEI}，IMEI：{OTHER_IMEI}", [("imei", IMEI), ("imei", OTHER_IMEI)]),
        (f"{OTHER_IMEI} 退货", []),
        ("¥199.9和199元", [("amount", "¥199.9"), ("amount", "199元")]),
        ("￥５９９，付了1,299.00元", [("amount", "￥５９９"), ("amount", "1,299.00元")]),
        ("$20, 20 dollars, 三百块", [("amount", "$20"), ("amount", "20 dollars"), ("amount", "三百块")]),
        ("2024-05-06到5月6号", [("date", "2024-05-06"), ("date", "5月6号")]),
        ("since May 6th, 2024", [("date", "May 6th, 2024")]),
        ("20240506买的", [("date", "20240506")]),
    ],
)  # fmt: skip
def test_known_answers(text: str, expected: list[tuple[str, str]]) -> None:
    """MFT: the kinds, each in the customer's own characters."""
    assert kinds(text) == expected


@pytest.mark.parametrize(
    ("text", "carrier", "number"),
    [
        ("SF1234567890123到了", "SF", "SF1234567890123"),
        ("运单号：YT1234567890123", "YTO", "YT1234567890123"),
        ("京东快递JDVA0123456789012", "JD", "JDVA0123456789012"),
        ("JD0123456789012-1-1-", "JD", "JD0123456789012-1-1"),
        ("中通快递单号 751234567890", "ZTO", "751234567890"),
        ("順豐單號751234567890", "SF", "751234567890"),
        ("FedEx tracking number is 123456789012", "FedEx", "123456789012"),
        ("物流单号9876543210987", None, "9876543210987"),
        *((UPS, "UPS", UPS), (USPS, "USPS", USPS), (EMS, "EMS", EMS), (DEUTSCHE_POST, "POST", DEUTSCHE_POST)),
    ],
)
def test_carriers(text: str, carrier: str | None, number: str) -> None:
    """MFT: a parcel's number and whose it is."""
    assert [(e.kind, e.carrier, e.text) for e in find_entities(text)] == [("tracking_number", carrier, number)]


TRAPS = "100M流量,4G,iPhone 15,2块屏,一块去,十块电池,12315,v2.3.10,5.0.1,2024年13月1日,13月1号,20241305,May 45th"
TRAPS += ",you may 6 times,items 3,user@,@客服,3天,99新,房间1607 1107,666666666666666666"


@pytest.mark.parametrize("text", TRAPS.split(","))
def test_traps(text: str) -> None:
    """MFT: numbers that name nothing."""
    assert kinds(text) == []


def test_a_long_order_number_is_no_card() -> None:
    """MFT: eighteen digits are an identity card only with its check digit and a day that exists."""
    assert kinds("订单号：123456789012345678") == [("order_number", "123456789012345678")]
    no_day = "110101199002310017"
    assert not slow_id_card(no_day)
    assert kinds(no_day) == [("order_number", no_day)]
    taobao = closed("412345678901234567", slow_luhn)
    assert kinds(f"订单号 {taobao}") == [("order_number", taobao)]
    assert [e.kind for e in find_entities(f"卡 {taobao}")] == ["bank_card"]


def test_overlaps() -> None:
    """MFT: a person's number wins over an order's, a check digit over both."""
    assert kinds("单号13812345678") == [("phone", "13812345678")]
    assert kinds(f"订单号{ID_CARD}") == [("id_card", ID_CARD)]


def test_as_dict_hides_persons() -> None:
    """MFT: an answer shows the first three and last two characters; repr, which is logged, shows nothing."""
    phone, email, order = find_entities("13812345678，mei@example.com，订单号123456789")
    assert phone.as_dict() == {"kind": "phone", "start": 0, "end": 11, "text": "138******78"}
    assert email.as_dict()["text"] == "m***@example.com"
    assert order.as_dict()["text"] == "123456789"
    assert find_entities("SF1234567890123")[0].as_dict()["carrier"] == "SF"
    assert "138" not in repr(phone)


def test_mask_known_answers() -> None:
    """MFT: persons are hidden, orders and money stay."""
    text = f"订单号：123456789，手机13812345678，{ID_CARD}，{CARD}，imei {IMEI}，a@b.cn，199元"
    assert mask(text) == "订单号：123456789，手机[phone]，[id_card]，[bank_card]，imei [imei]，[email]，199元"


@given(st.from_regex(r"\A[0-9]{6}(19|20)[0-9]{2}[01][0-9][0-3][0-9]{4}[0-9X]\Z"), id_cards())
def test_id_card_twin(text: str, valid: str) -> None:
    assert entities._id_card_ok(text) == slow_id_card(text)
    assert entities._id_card_ok(valid)
    assert entities._id_card_ok(valid.lower())


@given(*(st.from_regex(rf"\A{shape}\Z") for shape in ("1Z[0-9A-Z]{15}[0-9]", "9[0-9]{21}", "[A-Z]{2}[0-9]{9}[A-Z]{2}")))
def test_carrier_and_luhn_twins(ups: str, usps: str, s10: str) -> None:
    assert entities._luhn_ok(usps) == slow_luhn(usps)
    assert entities._ups_ok(ups) == slow_ups(ups)
    assert entities._usps_ok(usps) == slow_usps(usps)
    assert entities._s10_ok(s10) == slow_s10(s10)


@given(anything)
@settings(max_examples=300, deadline=None)
def test_spans(text: str) -> None:
    """INV: in range, sorted, apart, and true to the original, whatever the text."""
    found = find_entities(text)
    assert all(text[e.start : e.end] == e.text and e.start < e.end for e in found)
    assert all(a.end <= b.start for a, b in pairwise(found))


@given(anything)
@settings(max_examples=300, deadline=None)
def test_mask_leaves_nothing(text: str) -> None:
    """INV: no person is left, and masking again changes nothing."""
    masked = mask(text)
    assert [e for e in find_entities(masked) if e.kind in PERSONAL] == []
    assert mask(masked) == masked


@given(han, st.one_of(id_cards(), bank_cards(), phones(), emails), han)
@settings(max_examples=300, deadline=None)
def test_persons_in_chinese_are_masked(before: str, secret: str, after: str) -> None:
    """INV: what stands around a number does not bring it into the log."""
    masked = mask(f"{before}{secret}{after}")
    assert (masked[: len(before)], masked[len(masked) - len(after) :]) == (before, after)
    assert not any(c.isdigit() or c == "@" for c in masked)


@given(han, id_cards(), st.integers(1, 10))
@settings(deadline=None)
def test_changed_check_digit_is_no_id_card(before: str, card: str, shift: int) -> None:
    """DIR: one other check character, and it is an identity card no more."""
    order = "0123456789X"
    changed = card[:-1] + order[(order.index(card[-1]) + shift) % 11]
    assert all(e.kind != "id_card" for e in find_entities(before + changed))


def test_at_most_so_many_but_all_are_masked() -> None:
    text = "13812345678，" * (MAX_ENTITIES + 50)
    assert len(find_entities(text)) == MAX_ENTITIES
    assert "138" not in mask(text)


def test_a_chain_of_uncoverings_ends_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    """MFT: where the rounds run out, digits are starred rather than shown."""
    monkeypatch.setattr(entities, "_ROUNDS", 0)
    assert mask("电话１38 a@b.cn") == "电话*** a*b.cn"


ATTACKS = ["1 ", "1", "(1", "+1", "1-", "a@", "a.", "a@a.", "1Z", "十", "订单号:1", "order no 1", "1,111,", "¥1", "5月"]
ATTACKS += ["[ORDERID_1", "13812345678 ", "1x ", f"{IMEI} ", "May 6 ", "A1-", "1/", "1\u200b", "快递1", "\ud8001"]


@pytest.mark.parametrize("unit", ATTACKS)
def test_hostile_text_takes_linear_time(unit: str) -> None:
    """INV: 20,000 characters made for backtracking take no more than a moment (0.5 s is the slowest seen)."""
    text = (unit * 20_000)[:20_000]
    started = time.process_time()
    find_entities(text)
    assert time.process_time() - started < 2


def test_text_without_numbers_costs_nothing() -> None:
    """INV: the gate keeps ordinary text under 10 microseconds (best of five, as machines are shared)."""
    text = "手机屏幕碎了怎么办，客服一直不回复我，一块去看看吧" * 3
    assert min(timeit.repeat(lambda: find_entities(text), number=200, repeat=5)) / 200 < 10e-6
