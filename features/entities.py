"""What a customer's text names: orders, parcels, phones, cards, devices, money, days; and the mask over persons.

Every pattern is linear: a repetition is bounded, or a look-behind fixes where it may start. Personal data is found
generously (a masked order number costs a look-up, a logged card number costs a customer), the rest strictly.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import phonenumbers

__all__ = ["MAX_ENTITIES", "PERSONAL", "Entity", "find_entities", "mask"]

# An answer is read by a person and stored whole; a text that names more is a pasted table. `mask` has no such limit.
MAX_ENTITIES: Final = 200
PERSONAL: Final = ("id_card", "bank_card", "imei", "email", "phone")
# Of two entities over the same characters, the kind named first here stays.
_KINDS: Final = (*PERSONAL, "tracking_number", "order_number", "amount", "date")
# Masking one entity can uncover its neighbour. Two rounds do for honest text; whoever needs eight is attacking.
_ROUNDS: Final = 8
# How firmly an entity holds its characters: by a check digit, as a person's, by a hint or prefix, by its shape.
_CHECKED, _PERSON, _HINTED, _SHAPE = 3, 2, 1, 0
_Found = tuple[int, str, int, int, str | None]  # hold, kind, start, end, carrier

# One character to one character, so that spans stay true. Invisible characters inside a number count as spaces.
_PLAIN: Final = {
    **{c: c - 0xFEE0 for c in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))},
    **str.maketrans("＋－．（）＃＠﹫￥＄：／‐‑‒–—−", "+-.()#@@¥$:/------"),
    **str.maketrans("順豐圓韻達極郵運單號碼訂編遞聯萬兩塊幾", "顺丰圆韵达极邮运单号码订编递联万两块几"),
    **dict.fromkeys([9, 0xA0, 0xAD, *range(0x2000, 0x2010), 0x202F, 0x2060, 0x3000, 0xFEFF], " "),
}
# A named group of a pattern is the carrier that it tells.
_TRACKED: Final = (
    r"(?:运单|面单|[快物][递流]单|tracking|waybill|"
    r"(?P<SF>顺丰)|(?P<YTO>圆通)|(?P<ZTO>中通)|(?P<STO>申通)|(?P<YD>韵达)|(?P<JT>极兔)|(?P<JD>京东(?:快递|物流))"
    r"|(?P<DEPPON>德邦)|(?P<EMS>邮政|ems)|(?P<UPS>ups)|(?P<USPS>usps)|(?P<FedEx>fedex|联邦)|(?P<DHL>dhl|敦豪))"
)
_PREFIXES: Final = (
    r"(?P<SF>SF\d{12,15})|(?P<YTO>YT\d{13})|(?P<ZTO>ZTO?\d{12,13})|(?P<STO>STO?\d{12,13}|77\d{13})|(?P<YD>YD\d{13})"
    r"|(?P<JT>JT\d{13})|(?P<JD>JD[A-Z]{0,2}\d{12,13}(?:-\d{1,3}){0,3})|(?P<DEPPON>DPK\d{12})"
    r"|(?P<DHL>JJD\d{16,20}|JVGL\d{10,16})|(?P<AMZL>TBA\d{12})|(?P<CAINIAO>LP\d{14})"
)
_S10: Final = r"[A-Z]{2}(?: ?\d{3}){3} ?(?:(?P<EMS>CN)|(?P<USPS>US)|(?P<POST>[A-Z]{2}))"


def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.ASCII)


_SIGN: Final = re.compile(r"[\d@＠﹫]")
_GATE: Final = re.compile(_SIGN.pattern + "|[十百千万萬][一二两兩三四五六七八九十百千万萬零]{0,9}[元块塊]")
_OTHER_DIGIT: Final = re.compile(r"[^\D0-9]")
_GROUP, _RUN = _compile(r"\d+(?:X(?!\d))?"), _compile(r"\d+(?:X(?!\d))?(?:[ -]{1,2}\d+(?:X(?!\d))?)*")
_FILL: Final = r"(?:编号|号码|快递|速运|物流|express|tracking|reference|number|num|no|id|is|[号单是为的 \n:#.(=]){0,8}"
_ORDER: Final = rf"(?:订单|(?<![递流运面])单号|(?<![a-z])order){_FILL}"
_CODE: Final = r"[a-z\d](?:-?[a-z\d]){5,39}"
_ORDER_BEFORE: Final = _compile(_ORDER + "$")
_IMEI_BESIDE: Final = _compile(r"(?<!\[)imei|串[号码]|序列号|机身码|serial|\bs/?n\b")
_TAC: Final = _compile(r"(?<![a-z])(?:35|86|01)")  # allotted by BABT, TAF, CTIA: nearly every device in use
# UnionPay, Visa, Mastercard, American Express, JCB, ICBC's own, Discover: in the lengths that are issued.
_CARD: Final = _compile(
    r"62\d{14,17}|4\d{15}|5[1-5]\d{14}|3[47]\d{13}|35(?:2[89]|[3-8]\d)\d{12}|9558\d{12,15}|6(?:011|5\d\d)\d{12}"
)
_RARE_CARD: Final = _compile(r"[45]\d{15,18}|2[2-7]\d{14}")  # a card, unless the customer calls it an order
_MOBILE: Final = _compile(r"(?<!\d)(?<!\d\.)(?:\(?(?:\+|00)?86\)?[ -]{0,2}|0)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)")
_NORTH_AMERICA: Final = _compile(r"(?<![\d-])\(?[2-9]\d\d\)?[ .-] ?[2-9]\d\d[ .-]\d{4}(?![\d-])")
_DIALABLE: Final = _compile(r"[+(]{0,2}\d(?:[ ().\-/~]{0,3}\d){6,}")
_WITH_TRUNK: Final = _compile(r"\(?(?:\+|0|86|[48]00|1[3-9](?:\D?\d){9})")  # ten digits without 0 are an order
_LATIN: Final = r"0-9A-Za-z\u00c0-\u024f\u0370-\u052f"  # not \w: 邮箱abc@qq.com has no space
_EMAIL: Final = rf"(?<![{_LATIN}_.%+'-])([{_LATIN}_.%+'-]++@(?:[{_LATIN}-]+\.)+[a-z]{{2,24}})"
_NUMBER: Final = r"(?:\d{1,3}(?:,\d{3}){1,4}|\d{1,9})(?:\.\d{1,2})?"
_HAN: Final = "一二两三四五六七八九十百千万零几"
_PIECES: Final = r"(?![屏电主硬板内手表玻件器素])"  # 2块屏 are two screens, 元件 a component
_YUAN: Final = rf"(?:元{_PIECES}|块钱|[块圆]{_PIECES})"
_UNIT: Final = rf"(?:[美欧日港]?{_YUAN}|美金|港币|(?:rmb|cny|usd|yuan|dollars?|bucks|euros?)\b)"
_MONTH: Final = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?"
    r"|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
)
_DAY, _YEAR = r"\d{1,2}(?:st|nd|rd|th)?", r"(?:19|20)\d\d"
_ENGLISH_DAY: Final = rf"(?:{_MONTH}\.? {_DAY}|{_DAY} (?:of )?{_MONTH})"


@dataclass(frozen=True, slots=True)
class Entity:
    """Something that a text names; ``text == original[start:end]``, and stays out of ``repr``, which is logged."""

    kind: str
    start: int
    end: int
    text: str = field(repr=False)
    carrier: str | None = None

    def as_dict(self) -> dict[str, object]:
        """Give the entity as JSON; of personal text only the first three and the last two characters."""
        found: dict[str, object] = {"kind": self.kind, "start": self.start, "end": self.end, "text": _shown(self)}
        return found if self.carrier is None else found | {"carrier": self.carrier}


def _real_date(year: int, month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]


def _id_card_ok(text: str) -> bool:
    """Tell a Chinese identity number: 18 characters, a day of birth, the check character of ISO 7064 MOD 11-2."""
    if not re.fullmatch(r"[1-9]\d{5}(?:19|20)\d{9}[\dX]", text, re.ASCII | re.IGNORECASE):
        return False
    rest = sum(int(c) * pow(2, 17 - i, 11) for i, c in enumerate(text[:17])) % 11
    # No clock in a pure function: that the day lies in the past is left unasked.
    return _real_date(int(text[6:10]), int(text[10:12]), int(text[12:14])) and "10X98765432"[rest] == text[17].upper()


def _luhn_ok(digits: str) -> bool:
    """Tell whether decimal digits end in their Luhn check digit (ISO/IEC 7812-1, annex B)."""
    return sum(sum(divmod(int(c) << (i & 1), 10)) for i, c in enumerate(reversed(digits))) % 10 == 0


def _s10_ok(text: str) -> bool:
    """Tell a postal number as UPU standard S10 has it: two letters, eight digits, a check digit, a country."""
    digits = text.replace(" ", "")[2:11]
    rest = 11 - sum(int(c) * w for c, w in zip(digits, (8, 6, 4, 2, 3, 5, 9, 7), strict=False)) % 11
    return {10: 0, 11: 5}.get(rest, rest) == int(digits[8])


def _ups_ok(text: str) -> bool:
    """Tell a UPS number: ``1Z``, fifteen letters or digits, a check digit."""
    *values, check = (int(c) if c.isdigit() else (ord(c) - 63) % 10 for c in text.upper().replace(" ", "")[2:])
    return -(sum(values) + sum(values[1::2])) % 10 == check


def _usps_ok(digits: str) -> bool:
    """Tell a USPS number of 22 digits: its service code, and its check digit with the weights 3 and 1."""
    return re.fullmatch(r"9[1-5]\d{20}", digits) is not None and sum(map(int, digits + digits[::2] * 2)) % 10 == 0


def _order_like(text: str) -> bool:
    return sum(c.isdigit() for c in text) >= 6 and not re.fullmatch(r"\d{4}-\d\d?-\d\d?", text)


def _date_like(text: str) -> bool:
    """Tell a day that exists; a bare "may 6" or "mar 6" in lower case is rather a verb."""
    if re.search(r"(?:may|march|mar)\b", text) and not re.search(r"\d(?:st|nd|rd|th)|\d{4}", text):
        return False
    numbers = [text[4:6], text[6:]] if text.isdigit() else re.findall(r"(?<!\d)\d\d?(?![\d年])", text.replace(" ", ""))
    month, day = (1, *map(int, numbers))[-2:]
    return _real_date(2000, month, day)  # a leap year, as the year may be missing


class _Rule(NamedTuple):
    """A kind that one pattern tells; the group that closes last is the entity."""

    kind: str
    hold: int
    pattern: re.Pattern[str]
    check: Callable[[str], bool] = bool


def _word(pattern: str) -> re.Pattern[str]:
    return _compile(rf"(?<![a-z\d-])({pattern})(?![a-z\d])")


_RULES: Final = (
    _Rule("email", _PERSON, _compile(_EMAIL)),
    _Rule("tracking_number", _CHECKED, _word(r"(?P<UPS>1Z)(?: ?[\dA-Z]){15} ?\d"), _ups_ok),
    _Rule("tracking_number", _CHECKED, _word(_S10), _s10_ok),
    _Rule("tracking_number", _HINTED, _word(_PREFIXES)),
    _Rule("tracking_number", _HINTED, _compile(rf"(?<![a-z]){_TRACKED}{_FILL}([a-z]{{0,4}}\d{{8,22}})(?![a-z\d])")),
    _Rule("order_number", _HINTED, _compile(r"(\[ORDERID_\d{1,32}\])")),
    _Rule("order_number", _HINTED, _compile(rf"{_ORDER}({_CODE})(?![a-z\d元块]|[.,]\d)"), _order_like),
    # Pinduoduo, Amazon, and what else is too long for anything but an order (Taobao: 18 or 19 digits).
    _Rule("order_number", _SHAPE, _word(r"\d{6}-\d{15}|\d{3}-\d{7}-\d{7}|(?!(\d)\2{7})\d{16,21}")),
    _Rule("amount", _SHAPE, _compile(rf"((?:[¥$€£]|\b(?:rmb|cny|usd|eur)) ?{_NUMBER})(?!\d|[.,]\d)")),
    _Rule("amount", _SHAPE, _compile(rf"(?<![\d.])(?<!\d,)({_NUMBER} ?万?{_UNIT})")),
    _Rule("amount", _SHAPE, _compile(rf"(?<![{_HAN}])(?=[{_HAN}]{{0,9}}[十百千万])([{_HAN}]{{2,12}}{_YUAN})")),
    _Rule("date", _SHAPE, _compile(rf"(?<![\d.-])({_YEAR}(?:[-/.]\d\d?){{2}}|{_YEAR}\d{{4}})(?![\d-])"), _date_like),
    _Rule("date", _SHAPE, _compile(r"(?<!\d)((?:(?:\d\d){1,2} ?年 ?)?\d\d? ?月 ?\d\d? ?[日号])"), _date_like),
    _Rule("date", _SHAPE, _compile(rf"\b({_ENGLISH_DAY}(?:,? {_YEAR})?)\b"), _date_like),
)


def _called_order(plain: str, start: int) -> bool:
    return _ORDER_BEFORE.search(plain[max(0, start - 32) : start]) is not None


def _is_imei(plain: str, start: int, end: int, *, alone: bool) -> bool:
    """Tell by a hint; one number in ten passes Luhn, so without a hint it stands alone and begins like a type code."""
    hint = _IMEI_BESIDE.search(plain[max(0, start - 24) : end + 8])
    return bool(hint or (alone and _TAC.match(plain, start) and not _called_order(plain, start)))


def _checked_kind(plain: str, groups: list[tuple[int, int]], *, alone: bool) -> str | None:
    """Tell by its check digit what the number in these groups of digits is."""
    start, end = groups[0][0], groups[-1][1]
    number = "".join([plain[a:b] for a, b in groups])
    digits = number.rstrip("xX")
    if len(number) in {18, 19} and (_id_card_ok(number) or _id_card_ok(digits)):
        return "id_card"
    if not digits.isdigit() or len(digits) > 19:
        return "tracking_number" if _usps_ok(digits) else None
    if len(digits) == 15 and _luhn_ok(digits) and _is_imei(plain, start, end, alone=alone):
        return "imei"
    # Cards are written in fours or sixes: shorter groups are a date, a price and a phone that met.
    if any(b - a < 4 for a, b in groups[:-1]) or not (_CARD.fullmatch(digits) or _RARE_CARD.fullmatch(digits)):
        return None
    ordered = not _CARD.fullmatch(digits) and _called_order(plain, start)
    return "bank_card" if _luhn_ok(digits) and not ordered else None


def _checked(plain: str) -> Iterator[_Found]:
    """Find numbers with a check digit, also written in groups: every series of whole groups is tried."""
    for run in _RUN.finditer(plain):
        groups = [g.span() for g in _GROUP.finditer(plain, *run.span())]
        for first, (start, _) in enumerate(groups):
            size = 0
            for last in range(first, len(groups)):
                size += groups[last][1] - groups[last][0]
                if size > 22:
                    break
                series = groups[first : last + 1]
                if size >= 15 and (kind := _checked_kind(plain, series, alone=series == groups)):
                    yield _CHECKED, kind, start, groups[last][1], None if kind in PERSONAL else "USPS"


def _phones(plain: str) -> Iterator[_Found]:
    """Find phones: Chinese mobiles wherever their digits stand, all others by the costly library."""
    for match in _MOBILE.finditer(plain):
        yield _PERSON, "phone", *match.span(), None
    for match in _NORTH_AMERICA.finditer(plain):
        if phonenumbers.is_valid_number(phonenumbers.parse(match[0], "US")):
            yield _HINTED, "phone", *match.span(), None
    for match in _DIALABLE.finditer(plain):
        at = max(0, match.start() - 1)  # one neighbour each side: letters there speak against a phone
        for phone in phonenumbers.PhoneNumberMatcher(plain[at : match.end() + 1], "CN"):
            if _WITH_TRUNK.match(phone.raw_string):
                hold = _PERSON if phone.raw_string.startswith("+") else _HINTED
                yield hold, "phone", at + phone.start, at + phone.end, None


def _ruled(plain: str) -> Iterator[_Found]:
    for rule in _RULES:
        for match in rule.pattern.finditer(plain):
            if rule.check(match[match.lastindex or 0]):
                carrier = next((name for name, found in match.groupdict().items() if found), None)
                yield rule.hold, rule.kind, *match.span(match.lastindex or 0), carrier


def _all(text: str) -> list[Entity]:
    """Find all entities: of those that share characters the firmest, then the longest, stays."""
    if not _GATE.search(text):
        return []
    plain = _OTHER_DIGIT.sub(lambda m: str(int(m[0])), text.translate(_PLAIN))
    found = [*_checked(plain), *_phones(plain), *_ruled(plain)]
    taken, kept = bytearray(len(text)), []
    for _, kind, start, end, carrier in sorted(found, key=lambda f: (-f[0], f[2] - f[3], _KINDS.index(f[1]), f[2])):
        if taken.find(1, start, end) < 0:
            taken[start:end] = b"\1" * (end - start)
            kept.append(Entity(kind, start, end, text[start:end], carrier))
    return sorted(kept, key=lambda e: e.start)


def _shown(entity: Entity) -> str:
    text = entity.text
    if entity.kind == "email":
        return f"{text[0]}***@{re.split('[@＠﹫]', text)[-1]}"
    return f"{text[:3]}{'*' * (len(text) - 5)}{text[-2:]}" if entity.kind in PERSONAL else text


def find_entities(text: str) -> tuple[Entity, ...]:
    """Find what a text names (any code points): sorted, not overlapping, the first `MAX_ENTITIES`.

    Examples
    --------
    >>> [(e.kind, e.text) for e in find_entities("订单号:20240506123456 退我199元")]
    [('order_number', '20240506123456'), ('amount', '199元')]
    """
    return tuple(_all(text)[:MAX_ENTITIES])


def mask(text: str) -> str:
    """Replace everything personal by its kind in brackets; a masked text stays as it is.

    Examples
    --------
    >>> mask("写信到 mei@example.com")
    '写信到 [email]'
    """
    for _ in range(_ROUNDS):
        personal = [e for e in _all(text) if e.kind in PERSONAL]
        if not personal:
            return text
        starts = [0, *(e.end for e in personal)]
        parts = [f"{text[start : e.start]}[{e.kind}]" for start, e in zip(starts, personal, strict=False)]
        text = "".join([*parts, text[starts[-1] :]])
    return _SIGN.sub("*", text)
