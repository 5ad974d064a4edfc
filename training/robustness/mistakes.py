"""Mistakes of the hand: typos, homophones, spaces and wide letters where none belong."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from random import Random
from typing import Final

from pypinyin import lazy_pinyin

from features.text import normalize
from training.data import load_table
from training.robustness.words import HAN, editable, negations, words

__all__ = ["full_width", "homophones", "spacing", "typos"]

# Letters a mistake: one in a line of a chat bubble. Fewer would test nothing, more would be another language.
LETTERS_A_TYPO: Final = 12
LETTERS_A_HOMOPHONE: Final = 8  # whoever picks the first proposal of a pinyin keyboard errs more often
MOST: Final = 10  # of a long text: it stays as legible as a short one
FEWEST: Final = 4  # a mistake in 退货 leaves no request to recognise
COMMON: Final = 3  # times in the corpus; a keyboard proposes no rarer character first
SPACED: Final = 0.25  # of the gaps between characters


def _slips(places: list[int], letters: int, rng: Random) -> list[int]:
    """Choose where mistakes are made, from the end on, so that earlier places stay where they are."""
    if len(places) < FEWEST:
        return []
    return sorted(rng.sample(places, min(MOST, max(1, len(places) // letters))), reverse=True)


def _neighbour(char: str, rng: Random) -> str:
    for row in words()["keyboard"]:
        if (i := row.find(char.lower())) >= 0:
            found = str(rng.choice(row[max(0, i - 1) : i] + row[i + 1 : i + 2]))
            return found.upper() if char.isupper() else found
    return char * 2  # é and its like


def _slip(text: str, i: int, swappable: bool, rng: Random) -> str:
    kinds = ["drop", "double"] + ["swap"] * swappable + ["neighbour"] * text[i].isascii()
    kind = rng.choice(kinds)
    if kind == "swap":
        return text[:i] + text[i + 1] + text[i] + text[i + 2 :]
    put = {"drop": "", "double": text[i] * 2}.get(kind)
    return text[:i] + (_neighbour(text[i], rng) if put is None else put) + text[i + 1 :]


def typos(text: str, rng: Random) -> str:
    """Drop, double and swap characters, and hit a neighbour on the keyboard; no negation comes or goes."""
    places = editable(text)
    slips = _slips(places, LETTERS_A_TYPO, rng)
    for i in slips:
        slipped = _slip(text, i, i + 1 in places and i + 1 not in slips, rng)
        if negations(slipped) == negations(text):  # "now" without its w would be a "no"
            text = slipped
    return text


@lru_cache(maxsize=1)
def _sound_alikes() -> dict[str, dict[str, int]]:
    """Give the common characters of every toneless syllable, with how often the corpus writes them."""
    table = load_table("corpus")
    counts = Counter(c for row in (table.rows if table else ()) for c in normalize(row.text) if HAN.match(c))
    alike: dict[str, dict[str, int]] = {}
    for char, n in sorted(counts.items()):
        if n >= COMMON and not negations(char):
            alike.setdefault(lazy_pinyin(char)[0], {})[char] = n
    return alike


def _homophone(char: str, rng: Random) -> str:
    others = {c: n for c, n in _sound_alikes().get(lazy_pinyin(char)[0], {}).items() if c != char}
    return rng.choices(list(others), weights=list(others.values()))[0] if others else char


def homophones(text: str, rng: Random) -> str:
    """Write characters that sound alike (屏幕 -> 平木), common ones more often, as a pinyin keyboard does."""
    places = [i for i in editable(text) if HAN.match(text[i])]
    chars = list(text)
    for i in _slips(places, LETTERS_A_HOMOPHONE, rng):
        chars[i] = _homophone(chars[i], rng)
    return "".join(chars)


def spacing(text: str, rng: Random) -> str:
    """Put spaces between Chinese characters, and line breaks where a space or a comma stands."""
    own = {i for i in editable(text) if HAN.match(text[i])}
    out = []
    for i, char in enumerate(text[:-1]):
        out.append(char)
        if rng.random() < SPACED:
            if {i, i + 1} <= own:
                out.append(rng.choice([" ", "\u3000", "\u200b"]))
            elif char.isspace() or char in "，。；！？":
                out.append(rng.choice([" ", "\n", "\n\n"]))
    return "".join(out) + text[-1:]


def full_width(text: str, _: Random) -> str:
    """Write ASCII in full width, as a Chinese keyboard does when it is left in that mode."""
    return "".join("\u3000" if c == " " else chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)
