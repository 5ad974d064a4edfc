"""What a ticket says beside its own text, and how much that text tells by itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

from features.schema import Ticket
from features.signals import find_signals
from features.strict_yaml import load_strict
from features.text import detect_language, normalize, shortened

__all__ = [
    "ENOUGH",
    "NOTHING",
    "closes",
    "own_words",
    "said_before",
    "solved",
    "spoken_language",
    "substance",
    "together",
]

DEFAULT_PATH: Final = Path(__file__).with_name("context.yaml")
# Measured on real dialogues (`python -m training context`): a text of so much substance can be read by itself …
ENOUGH: Final = 5
# … and one of less than this, without a word of urgency, only blurs what was said before.
NOTHING: Final = 4
# Characters of earlier messages that are read: what the matter is stands at either end.
_READ: Final = 600
_TELLS: Final = 3  # a message of less substance is left out of them
_JOIN: Final = ";"  # as the labelled dialogues are joined
_WORD: Final = re.compile(r"[a-z]+|[^\W\d_a-z]")


@lru_cache(maxsize=1)
def _said() -> dict[str, re.Pattern[str]]:
    raw = load_strict(DEFAULT_PATH.read_text(encoding="utf-8"))
    kinds = {kind: "|".join(f"(?:{w})" for w in raw[kind]) for kind in ("closing", "assent", "pointing")}
    return {kind: re.compile(pattern) for kind, pattern in {**kinds, "solved": raw["solved"]}.items()}


def _without(normal: str, *kinds: str) -> str:
    for kind in kinds:
        normal = _said()[kind].sub(" ", normal)
    return normal


def substance(normal: str) -> int:
    """Count what a normalised text tells of the matter: a Chinese character counts 1, another word 2.

    Greetings, assent, thanks, numbers, and what stands for links and cards or points at something said before tell
    nothing.

    Examples
    --------
    >>> substance("好的谢谢"), substance("屏幕碎了,能保修吗")
    (0, 7)
    """
    words = _WORD.findall(_without(normal, "closing", "pointing", "assent"))
    return sum(1 if not w.isascii() else 2 for w in words)


def closes(normal: str) -> bool:
    """Tell whether a normalised text is thanks or a goodbye and nothing else.

    Examples
    --------
    >>> closes("好的,谢谢!"), closes("谢谢,什么时候到"), closes("好的")
    (True, False, False)
    """
    left = _without(normal, "closing", "assent")
    return bool(_said()["closing"].search(normal)) and not any(c.isalnum() or c == "?" for c in left)


def solved(normal: str) -> bool:
    """Tell whether a normalised text ends on the matter being settled.

    Examples
    --------
    >>> solved("屏幕不亮,没事了,问题解决了,谢谢"), solved("还没解决了?"), solved("说解决了,又坏了")
    (True, False, False)
    """
    return bool(_said()["solved"].search(normal))


def own_words(ticket: Ticket) -> str:
    """Give the normalised text, after the title where there is one that it does not hold already."""
    title, text = normalize(ticket.title), normalize(ticket.text)
    return _JOIN.join(filter(None, (title, text))) if title not in text else text


def said_before(ticket: Ticket) -> list[str]:
    """Give what the customer said before, normalised, each message once."""
    return list(dict.fromkeys(normalize(m.text) for m in ticket.messages if m.sender == "customer"))


def together(own: str, before: Sequence[str]) -> str:
    """Give what is read where a customer's own words do not tell enough: the earlier ones that do, then those.

    Parameters
    ----------
    own : str
        As `own_words` gives it.
    before : sequence of str
        As `said_before` gives it.

    Examples
    --------
    >>> together("123", ["你好", "屏幕碎了"]), together("能修吗", ["你好", "屏幕碎了"]), together("123", ["你好"])
    ('屏幕碎了', '屏幕碎了', '123')
    """
    told = shortened(_JOIN.join(m for m in before if substance(m) >= _TELLS), _READ)
    if not told:
        return own
    return told if substance(own) < NOTHING and not find_signals(own) else f"{told}{_JOIN}{own}"


def spoken_language(ticket: Ticket) -> str:
    """Tell the language of the text; where it has none (an order number), that of what the customer said before."""
    own = detect_language(ticket.text)
    said = [ticket.title, *(m.text for m in ticket.messages if m.sender == "customer")] if own == "und" else []
    return detect_language(" ".join(said)) if any(said) else own
