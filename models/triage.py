"""Ticket triage: a text becomes a category, tags and an urgency, calibrated, with what may be done with each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from features.context import solved, spoken_language
from features.entities import find_entities
from features.errors import ConfigError, ReleaseError
from features.ngrams import CHAR_ORDERS
from features.schema import Reason, ReleaseId, Scored, Ticket, Triage, Urgency
from features.signals import Hit, find_signals
from features.taxonomy import Label, Taxonomy
from models.context import read_in_context, settled
from models.decide import reason
from models.explain import ngram_words
from models.heads import Heads, Probabilities
from models.priority import prioritise
from models.release import STORE, Release, list_versions, load_release
from models.satisfaction import SatisfactionModel, open_satisfaction
from models.sentence_network import encoder_of
from models.silence import NO_REQUEST, hushed, silent
from models.space import Floats, Space, Sparse
from models.text_network import TextNetwork
from models.triage_decide import Labels, Policy, names_of

__all__ = ["TriageModel", "open_triage", "urgency_score"]

# What an hour's delay of a ticket costs beside one of the most urgent; a ticket's score is the expectation.
LEVEL_WEIGHT: Final = (1.0, 0.7, 0.25, 0.0)
# What a threat moves to its level of the probability of lower ones, and a settled matter to the lowest of all others:
# more than a model that knows the words, but not every way to say them, errs by, and too little to decide alone. Models
# err by more where a matter is settled: few tickets are sent to say so.
LEAN_THREAT: Final = 0.2
LEAN_SETTLED: Final = 0.3
THREAT_LEVEL: Final = "p2"
FORCED: Final = 0.98  # a word of danger is taken as nearly sure
HAZARD_TAG: Final = "safety_hazard"
ALTERNATIVES: Final = 2
# Below this share of known words a Latin text is taken for a language that was not learnt.
KNOWN_WORDS: Final = 0.5


@lru_cache(maxsize=8)
def _level_weight(levels: int) -> npt.NDArray[np.float64]:
    """Spread `LEVEL_WEIGHT` over another number of levels."""
    return np.interp(np.linspace(0, 1, levels), np.linspace(0, 1, len(LEVEL_WEIGHT)), LEVEL_WEIGHT)


def urgency_score(levels: Floats) -> Floats:
    """Give what urgency is sorted by, from 0 to 1, for probabilities ``(n, levels)``: ``(n,)``."""
    out: Floats = (levels @ _level_weight(levels.shape[1])).astype(np.float32)
    return out


@dataclass(frozen=True, slots=True)
class _Read:
    """One ticket as the model sees it."""

    ticket: Ticket
    normal: str
    language: str
    sparse: Sparse
    likeness: float
    category: Floats
    tags: Floats
    urgency: Floats

    @property
    def empty(self) -> bool:
        """See `silent`."""
        return silent(self.normal)


class TriageModel:
    """A release that answers; loading verifies it, answering changes nothing.

    Parameters
    ----------
    release : Release
    satisfaction : SatisfactionModel or None
        What judges tickets that carry a dialogue.

    Attributes
    ----------
    release : ReleaseId
    manifest : dict
        ``release.json``: metrics, data sources, digests.
    """

    def __init__(self, release: Release, satisfaction: SatisfactionModel | None = None) -> None:
        self.satisfaction = satisfaction
        self.release: ReleaseId = release.id
        self.manifest: dict[str, Any] = release.manifest
        self.taxonomy: Taxonomy = release.taxonomy
        try:
            self._load(release)
        except (LookupError, TypeError, ValueError, AttributeError, ConfigError) as error:
            raise ReleaseError(f"not what a triage release holds: {error!r}") from error
        categories = [c.key for c in self.taxonomy.categories]
        self._no_request = categories.index(NO_REQUEST) if NO_REQUEST in categories else None
        self._tag_index = {t.key: i for i, t in enumerate(self.taxonomy.tags)}

    def _load(self, release: Release) -> None:
        config = release.config
        files = release.network, release.tokenizer
        self.space = Space.load(release.tensors, config, encoder_of(config["encoder"], *files))
        self.heads = Heads.load(release.tensors, release.taxonomy)
        if (len(self.space.idf), len(self.space.landmarks)) != (len(self.heads.ngrams), len(self.heads.dense)):
            raise ReleaseError("weights.safetensors: the heads do not fit the feature space")
        outputs = len(self.heads.bias)
        beside = config.get("network")
        self.network = TextNetwork(*files, str(beside["prefix"]), outputs) if beside else None
        if self.heads.voices != 1 + bool(beside):
            raise ReleaseError("weights.safetensors: the calibration does not fit what is calibrated")
        self._policy = Policy.load(release.taxonomy, config["thresholds"])
        self._tag_floor = np.array(config["tag_floor"], np.float32)
        self._likeness_floor = float(config["likeness_floor"])

    def probabilities(self, normals: list[str]) -> Probabilities:
        """Give the calibrated probabilities of normalised texts, before any rule but that on silent ones."""
        return self._read(normals)[0]

    def answer(self, tickets: Sequence[Ticket]) -> list[Triage]:
        """Answer tickets, in order; a ticket's answer does not depend on the others."""
        if not tickets:
            return []
        readings = read_in_context(tickets, self.probabilities, self.taxonomy)
        normals = [r.normal for r in readings]
        p, sparse, likeness = self._read(normals)
        p = settled(p, readings)
        reads = (
            _Read(
                ticket=ticket,
                normal=normals[i],
                language=ticket.language or spoken_language(ticket),
                sparse=sparse[i],
                likeness=float(likeness[i]),
                category=p.category[i],
                tags=p.tags[i],
                urgency=p.urgency[i],
            )
            for i, ticket in enumerate(tickets)
        )
        answers = [self._answer(read) for read in reads]
        if self.satisfaction is None:
            return answers
        return [replace(a, satisfaction=s) for a, s in zip(answers, self.satisfaction.judge(tickets), strict=True)]

    def _read(self, normals: list[str]) -> tuple[Probabilities, list[Sparse], Floats]:
        sparse = [self.space.sparse(n) for n in normals]
        dense = self.space.dense_alone(normals)  # (n, landmarks)
        likeness: Floats = dense.max(axis=1, initial=0.0)
        scores = self.heads.scores(sparse, dense)
        if self.network is not None:
            scores = np.hstack([scores, self.network.read(normals)])
        return hushed(self.heads.calibrate(scores), normals, self.taxonomy), sparse, likeness

    def _answer(self, read: _Read) -> Triage:
        ticket, language = read.ticket, read.language
        hits = find_signals(read.normal)
        forced = tuple(h for h in hits if h.signal.forces and self.taxonomy.urgency)
        category = self._category(read, bool(forced))
        chosen = int(category.argmax())
        tags = self._tags(read.tags, chosen, bool(forced))
        levels = self._levels(read, hits, forced)
        order = np.argsort(-category, kind="stable")
        labels = self.taxonomy.categories
        no_tags = float((1.0 - read.tags).prod())
        obstacle = self._obstacle(read, chosen)
        decision = self._policy.decide(Labels(category, tags, no_tags, levels, obstacle, bool(forced), language))
        words = ngram_words(read.normal, read.sparse, self.heads.favour(read.sparse, chosen))
        urgency = self._urgency(levels, hits, language) if self.taxonomy.urgency else None
        return Triage(
            ticket_id=ticket.id,
            category=_scored(labels[chosen], category[chosen], language),
            alternatives=tuple(_scored(labels[i], category[i], language) for i in order[1 : 1 + ALTERNATIVES]),
            tags=tuple(_scored(self.taxonomy.tags[i], p, language) for i, p in tags),
            urgency=urgency,
            entities=find_entities(ticket.text),
            language=language,
            decision=decision,
            reasons=(reason("words", language, words) if words else reason("model", language),),
            release=self.release,
            priority=prioritise(
                urgency.levels if urgency else {}, None, ticket.customer, ticket.waited_hours, language
            ),
        )

    def _category(self, read: _Read, hazard: bool) -> Floats:
        """Take danger for no idle word: of the categories those are left that may carry it."""
        p = read.category
        if not hazard or HAZARD_TAG not in self._tag_index:
            return p
        left = p * self.taxonomy.allowed[:, self._tag_index[HAZARD_TAG]]
        total = float(left.sum())
        return left / total if total else p

    def _tags(self, p: Floats, category: int, hazard: bool) -> list[tuple[int, float]]:
        """Give the tags above their floor that may stand under the category, with their ancestors, likeliest first."""
        found = {int(i): float(p[i]) for i in np.flatnonzero(p >= self._tag_floor)}
        if hazard and HAZARD_TAG in self._tag_index:
            i = self._tag_index[HAZARD_TAG]
            found[i] = max(found.get(i, 0.0), FORCED)
        for i, chance in tuple(found.items()):
            for up in self.taxonomy.ancestors[self.taxonomy.tags[i].key]:
                j = self._tag_index[up]
                found[j] = max(found.get(j, 0.0), chance)
        allowed = self.taxonomy.allowed[category]
        return sorted(((i, c) for i, c in found.items() if allowed[i]), key=lambda pair: (-pair[1], pair[0]))

    def _levels(self, read: _Read, hits: tuple[Hit, ...], forced: tuple[Hit, ...]) -> Floats:
        """Lift urgency to the level that a word of danger forces."""
        p = self._leant(read, hits)
        if not forced:
            return p
        keys = [u.key for u in self.taxonomy.urgency]
        level = min(keys.index(h.signal.forces or keys[-1]) for h in forced)
        if p[: level + 1].sum() >= FORCED:
            return p
        lifted = p * (1.0 - FORCED)
        lifted[level] += FORCED
        out: Floats = lifted / lifted.sum()
        return out

    def _leant(self, read: _Read, hits: tuple[Hit, ...]) -> Floats:
        """Let a threat make no ticket less urgent, and a settled matter none more, in whatever words they are said."""
        keys = [u.key for u in self.taxonomy.urgency]
        if THREAT_LEVEL not in keys:
            return read.urgency
        threat = any(hit.signal.key == "threat" for hit in hits)
        if threat == solved(read.normal):  # neither, or both: the model weighs them
            return read.urgency
        level = keys.index(THREAT_LEVEL) if threat else len(keys) - 1
        away = slice(level + 1, None) if threat else slice(0, level)
        lean = LEAN_THREAT if threat else LEAN_SETTLED
        leant: Floats = read.urgency.copy()
        leant[away] *= 1.0 - lean
        leant[level] += read.urgency[away].sum() * lean
        return leant

    def _urgency(self, levels: Floats, hits: tuple[Hit, ...], language: str) -> Urgency:
        words: dict[str, list[str]] = {}
        names = {}
        for hit in hits:
            words.setdefault(hit.signal.key, []).append(hit.text)
            names[hit.signal.key] = hit.signal.zh if language.startswith(("zh", "mixed")) else hit.signal.en
        reasons = tuple(Reason(key, names[key], tuple(dict.fromkeys(found))) for key, found in words.items())
        chances = {u.key: _round(p) for u, p in zip(self.taxonomy.urgency, levels, strict=True)}
        level, score = self.taxonomy.urgency[int(levels.argmax())].key, _round(urgency_score(levels[None])[0])
        return Urgency(level, score, reasons or (reason("model", language),), chances)

    def _obstacle(self, read: _Read, category: int) -> str | None:
        """Tell what makes any answer a guess."""
        if read.empty:
            return "empty"
        if read.language == "und" or (read.language == "en" and known_words(read.sparse) < KNOWN_WORDS):
            return "unknown_language"
        if self.space.encoder.dim and read.likeness < self._likeness_floor:
            return "out_of_scope"
        return "no_request" if category == self._no_request else None


def known_words(sparse: Sparse) -> float:
    """Tell which share of the Latin words was learnt from; 1 where there are none."""
    start, run = sum(sparse.runs[:CHAR_ORDERS]), sparse.runs[CHAR_ORDERS]
    return float((sparse.places[start : start + run] >= 0).mean()) if run else 1.0


def _round(p: float) -> float:
    """Four digits: more would differ between a ticket alone and the same in a batch."""
    return round(float(p), 4)


def _scored(label: Label, p: float, language: str) -> Scored:
    return Scored(label.key, label.name(names_of(language)), _round(p))


def open_triage(version: str | None = None, store: Path = STORE, name: str = "triage") -> TriageModel:
    """Load and verify a release of triage, by default the current one, with that of satisfaction where there is one.

    Raises
    ------
    ReleaseError
        If it is not there or not what was released.
    """
    dialogues = name == "triage" and bool(list_versions("satisfaction", store))
    return TriageModel(load_release(name, version, store), open_satisfaction(store=store) if dialogues else None)
