"""Phrases that speak about urgency by themselves: danger, threats, money, deadlines, anger; with negation respected."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import yaml

__all__ = ["Hit", "Signal", "find_signals", "load_signals", "signal_vector"]

DEFAULT_PATH: Final = Path(__file__).with_name("signals.yaml")
_REACH: Final = 24  # characters looked at before a hit for its negation: three English words
_GOOD: Final = "solved"  # its words hold their own negation
_BEFORE_GAP: Final = r"(?:.{0,4}|(?:\W*\w+){0,3}\W*)$"


@dataclass(frozen=True, slots=True)
class Signal:
    """A kind of phrase; `forces` names the urgency level that a hit lifts a ticket to."""

    key: str
    zh: str
    en: str
    pattern: re.Pattern[str]
    forces: str | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase found in a normalised text."""

    signal: Signal
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class _Rules:
    signals: tuple[Signal, ...]
    before: re.Pattern[str]
    after: re.Pattern[str]
    clause: re.Pattern[str]
    unmeant: re.Pattern[str]


@lru_cache(maxsize=1)
def _rules() -> _Rules:
    raw: dict[str, Any] = yaml.safe_load(DEFAULT_PATH.read_text(encoding="utf-8"))
    signals = tuple(
        Signal(key, row["zh"], row["en"], re.compile("|".join(f"(?:{w})" for w in row["words"])), row.get("forces"))
        for key, row in raw["signals"].items()
    )
    before = re.compile(raw["negation_before"] + _BEFORE_GAP)
    return _Rules(
        signals, before, re.compile(raw["negation_after"]), re.compile(raw["clause"]), re.compile(raw["unmeant_before"])
    )


def load_signals() -> tuple[Signal, ...]:
    """Give all kinds of phrase, in the order of the file (that of `signal_vector`)."""
    return _rules().signals


def _negated(rules: _Rules, signal: Signal, normal: str, start: int, end: int) -> bool:
    """Tell whether a negation stands beside the hit, in its own clause; of what is not forced, directly before it."""
    lead = rules.clause.split(normal[max(0, start - _REACH) : start])[-1]
    if not signal.forces:
        return signal.key != _GOOD and bool(rules.unmeant.search(lead))
    return bool(rules.before.search(lead)) or bool(rules.after.match(normal[end : end + _REACH]))


def find_signals(normal: str) -> tuple[Hit, ...]:
    """Find the phrases in a normalised text, but for those negated.

    Parameters
    ----------
    normal : str
        As `features.text.normalize` gives it.

    Examples
    --------
    >>> [(h.signal.key, h.text) for h in find_signals("充电时冒烟了")]
    [('hazard', '冒烟')]
    >>> find_signals("没有冒烟")
    ()
    """
    rules = _rules()
    return tuple(
        Hit(signal, m.start(), m.end(), m.group())
        for signal in rules.signals
        for m in signal.pattern.finditer(normal)
        if not _negated(rules, signal, normal, m.start(), m.end())
    )


def signal_vector(hits: tuple[Hit, ...]) -> npt.NDArray[np.float32]:
    """Count the hits of every kind as ``log(1 + n)``, ``(kinds,)``."""
    kinds = [s.key for s in load_signals()]
    counts = np.zeros(len(kinds), np.float32)
    for hit in hits:
        counts[kinds.index(hit.signal.key)] += 1
    return np.log1p(counts)
