"""What a release may lose on a slice before its promotion is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from features.errors import ConfigError

__all__ = ["FEWEST", "GATED", "MARGIN", "check_slices", "losses"]

Table = Mapping[str, Any]

# MARGIN REASON
MARGIN: Final = 0.03
# Smaller slices are shown, not judged: one ticket of 46 moves a figure by 2 points.
FEWEST: Final = 200
# What is right. Invariance is not among them: a release that answers the untouched ticket better moves away from its
# own wrong answers, and loses nothing by it.
GATED: Final = ("category_accuracy", "tags_micro_f1", "urgency_accuracy", "held")


def _comparable(now: Table, new: Table) -> list[str]:
    """Name the slices of the same texts in both tables that are large enough."""
    shared = [s for s, digest in new["digests"].items() if now["digests"].get(s) == digest]
    return [s for s in shared if new["figures"][s]["n"] >= FEWEST]


def losses(now: Table, new: Table, margin: float = MARGIN) -> Iterator[str]:
    """Name what a release loses beyond the margin.

    Parameters
    ----------
    now, new : mapping
        As `training.robustness.table.Slices.as_dict` gives them: of the release that answers, and of the new one.
    margin : float
        A loss of exactly the margin is none yet.
    """
    for name in _comparable(now, new):
        before, after = now["figures"][name], new["figures"][name]
        for figure in GATED:
            # Four digits are what a release says: the rest is the noise of binary fractions.
            if figure in before and figure in after and round(before[figure] - after[figure], 4) > margin:
                yield f"{name} {figure} {before[figure]:.3f} -> {after[figure]:.3f}"


def check_slices(now: Mapping[str, Any] | None, new: Mapping[str, Any]) -> str:
    """Compare the slice tables of two releases.

    Parameters
    ----------
    now, new : mapping
        ``release.json``: of the release that answers, if any does, and of the new one.

    Returns
    -------
    str
        What was compared, for the ledger and the person who promotes.

    Raises
    ------
    ConfigError
        If the new release loses more than the margin on any slice; the message names slices, figures and margin.
    """
    if now is None:
        return "slices not compared: no sound release answers"
    for which, manifest in (("the release that answers", now), ("this release", new)):
        if "robustness" not in manifest:
            return f"slices not compared: {which} has no slice figures"
    before, after = now["robustness"], new["robustness"]
    if lost := list(losses(before, after)):
        raise ConfigError(f"it loses more than {MARGIN} against the release that answers: {'; '.join(lost)}")
    same = _comparable(before, after)
    return f"{len(same)} of {len(after['figures'])} slices compared, none loses more than {MARGIN}"
