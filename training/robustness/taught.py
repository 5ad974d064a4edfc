"""Tickets shown twice: once as they came, once among what people and software put around them, mistyped or denying."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Final

from features.taxonomy import default_taxonomy
from training.data import Row
from training.robustness import manners, mistakes
from training.robustness.clutter import around
from training.robustness.denials import deny
from training.robustness.words import Rewrite, words

__all__ = ["SOURCE", "rewritten"]

SOURCE: Final = "rewritten"
Way = Callable[[Row, Random], str]


def _clutter(kind: str) -> Way:
    return lambda row, rng: around(kind, row.text, rng, words("taught"))


def _plain(rewrite: Rewrite) -> Way:
    return lambda row, rng: rewrite(row.text, rng)


def _denial(row: Row, rng: Random) -> str:
    """Deny a fault that the ticket is not about."""
    found = deny(row.text, row.tags or (), default_taxonomy(), rng, "taught")
    return found[0] if found else row.text


# How often each way is drawn, beside the others: the more a way costs a model that never saw it, the more often.
WAYS: Final[Mapping[str, tuple[float, Way]]] = {
    "cards": (4.0, _clutter("cards")),
    "forwards": (2.0, _clutter("forwards")),
    "signatures": (1.0, _clutter("signatures")),
    "denials": (4.0, _denial),
    "homophones": (1.0, _plain(mistakes.homophones)),
    "emoji": (1.0, _plain(manners.emoji)),
    "code_mixing": (1.0, _plain(manners.code_mixing)),
}


def rewritten(rows: Sequence[Row], share: float, seed: int) -> Iterator[tuple[int, Row]]:
    """Rewrite a share of the rows, each in one way that leaves its labels as they are.

    Parameters
    ----------
    rows : sequence of Row
    share : float
        From 0 to 1.
    seed : int

    Yields
    ------
    tuple of int and Row
        Which row it was, and the row in other words; its source is ``rewritten/`` and the way.
    """
    names, rates = list(WAYS), [rate for rate, _ in WAYS.values()]
    for i, row in enumerate(rows):
        rng = Random(f"{seed}/{row.source}/{row.id}")  # noqa: S311 (no secret hangs on it)
        if rng.random() >= share:
            continue
        way = rng.choices(names, rates)[0]
        text = WAYS[way][1](row, rng)
        if text != row.text:
            yield i, replace(row, id=f"{row.id}/{way}", text=text, source=f"{SOURCE}/{way}")
