"""Customer text -> one canonical form, and its language.

What does not change the meaning is made equal: traditional and simplified script, full and half width, the digits
of an order number, the name behind an @. What it leaves behind (a link, a masked number) stays as one placeholder
character, so that the model may still learn from "there was an order card".
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

import emoji
import opencc

__all__ = [
    "CARD",
    "MAX_CHARS",
    "PLACEHOLDERS",
    "detect_language",
    "for_encoder",
    "for_reader",
    "normalize",
    "repair",
    "shortened",
]

# Longer than any ticket seen (the longest real one has 4,100 characters): what comes after is a pasted log.
MAX_CHARS: Final = 20_000

# Private-use characters: no customer types them, and each is one character to an n-gram.
URL, MENTION, ORDER, MASK, NUMBER, CARD = "\ue001", "\ue002", "\ue003", "\ue004", "\ue005", "\ue006"
PLACEHOLDERS: Final = {
    URL: "[链接]", MENTION: "[@]", ORDER: "[订单号]", MASK: "[隐去]", NUMBER: "[号码]", CARD: "[订单卡片]",
}  # fmt: skip

_RUBBISH: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060\ufeff\ue001-\ue006]")
# One pass, the first alternative that fits wins. Six digits and more are a number that names something (an order, a
# phone); fewer may carry meaning: 12315, 4G, 7天.
_NOISE: Final = re.compile(
    # What a chat system puts in of itself: an order with its number, amount and date. No word of it is the customer's.
    r"(?P<card>(?:顾客通过点击[^,;。]{0,30}?发送:)?\[?(?:咨询订单号|订单编号):[^。!?]{0,60}?下单时间:[^\s;,。!?]{0,40}"
    r"(?: \d\d:\d\d(?::\d\d)?)?)"
    r"|(?P<url>https?://[^\s\u3000-\u9fff\uff00-\uffef]+|www\.[^\s\u3000-\u9fff\uff00-\uffef]+)"
    r"|(?P<order>\[orderid_\w{1,40}\])"
    r"|(?P<mask>\[[^\[\]\s]{1,5}x\]|\*{3,})"
    r"|(?P<mention>@[\w\-·]{1,30})"
    r"|(?P<number>(?<![a-z\d])[a-z]{0,6}\d[\da-z-]{5,}(?![a-z\d]))"
    r"|(?P<space>\s+)"
    r"|(?P<run>(?P<char>[^\s\d])(?P=char){2,})"
)
_WITH: Final = {"card": CARD, "url": URL, "order": ORDER, "mask": MASK, "mention": MENTION, "space": " "}
_HAN: Final = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0002ffff]")
_KANA: Final = re.compile(r"[\u3041-\u309f\u30a1-\u30fa\u30fc\uac00-\ud7a3]")
_LATIN_WORD: Final = re.compile(r"[a-zA-Z]+(?:['’][a-zA-Z]+)?")
# Letters that English hardly writes; and words that few English sentences do without, and its neighbours do not use.
_MARKED: Final = re.compile(r"[ß-öø-ÿœğışčřžąęłńśźżőű]")
_ENGLISH: Final = frozenset(
    (
        "the",
        "is",
        "are",
        "my",
        "your",
        "it",
        "of",
        "and",
        "for",
        "not",
        "with",
        "this",
        "that",
        "have",
        "i",
        "be",
        "can",
    )
)
_PICTURE: Final = re.compile(r"[\u2190-\u2bff\u3030\u303d\u3297\u3299\ufe0f\U0001f000-\U0001faff]")
_TO_PLACEHOLDER_WORD: Final = str.maketrans(PLACEHOLDERS)
_DROP_PLACEHOLDERS: Final = str.maketrans(dict.fromkeys(PLACEHOLDERS, " "))


@lru_cache(maxsize=2)
def _converter(config: str) -> opencc.OpenCC:
    return opencc.OpenCC(config)


def repair(text: str) -> str:
    r"""Replace lone surrogates by U+FFFD, so that any string can be encoded and stored.

    A JSON body may carry them (``"\ud83d"``: half an emoji, cut by a length limit elsewhere).
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _replace(match: re.Match[str]) -> str:
    kind = match.lastgroup
    if match["run"] is not None:
        return match["char"] * 2  # "!!!!" and "!!!" shout equally loud
    if match["number"] is not None:
        return NUMBER if any(c.isdigit() for c in match["number"][-6:]) else match["number"]
    return _WITH[str(kind)]


def normalize(text: str) -> str:
    r"""Give the canonical form of a customer's text, that the models read.

    Parameters
    ----------
    text : str
        As it came; any code points.

    Returns
    -------
    str
        NFKC, lower case, simplified script, emoji as Chinese words, runs of one character cut to two,
        URLs, @names, masks, order numbers and long numbers as one placeholder character each, single spaces.

    Examples
    --------
    >>> normalize("螢幕碎了！！！！ 訂單 JD20240506123456")
    '屏幕碎了!! 订单 \\ue005'
    """
    text = _RUBBISH.sub(" ", unicodedata.normalize("NFKC", repair(text[:MAX_CHARS])).lower())
    if _PICTURE.search(text):
        text = emoji.demojize(text, language="zh", delimiters=(" ", " ")).replace("\ufe0f", "")
    if _HAN.search(text):
        simplified = _converter("t2s").convert(text)
        if text != simplified:
            # Taiwan's and Hong Kong's words too (螢幕 -> 屏幕); only for traditional text, as the phrase table would
            # bend simplified words that happen to be written alike.
            text = _converter("tw2sp").convert(text)
    return _NOISE.sub(_replace, text).strip()


def shortened(text: str, limit: int) -> str:
    """Keep the first two thirds and the last third of so many characters: a request stands at either end."""
    return text if len(text) <= limit else f"{text[: limit * 2 // 3]} {text[-limit // 3 :]}"


def for_encoder(normal: str, limit: int = 900) -> str:
    """Give normalised text without placeholders, as a sentence encoder was trained on.

    A long text is shortened: the encoder's time grows with the length.
    """
    return shortened(normal.translate(_DROP_PLACEHOLDERS), limit)


def for_reader(normal: str) -> str:
    """Give normalised text with placeholders as words that a person can read."""
    return normal.translate(_TO_PLACEHOLDER_WORD)


def _other_latin(lower: str) -> bool:
    """Tell whether Latin letters spell a language that is not English, as far as its letters and small words show."""
    return bool(_MARKED.search(lower)) and lower.count(" ") >= 3 and not _ENGLISH & set(_LATIN_WORD.findall(lower))


def detect_language(text: str) -> str:
    """Tell the script a text is written in.

    Returns
    -------
    str
        ``zh-Hans``, ``zh-Hant``, ``en`` (Latin letters), ``mixed`` (Chinese with at least three Latin words that
        make up a quarter of it) or ``und`` (no letters, or another script; Japanese, for all its Chinese characters).
    """
    text = repair(text[:MAX_CHARS])
    han = len(_HAN.findall(text))
    bare = re.sub(r"https?://\S+|@\w+|\[[^\]]{1,45}\]", " ", text) if not text.isalpha() else text
    words = len(_LATIN_WORD.findall(bare))
    if han and len(_KANA.findall(text)) * 2 > han:
        return "und"
    if han:
        if words >= 3 and words * 3 >= han:
            return "mixed"
        return "zh-Hant" if text != _converter("t2s").convert(text) else "zh-Hans"
    if _other_latin(bare.lower()):
        return "und"
    letters = sum(c.isalpha() for c in bare)
    return "en" if letters and sum(c.isascii() and c.isalpha() for c in bare) > letters / 2 else "und"
