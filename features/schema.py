"""The values that travel between the packages: what comes in, what is answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from features.entities import Entity

__all__ = [
    "Action",
    "Customer",
    "Decision",
    "Message",
    "Reason",
    "ReleaseId",
    "Satisfaction",
    "Scored",
    "Ticket",
    "Triage",
    "Urgency",
]

Action = Literal["automate", "suggest", "abstain"]


@dataclass(frozen=True, slots=True)
class Customer:
    """What the shop knows of a customer; ``None`` means not known.

    Attributes
    ----------
    id : str
    tenure_months : float or None
        Months since the first order, 0 or more.
    orders, complaints : int or None
        In all, 0 or more.
    days_since_last_order : float or None
    satisfaction : float or None
        The last rating, 1 (worst) to 5.
    vip : bool or None
    """

    id: str
    tenure_months: float | None = None
    orders: int | None = None
    days_since_last_order: float | None = None
    satisfaction: float | None = None
    complaints: int | None = None
    vip: bool | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """An earlier message of a ticket's dialogue; `sender` is ``customer`` or ``agent``."""

    sender: str
    text: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a customer wrote, and what is known around it.

    Attributes
    ----------
    id : str
        The caller's own; comes back as ``ticket_id``.
    text : str
        As it came, up to `features.text.MAX_CHARS` characters.
    language : str or None
        The language of names and messages in the answer; by default that of the text.
    customer : Customer or None
    title : str
        The ticket's subject line.
    messages : tuple of Message
        What was said before `text`, oldest first.
    product : str
        The product or its group, in words.
    channel : str
        Where it came from, in words; no answer depends on it.
    """

    id: str
    text: str
    language: str | None = None
    customer: Customer | None = None
    title: str = ""
    messages: tuple[Message, ...] = ()
    product: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Scored:
    """A label with its name and its calibrated probability."""

    key: str
    name: str
    probability: float

    def as_dict(self) -> dict[str, Any]:
        """Give the public form."""
        return {"key": self.key, "name": self.name, "probability": self.probability}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: a stable code, a sentence for a person, and the words in the text that carried it."""

    code: str
    message: str
    words: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Give the public form."""
        return {"code": self.code, "message": self.message, "words": list(self.words)}


@dataclass(frozen=True, slots=True)
class Urgency:
    """How soon: a level (``p1`` is the most urgent), a score from 0 to 1 to sort by, and why."""

    level: str
    score: float
    reasons: tuple[Reason, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Give the public form."""
        return {"level": self.level, "score": self.score, "reasons": [r.as_dict() for r in self.reasons]}


@dataclass(frozen=True, slots=True)
class Decision:
    """What may be done with each field without a person, and why not more.

    Attributes
    ----------
    actions : dict of str to {'automate', 'suggest', 'abstain'}
        By field: ``category``, ``tags``, ``urgency``.
    reasons : dict of str to Reason
        For every field that is not automated.
    """

    actions: dict[str, Action]
    reasons: dict[str, Reason] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Give the public form: every field's action, the first reason, and all reasons by field."""
        first = next((r for f, r in self.reasons.items() if self.actions[f] == "abstain"), None)
        first = first or next(iter(self.reasons.values()), None)
        reasons = {f: r.as_dict() for f, r in self.reasons.items()}
        return {**self.actions, "reason": first.code if first else None, "reasons": reasons}


@dataclass(frozen=True, slots=True)
class ReleaseId:
    """Which model gave an answer.

    Attributes
    ----------
    name, version : str
    digest : str
        SHA-256 of ``release.json``, which holds the digest of every other file.
    run : str or None
        The MLflow run that made it.
    """

    name: str
    version: str
    digest: str
    run: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Give the public form."""
        return {"name": self.name, "version": self.version, "digest": self.digest, "run": self.run}


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """How a customer in a dialogue sounds.

    Attributes
    ----------
    label : Scored
        ``dissatisfied``, ``neutral`` or ``satisfied``: what stands highest above how often it occurs.
    probabilities : dict of str to float
        Of all three, calibrated.
    score : float
        From -1 to 1: how likely satisfied less how likely dissatisfied.
    release : ReleaseId
    """

    label: Scored
    probabilities: dict[str, float]
    score: float
    release: ReleaseId

    def as_dict(self) -> dict[str, Any]:
        """Give the public form."""
        said = {"probabilities": self.probabilities, "score": self.score, "release": self.release.as_dict()}
        return {**self.label.as_dict(), **said}


@dataclass(frozen=True, slots=True)
class Triage:
    """The answer to one ticket; see the public contract for every field."""

    ticket_id: str
    category: Scored
    alternatives: tuple[Scored, ...]
    tags: tuple[Scored, ...]
    urgency: Urgency | None
    entities: tuple[Entity, ...]
    language: str
    decision: Decision
    reasons: tuple[Reason, ...]
    release: ReleaseId
    satisfaction: Satisfaction | None = None

    def as_dict(self) -> dict[str, Any]:
        """Give the public form, made of JSON types only; satisfaction only where a dialogue was read."""
        urgency = self.urgency.as_dict() if self.urgency else None
        return {
            "ticket_id": self.ticket_id,
            "category": {**self.category.as_dict(), "reasons": [r.as_dict() for r in self.reasons]},
            "alternatives": [a.as_dict() for a in self.alternatives],
            "tags": [t.as_dict() for t in self.tags],
            "urgency": urgency,
            "churn": None,
            "priority": {"score": urgency["score"], "reasons": urgency["reasons"]} if urgency else None,
            "entities": [e.as_dict() for e in self.entities],
            "language": self.language,
            "decision": self.decision.as_dict(),
            "release": self.release.as_dict(),
            **({"satisfaction": self.satisfaction.as_dict()} if self.satisfaction else {}),
        }
