"""What may be done with a ticket's labels without a person, and why not more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from features.schema import Action, Decision, Reason
from features.taxonomy import Taxonomy
from models.decide import NO_TAGS, Threshold, act, reason
from models.space import Floats

__all__ = ["Labels", "Policy", "names_of"]

AMBIGUOUS: Final = 0.15  # two categories closer than this are named together
_CAUTION: Final = {"abstain": 0, "suggest": 1, "automate": 2}


def names_of(language: str) -> str:
    """Tell in which language a reader gets names."""
    return "en" if language == "en" else "zh"


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of one ticket with their probabilities, rules applied.

    Attributes
    ----------
    category : ndarray of float32, (categories,)
    tags : list of (int, float)
        Those that are given.
    no_tags : float
        How likely it is that none fits.
    levels : ndarray of float32, (levels,)
    obstacle : str or None
        What makes any answer a guess.
    danger : bool
        Whether a word of danger forced the urgency.
    language : str
    """

    category: Floats
    tags: list[tuple[int, float]]
    no_tags: float
    levels: Floats
    obstacle: str | None
    danger: bool
    language: str


@dataclass(frozen=True, slots=True)
class Policy:
    """The thresholds of a release, by field and label."""

    taxonomy: Taxonomy
    thresholds: Mapping[str, Mapping[str, Threshold]]

    @classmethod
    def load(cls, taxonomy: Taxonomy, rows: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Policy:
        """Read it from a release's configuration; every label must have its thresholds.

        Raises
        ------
        LookupError
        """
        labels = {"category": [c.key for c in taxonomy.categories]}
        if taxonomy.tags:
            labels["tags"] = [*(t.key for t in taxonomy.tags), NO_TAGS]
        if taxonomy.urgency:
            labels["urgency"] = [u.key for u in taxonomy.urgency]
        return cls(taxonomy, {f: {k: Threshold.of(rows[f][k]) for k in keys} for f, keys in labels.items()})

    def decide(self, told: Labels) -> Decision:
        """Tell what may be done with each field."""
        actions: dict[str, Action] = {}
        reasons: dict[str, Reason] = {}
        for field in self.thresholds:
            action, sure = self._weakest(field, told)
            actions[field] = "abstain" if told.obstacle else action
            if told.danger and field == "urgency":
                actions[field] = "automate"  # a word of danger needs no second opinion to be looked at first
            elif told.obstacle:
                reasons[field] = reason(told.obstacle, told.language)
            elif action == "suggest":
                reasons[field] = reason("below_automation", told.language, p=sure)
            elif action == "abstain":
                reasons[field] = self._doubt(field, sure, told)
        return Decision(actions, reasons)

    def _said(self, field: str, told: Labels) -> Iterable[tuple[str, float]]:
        """Give the labels that a field answers with, and how likely each is."""
        if field == "category":
            best = int(told.category.argmax())
            return [(self.taxonomy.categories[best].key, float(told.category[best]))]
        if field == "urgency":
            best = int(told.levels.argmax())
            return [(self.taxonomy.urgency[best].key, float(told.levels[best]))]
        return [(self.taxonomy.tags[i].key, p) for i, p in told.tags] or [(NO_TAGS, told.no_tags)]

    def _weakest(self, field: str, told: Labels) -> tuple[Action, float]:
        """Act on a field only as far as on the least sure of its labels."""
        acts = [(act(p, self.thresholds[field][key]), p) for key, p in self._said(field, told)]
        return min(acts, key=lambda a: (_CAUTION[a[0]], a[1]))

    def _doubt(self, field: str, p: float, told: Labels) -> Reason:
        order = np.argsort(-told.category, kind="stable")
        if field != "category" or len(order) < 2 or told.category[order[0]] - told.category[order[1]] >= AMBIGUOUS:
            return reason("low_confidence", told.language, p=p)
        names = [self.taxonomy.categories[int(i)].name(names_of(told.language)) for i in order[:2]]
        return reason("ambiguous", told.language, a=names[0], b=names[1])
