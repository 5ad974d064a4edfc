"""Slices: the same held-out tickets again, each rewritten in one way, beside the untouched ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from features.taxonomy import Taxonomy
from training.data import Row
from training.robustness import clutter, manners, mistakes
from training.robustness.denials import deny, requests
from training.robustness.words import Rewrite

__all__ = ["LIMIT", "REWRITES", "UNTOUCHED", "WRITTEN", "Case", "make_slices", "sample", "translated"]

UNTOUCHED: Final = "untouched"
# Of the 36 requests in words.yaml: as they are, and with ten denials each.
WRITTEN: Final = ("requests", "requests_negation")
# Tickets that people translated, beside those of gold.
POSTS: Final = ("posts", "posts_english")
# Tickets in a slice at most: all of gold, where a figure's standard error is 1.3 points (two releases on the same
# tickets differ by less); its 15 slices take 25 seconds of a fit on one core, 1 to 3 ms a text.
LIMIT: Final = 1000
DENIALS_A_REQUEST: Final = 10

REWRITES: Final[Mapping[str, Rewrite]] = {
    "typos": mistakes.typos,
    "homophones": mistakes.homophones,
    "traditional": manners.traditional,
    "emoji": manners.emoji,
    "net_speak": manners.net_speak,
    "code_mixing": manners.code_mixing,
    "pasted_order": clutter.pasted_order,
    "signature": clutter.signature,
    "forwarded": clutter.forwarded,
    "full_width": mistakes.full_width,
    "spacing": mistakes.spacing,
}


@dataclass(frozen=True, slots=True)
class Case:
    """A ticket of a slice.

    Attributes
    ----------
    row : Row
        Its `source` is the slice's name; its labels are those of the untouched ticket.
    origin : int
        Where among all cases the untouched ticket stands.
    denied : str or None
        The tag of a fault that the rewriting says there is not.
    """

    row: Row
    origin: int
    denied: str | None = None


def sample(rows: Sequence[Row], limit: int = LIMIT) -> list[int]:
    """Choose rows by the digest of their names: whatever is relabelled or fitted, the same ones."""
    order = sorted(range(len(rows)), key=lambda i: hashlib.sha256(f"{rows[i].source}/{rows[i].id}".encode()).digest())
    return sorted(order[:limit])


def _chance(name: str, row: Row) -> Random:
    return Random(f"{name}/{row.source}/{row.id}")  # noqa: S311 (no secret hangs on it)


def _rewritten(name: str, rewrite: Rewrite, rows: Iterable[tuple[int, Row]]) -> Iterator[Case]:
    """Rewrite rows; those on which it finds nothing to do are no part of the slice."""
    for i, row in rows:
        text = rewrite(row.text, _chance(name, row))
        if text != row.text:
            yield Case(replace(row, text=text, source=name), i)


def _denials(name: str, rows: Iterable[tuple[int, Row]], times: int, taxonomy: Taxonomy) -> Iterator[Case]:
    for i, row in rows:
        for n in range(times):
            found = deny(row.text, row.tags or (), taxonomy, _chance(f"{name}/{n}", row))
            if found:
                yield Case(replace(row, text=found[0], source=name), i, found[1])


def translated(rows: Sequence[Row], english: Mapping[str, str], start: int) -> list[Case]:
    """Give some rows as they are and then in English, where the first of them will stand at ``start``."""
    plain = [Case(replace(row, source=POSTS[0]), start + i) for i, row in enumerate(rows)]
    return plain + [Case(replace(c.row, text=english[c.row.id], source=POSTS[1]), c.origin) for c in plain]


def make_slices(rows: Sequence[Row], taxonomy: Taxonomy, translations: Mapping[str, str]) -> list[Case]:
    """Make all slices of some rows.

    Parameters
    ----------
    rows : sequence of Row
    taxonomy : Taxonomy
        Faults and requests that it does not know are left out.
    translations : mapping of str to str
        Into English by people, by the rows' ids.

    Returns
    -------
    list of Case
        The untouched rows first, in order; the same cases every time.
    """
    placed = list(enumerate(rows))
    cases = [Case(replace(row, source=UNTOUCHED), i) for i, row in placed]
    for name, rewrite in REWRITES.items():
        cases += _rewritten(name, rewrite, placed)
    english = [(i, replace(row, text=translations[row.id])) for i, row in placed if row.id in translations]
    cases += [Case(replace(row, source="english"), i) for i, row in english]
    cases += _rewritten("english_typos", mistakes.typos, english)
    cases += _denials("negation", placed, 1, taxonomy)
    plain = list(enumerate(requests(taxonomy, WRITTEN[0]), len(cases)))
    cases += [Case(row, i) for i, row in plain]
    cases += _denials(WRITTEN[1], plain, DENIALS_A_REQUEST, taxonomy)
    return cases
