"""What a release may lose on a slice before its promotion is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from features.errors import ConfigError
from training.robustness.slices import WRITTEN
from training.robustness.table import FIGURES

__all__ = ["FEWEST", "GATED", "MARGIN", "check_slices", "losses"]

Table = Mapping[str, Any]

# What chance alone does not do: two seeds of one recipe, on the same slices of 960 gold tickets, differ by up to 2.3
# points of category accuracy, 1.9 of tag F1, 1.2 of urgency accuracy and 0.8 of denials that are held.
MARGIN: Final = 0.03
# Smaller slices are shown, not judged: one ticket of the 70 that are translated moves a figure by 1.4 points.
FEWEST: Final = 200
# What is right. Invariance is not among them: a release that answers the untouched ticket better moves away from its
# own wrong answers, and loses nothing by it.
GATED: Final = (*FIGURES, "held")


def _judged(slice_name: str, row: Mapping[str, float]) -> list[str]:
    """Name the figures of a slice that count; the written requests are few, and it is their denials that are many."""
    return [k for k in GATED if k in row and (k == "held" or slice_name not in WRITTEN)]


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
        for figure in _judged(name, before):
            # Four digits are what a release says: the rest is the noise of binary fractions.
            if figure in after and round(before[figure] - after[figure], 4) > margin:
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
    if now.get("taxonomy") != new.get("taxonomy"):
        return "slices not compared: the releases have other labels"
    before, after = now["robustness"], new["robustness"]
    if lost := list(losses(before, after)):
        raise ConfigError(f"it loses more than {MARGIN} against the release that answers: {'; '.join(lost)}")
    same = _comparable(before, after)
    return f"{len(same)} of {len(after['figures'])} slices compared, none loses more than {MARGIN}"
