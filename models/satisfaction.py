"""How satisfied a customer in a dialogue is: three classes, calibrated, from the last message and the course so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from features.context import spoken_language
from features.errors import ConfigError, ReleaseError
from features.satisfaction import course, courses
from features.schema import ReleaseId, Satisfaction, Scored, Ticket
from features.text import normalize
from models.heads import softmax
from models.release import STORE, Release, load_release
from models.sentence_network import encoder_of
from models.space import Floats, Space
from models.triage_decide import names_of

__all__ = ["SatisfactionModel", "open_satisfaction"]

_SHAPED = ("ngrams", "dense", "course", "bias", "course_mean", "course_scale", "scale", "offset")


class SatisfactionModel:
    """A release that answers; loading verifies it.

    Parameters
    ----------
    release : Release
    """

    def __init__(self, release: Release) -> None:
        self.release: ReleaseId = release.id
        self.manifest: dict[str, Any] = release.manifest
        self.labels = release.taxonomy.categories
        try:
            encoder = encoder_of(release.config["encoder"], release.network, release.tokenizer)
            self.space = Space.load(release.tensors, release.config, encoder)
            self._usual = np.array(release.config["usual"], np.float32).reshape(3)
            self._weights = {k: release.tensors[k].astype(np.float32) for k in _SHAPED}
        except (LookupError, TypeError, ValueError, AttributeError, ConfigError) as error:
            raise ReleaseError(f"not what a release of satisfaction holds: {error!r}") from error
        if not self._fits(self._weights) or not (self._usual > 0).all():
            raise ReleaseError("weights.safetensors: shapes do not fit together")

    def _fits(self, w: Mapping[str, npt.NDArray[Any]]) -> bool:
        c, k = len(self.labels), course()
        shapes = {
            "ngrams": (len(self.space.idf), c), "dense": (len(self.space.landmarks), c), "course": (k, c),
            "bias": (c,), "course_mean": (k,), "course_scale": (k,), "scale": (c, c), "offset": (c,),
        }  # fmt: skip
        return c == 3 and {name: t.shape for name, t in w.items()} == shapes

    def probabilities(self, tickets: Sequence[Ticket]) -> Floats:
        """Give the calibrated probabilities of dissatisfied, neutral and satisfied, ``(n, 3)``."""
        w, normals = self._weights, [normalize(t.text) for t in tickets]
        sparse = [self.space.sparse(n) for n in normals]
        wide = np.array([s.values @ w["ngrams"][s.rows] for s in sparse], np.float32).reshape(-1, 3)  # (n, 3)
        told = (courses(list(tickets)) - w["course_mean"]) * w["course_scale"]  # (n, course)
        scores = wide + self.space.dense(self.space.centred(normals)) @ w["dense"] + told @ w["course"] + w["bias"]
        return softmax((scores @ w["scale"] + w["offset"]).astype(np.float32))

    def judge(self, tickets: Sequence[Ticket]) -> list[Satisfaction | None]:
        """Judge the tickets that carry a dialogue, in order; None for the others."""
        with_dialogue = [t for t in tickets if t.messages]
        if not with_dialogue:
            return [None] * len(tickets)
        found = iter(self.probabilities(with_dialogue))
        return [self._said(t, next(found)) if t.messages else None for t in tickets]

    def _said(self, ticket: Ticket, p: Floats) -> Satisfaction:
        best = int((p / self._usual).argmax())  # the likeliest would be neutral nearly always
        name = self.labels[best].name(names_of(ticket.language or spoken_language(ticket)))
        label = Scored(self.labels[best].key, name, round(float(p[best]), 4))
        every = {c.key: round(float(v), 4) for c, v in zip(self.labels, p, strict=True)}
        return Satisfaction(label, every, round(float(p[2] - p[0]), 4), self.release)


def open_satisfaction(version: str | None = None, store: Path = STORE) -> SatisfactionModel:
    """Load and verify a release of satisfaction, by default the current one.

    Raises
    ------
    ReleaseError
    """
    return SatisfactionModel(load_release("satisfaction", version, store))
