"""The public contract: what a request may hold, and what an answer looks like.

Every limit stands here, with its reason. Unknown keys are ignored, so that a caller may send the row it has. Of two
equal keys in an object the last one counts, as everywhere in JSON.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field, WithJsonSchema

from features.schema import Action, Customer, Message, Ticket
from serving.contract_parts import (
    LANGUAGE_SAID,
    LANGUAGE_TAG,
    MAX_ID_CHARS,
    MAX_PHRASE_CHARS,
    Amount,
    Count,
    Growth,
    Hours,
    Identifier,
    Language,
    Level,
    Own,
    Phrase,
    Probability,
    Rating,
    Share,
    Text,
    Tier,
    Word,
)

__all__ = [
    "LANGUAGE_SAID",
    "LANGUAGE_TAG",
    "MAX_BATCH",
    "MAX_BODY_BYTES",
    "MAX_CUSTOMERS",
    "MAX_ID_CHARS",
    "MAX_MESSAGES",
    "MAX_PHRASE_CHARS",
    "ChurnEntryOut",
    "CustomerIn",
    "Customers",
    "MessageIn",
    "ProblemOut",
    "RefusedCustomerOut",
    "RefusedOut",
    "ReleaseInfoOut",
    "ReleasesOut",
    "TicketIn",
    "Tickets",
    "TriageOut",
    "to_customer",
    "to_ticket",
]

# A batch is answered as a whole by the one thread that computes: 500 tickets are about a second of its time, which the
# single tickets behind it wait for. Who has more uses `python -m serving triage`.
MAX_BATCH: Final = 500
# 500 tickets of 8 kB; also a 20,000-character ticket written in \uXXXX escapes (240 kB) with room to spare.
MAX_BODY_BYTES: Final = 4 * 2**20
# The longest of 330 real dialogues has 74 messages; each is normalised, so their number is time.
MAX_MESSAGES: Final = 100
# Customers in one request: half a second of the one thread that computes, which the tickets behind it wait for. Who has
# more uses `python -m serving churn`.
MAX_CUSTOMERS: Final = 5000


class CustomerIn(BaseModel):
    """What the shop knows of a customer; leave out, or send null for, what is not known.

    Units, and what a missing value means, are in ``features/customer.yaml``; tests hold the two together.
    """

    id: Identifier = ""
    tenure_months: Amount | None = None
    orders: Count | None = None
    days_since_last_order: Amount | None = None
    satisfaction: Rating | None = None
    complaints: Count | None = None
    cashback: Amount | None = None
    coupons: Count | None = None
    order_growth: Growth | None = None
    app_hours: Amount | None = None
    devices: Count | None = None
    addresses: Count | None = None
    distance_km: Amount | None = None
    city_tier: Tier | None = None
    membership_level: Level | None = None
    yearly_value: Amount | None = None
    monthly_spend: Amount | None = None
    total_spend: Amount | None = None
    vip: Annotated[bool, Field(strict=True)] | None = None
    device: Word | None = None
    payment: Word | None = None
    favourite_category: Word | None = None
    contract: Word | None = None
    gender: Word | None = None
    marital_status: Word | None = None
    urgency: Share | None = None
    dissatisfaction: Share | None = None
    tickets_30d: Count | None = None
    unresolved: Count | None = None
    own: Own = Field(default_factory=dict)


class MessageIn(BaseModel):
    """An earlier message of the dialogue."""

    sender: Annotated[Literal["customer", "agent"], Field(alias="from")]
    text: Text


class TicketIn(BaseModel):
    """One ticket; ``text`` is the last thing that the customer wrote."""

    id: Identifier = ""
    text: Text
    language: Language | None = None
    customer: CustomerIn | None = None
    title: Annotated[Phrase | None, Field(description="The subject line; read before the text.")] = None
    messages: Annotated[
        list[MessageIn] | None,
        Field(max_length=MAX_MESSAGES, description="What was said before the text, oldest first."),
    ] = None
    product: Annotated[Phrase | None, Field(description="The product's group; taken, and not read yet.")] = None
    channel: Annotated[Phrase | None, Field(description="Where it came from; no answer depends on it.")] = None
    waited_hours: Hours = 0.0


# Every ticket is checked on its own, so that a bad one costs only its own entry: the list itself takes anything.
_ITEM_SCHEMA: Final = {"description": "A ticket as in /triage; anything else is answered with an error in its place."}
Tickets = Annotated[list[Annotated[Any, WithJsonSchema(_ITEM_SCHEMA)]], Field(max_length=MAX_BATCH)]
_CUSTOMER_SCHEMA: Final = {
    "description": "A customer as in /triage; anything else is answered with an error in its place."
}
Customers = Annotated[list[Annotated[Any, WithJsonSchema(_CUSTOMER_SCHEMA)]], Field(max_length=MAX_CUSTOMERS)]


class NamedOut(BaseModel):
    """A label with its name and its calibrated probability."""

    key: str
    name: str
    probability: Probability


class ReasonOut(BaseModel):
    """Why: a stable code, a sentence for a person, the words in the text that carried it."""

    code: str
    message: str
    words: list[str]


class CategoryOut(NamedOut):
    """The category, and the words that spoke for it."""

    reasons: list[ReasonOut]


class UrgencyOut(BaseModel):
    """How soon: ``p1`` is the most urgent; the score is there to sort by."""

    level: Literal["p1", "p2", "p3", "p4"]
    score: Probability
    reasons: list[ReasonOut]


class ScoreOut(BaseModel):
    """A score from 0 to 1 to sort by, and why."""

    score: Probability
    reasons: list[ReasonOut]


class ChurnOut(BaseModel):
    """How likely the customer is to leave."""

    risk: Probability
    reasons: list[ReasonOut]


class EntityOut(BaseModel):
    """Something the text names, at ``text[start:end]``; personal data comes back masked."""

    kind: str
    start: int
    end: int
    text: str
    # A parcel's carrier; the key is there only where one is known.
    carrier: Annotated[str | None, Field(exclude_if=lambda carrier: carrier is None)] = None


class DecisionOut(BaseModel):
    """What may be done with each field without a person, and why not more."""

    category: Action
    tags: Action
    urgency: Action
    reason: str | None
    reasons: dict[str, ReasonOut]


class ReleaseOut(BaseModel):
    """Which model answered."""

    name: str
    version: str
    digest: str
    run: str | None


class SatisfactionOut(NamedOut):
    """How the customer sounds: the class that stands highest above how often it occurs; ``score`` is from -1 to 1."""

    probabilities: dict[str, Probability]
    score: Annotated[float, Field(ge=-1, le=1)]
    release: ReleaseOut


class TriageOut(BaseModel):
    """The answer to one ticket."""

    ticket_id: str
    category: CategoryOut
    alternatives: list[NamedOut]
    tags: list[NamedOut]
    urgency: UrgencyOut | None
    churn: ChurnOut | None
    priority: ScoreOut
    entities: list[EntityOut]
    language: str
    decision: DecisionOut
    release: ReleaseOut
    # The key is there only where the ticket carries messages.
    satisfaction: Annotated[SatisfactionOut | None, Field(exclude_if=lambda said: said is None)] = None


class ErrorOut(BaseModel):
    """What is wrong: the field as a dotted path, the rule's stable name, and a sentence for a person."""

    field: str
    rule: str
    message: str


class ProblemOut(BaseModel):
    """The body of every answer with a status of 400 or more."""

    error: ErrorOut


class RefusedOut(ProblemOut):
    """A ticket in a batch that could not be read, in its place."""

    ticket_id: str


class ChurnEntryOut(ChurnOut):
    """The answer to one customer: ``base`` and the contributions, in log-odds, add up to the risk's."""

    customer_id: str
    flags: list[ReasonOut]
    base: float
    contributions: dict[str, float]
    release: ReleaseOut


class RefusedCustomerOut(ProblemOut):
    """A customer that could not be read, in its place."""

    customer_id: str


class ReleaseInfoOut(BaseModel):
    """A release in the store."""

    name: str
    version: str
    digest: str
    current: bool
    answering: bool
    metrics: dict[str, Any]
    autonomy: dict[str, Any] = Field(
        default={}, description="for each label: what is automated from which probability on, how often that was right"
    )
    data: Any


class ReleasesOut(BaseModel):
    """Every release there is; ``answering`` names those that this server has loaded."""

    releases: list[ReleaseInfoOut]


def to_customer(customer: CustomerIn) -> Customer:
    """Turn a checked customer into the value the models read."""
    values = customer.model_dump()
    own = {name: value for name, value in values.pop("own").items() if value is not None}
    return Customer(**values, own=own)


def to_ticket(ticket: TicketIn) -> Ticket:
    """Turn a checked request into the value the models read.

    Parameters
    ----------
    ticket : TicketIn

    Returns
    -------
    Ticket

    Examples
    --------
    >>> to_ticket(TicketIn(id=7, text="hello")).id
    '7'
    """
    customer = to_customer(ticket.customer) if ticket.customer else None
    messages = tuple(Message(m.sender, m.text) for m in ticket.messages or ())
    return Ticket(
        ticket.id,
        ticket.text,
        ticket.language,
        customer,
        title=ticket.title or "",
        messages=messages,
        product=ticket.product or "",
        channel=ticket.channel or "",
        waited_hours=ticket.waited_hours,
    )
