"""Manners of writing: script, faces, dialect and net-speak, two languages in one sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from random import Random
from typing import Final

import opencc

from training.robustness.words import HAN, words

__all__ = ["code_mixing", "emoji", "net_speak", "traditional"]

SHARE: Final = 0.7  # of the words that could be replaced: nobody is consistent
SCRIPTS: Final = ("s2t", "s2hk", "s2twp")  # the bare characters, Hong Kong's, and Taiwan's with its own words
_CLAUSE_END: Final = re.compile(r"(?<=[^\W\d_])(?=\s*(?:[，。！？；,!?;…~]|\.(?!\w)|\n|$))")
_CHINESE_END: Final = re.compile(rf"(?<={HAN.pattern})(?=\s*(?:[，。！？；,!?;…~]|\n|$))")


@lru_cache(maxsize=len(SCRIPTS))
def _converter(script: str) -> opencc.OpenCC:
    return opencc.OpenCC(script)


def traditional(text: str, rng: Random) -> str:
    """Write in traditional characters, with Taiwan's words in a third of the texts."""
    return str(_converter(rng.choice(SCRIPTS)).convert(text)) if HAN.search(text) else text


def _insert(text: str, places: Sequence[int], pieces: Sequence[str]) -> str:
    for i, piece in sorted(zip(places, pieces, strict=True), reverse=True):
        text = text[:i] + piece + text[i:]
    return text


def emoji(text: str, rng: Random) -> str:
    """Put one to three faces where clauses end; they plead or shrug, for anger would be another ticket."""
    if not text.strip():
        return text
    ends = [m.start() for m in _CLAUSE_END.finditer(text)] or [len(text)]
    places = rng.sample(ends, min(len(ends), rng.randint(1, 3)))
    return _insert(text, places, [rng.choice(words()["emoji"]) * rng.choice([1, 1, 2]) for _ in places])


@lru_cache(maxsize=4)
def _any_of(keys: tuple[str, ...]) -> re.Pattern[str]:
    """Find any of the words, the longest first; a Latin one only as a whole word."""
    longest = sorted(keys, key=lambda k: (-len(k), k))
    return re.compile("|".join(rf"\b{re.escape(k)}\b" if k.isascii() else k for k in longest), re.IGNORECASE)


def _swap_words(text: str, table: Mapping[str, Sequence[str]], rng: Random) -> str:
    found = list(_any_of(tuple(table)).finditer(text))
    chosen = [m for m in found if rng.random() < SHARE] or found[:1]
    for match in reversed(chosen):
        text = text[: match.start()] + rng.choice(table[match.group().lower()]) + text[match.end() :]
    return text


def net_speak(text: str, rng: Random) -> str:
    """Write words as a region or an age group does, and end Chinese clauses on a particle."""
    text = _swap_words(text, words()["net_words"], rng)
    ends = [m.start() for m in _CHINESE_END.finditer(text)]
    places = rng.sample(ends, (len(ends) + 1) // 2)
    return _insert(text, places, [rng.choice(words()["particles"]) for _ in places])


def code_mixing(text: str, rng: Random) -> str:
    """Say some words in the other language."""
    return _swap_words(text, words()["mixing"], rng)
