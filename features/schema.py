"""The values that travel between the packages: what comes in, what is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from features.entities import Entity

__all__ = [
    "Action",
    "Churn",
    "Customer",
    "Decision",
    "Message",
    "Priority",
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

    Every field has its unit, its range and the meaning of a missing value in ``features/customer.yaml``; the values
    are checked there (`features.customer.Field`).

    Attributes
    ----------
    id : str
    own : mapping of str to (float, bool or str)
        Fields of the shop's own table that the record has not, for models that learnt from them.
    """

    id: str
    tenure_months: float | None = None
    orders: float | None = None
    days_since_last_order: float | None = None
    satisfaction: float | None = None
    complaints: float | None = None
    cashback: float | None = None
    coupons: float | None = None
    order_growth: float | None = None
    app_hours: float | None = None
    devices: float | None = None
    addresses: float | None = None
    distance_km: float | None = None
    city_tier: float | None = None
    membership_level: float | None = None
    yearly_value: float | None = None
    monthly_spend: float | None = None
    total_spend: float | None = None
    vip: bool | None = None
    device: str | None = None
    payment: str | None = None
    favourite_category: str | None = None
    contract: str | None = None
    gender: str | None = None
    marital_status: str | None = None
    urgency: float | None = None
    dissatisfaction: float | None = None
    tickets_30d: float | None = None
    unresolved: float | None = None
    own: Mapping[str, float | bool | str] = field(default_factory=dict)

    def value(self, name: str) -> float | bool | str | None:
        """Give a field of the record, or one of the shop's own."""
        found: float | bool | str | None = getattr(self, name) if name in self.__slots__ else self.own.get(name)
        return found


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
    waited_hours : float
        Since the ticket came, where it is asked about again; the priority counts with it.
    """

    id: str
    text: str
    language: str | None = None
    customer: Customer | None = None
    title: str = ""
    messages: tuple[Message, ...] = ()
    product: str = ""
    channel: str = ""
    waited_hours: float = 0.0


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
    """How soon: a level (``p1`` is the most urgent), a score from 0 to 1 to sort by, and why.

    `levels` has the probability of each level; the priority reads it, and it is no part of the public form.
    """

    level: str
    score: float
    reasons: tuple[Reason, ...] = ()
    levels: Mapping[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Give the public form."""
        return {"level": self.level, "score": self.score, "reasons": [r.as_dict() for r in self.reasons]}


@dataclass(frozen=True, slots=True)
class Priority:
    """What comes first: a score from 0 to 1 to sort by, and why."""

    score: float
    reasons: tuple[Reason, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Give the public form."""
        return {"score": self.score, "reasons": [r.as_dict() for r in self.reasons]}


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
class Churn:
    """How likely a customer is to leave, and why.

    Attributes
    ----------
    customer_id : str
    risk : float
        Calibrated, from 0 to 1.
    reasons : tuple of Reason
        What moved the risk most, the strongest first; the code is the field's name.
    flags : tuple of Reason
        What makes the answer less sure: ``nothing_known``, ``unknown_value``, ``beyond_training``.
    base : float
        The log-odds of an average customer.
    contributions : dict of str to float
        By field, in log-odds; with `base` they add up to the log-odds of `risk`.
    release : ReleaseId
    """

    customer_id: str
    risk: float
    reasons: tuple[Reason, ...]
    flags: tuple[Reason, ...]
    base: float
    contributions: dict[str, float]
    release: ReleaseId

    def as_dict(self) -> dict[str, Any]:
        """Give the public form inside the answer to a ticket."""
        return {"risk": self.risk, "reasons": [r.as_dict() for r in (*self.reasons, *self.flags)]}

    def as_entry(self) -> dict[str, Any]:
        """Give the public form of ``/churn``."""
        return {
            "customer_id": self.customer_id,
            "risk": self.risk,
            "reasons": [r.as_dict() for r in self.reasons],
            "flags": [f.as_dict() for f in self.flags],
            "base": self.base,
            "contributions": self.contributions,
            "release": self.release.as_dict(),
        }


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
    priority: Priority
    churn: Churn | None = None
    satisfaction: Satisfaction | None = None

    def as_dict(self) -> dict[str, Any]:
        """Give the public form, made of JSON types only; satisfaction only where a dialogue was read."""
        return {
            "ticket_id": self.ticket_id,
            "category": {**self.category.as_dict(), "reasons": [r.as_dict() for r in self.reasons]},
            "alternatives": [a.as_dict() for a in self.alternatives],
            "tags": [t.as_dict() for t in self.tags],
            "urgency": self.urgency.as_dict() if self.urgency else None,
            "churn": self.churn.as_dict() if self.churn else None,
            "priority": self.priority.as_dict(),
            "entities": [e.as_dict() for e in self.entities],
            "language": self.language,
            "decision": self.decision.as_dict(),
            "release": self.release.as_dict(),
            **({"satisfaction": self.satisfaction.as_dict()} if self.satisfaction else {}),
        }
