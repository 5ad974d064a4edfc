"""Faults that the customer says there are not: the one rewriting whose answer must not move towards a label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from features.taxonomy import Taxonomy
from training.data import Row
from training.robustness.words import language, words

__all__ = ["deny", "requests"]


def _join(clause: str, text: str, first: bool) -> str:
    comma = "，" if language(text) == "zh" else ", "
    return f"{clause}{comma}{text}" if first else f"{text}{comma}{clause}"


def deny(text: str, own: Sequence[str], taxonomy: Taxonomy, rng: Random, page: str = "words") -> tuple[str, str] | None:
    """Add the denial of a fault to a request.

    Parameters
    ----------
    text : str
    own : sequence of str
        Tags that the request has, and which are not denied.
    taxonomy : Taxonomy
    rng : Random
    page : str
        Whose denials: those that releases are judged by, or those of ``taught``.

    Returns
    -------
    tuple of str, or None
        The new text, and the tag that it must not have won; ``None`` where the taxonomy knows no such fault.
    """
    known = {t.key for t in taxonomy.tags} - set(own)
    denials = words(page)["negated_faults"]
    faults = [f for f in denials if f in known]
    if not faults or not text.strip():
        return None
    fault = rng.choice(faults)
    clause = rng.choice(denials[fault][language(text)])
    return _join(clause, text, rng.random() < 0.5), fault


def requests(taxonomy: Taxonomy, source: str) -> Iterator[Row]:
    """Give the written requests whose labels the taxonomy has; they stand in no training data."""
    tags = {t.key for t in taxonomy.tags}
    categories = {c.key for c in taxonomy.categories}
    for speaks, rows in words()["requests"].items():
        for n, (text, category, given, urgency) in enumerate(rows):
            if category in categories and tags.issuperset(given):
                yield Row(f"{speaks}-{n}", text, source, category, tuple(given), urgency)
