"""The public contract: what a request may hold, and what an answer looks like.

Every limit stands here, with its reason. Unknown keys are ignored, so that a caller may send the row it has. Of two
equal keys in an object the last one counts, as everywhere in JSON.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints, WithJsonSchema

from features.customer import MAX_AMOUNT, MAX_VALUE_CHARS
from features.schema import Action, Customer, Ticket
from features.text import MAX_CHARS, repair

__all__ = [
    "LANGUAGE_SAID",
    "LANGUAGE_TAG",
    "MAX_BATCH",
    "MAX_BODY_BYTES",
    "MAX_CUSTOMERS",
    "MAX_ID_CHARS",
    "ChurnEntryOut",
    "CustomerIn",
    "Customers",
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
# Twice the longest key of the ticketing systems we know; it comes back in the answer and goes into logs.
MAX_ID_CHARS: Final = 200
# No shop's table that we know has more columns; the rest would be somebody's mistake.
MAX_OWN: Final = 100
# Customers in one request: half a second of the one thread that computes, which the tickets behind it wait for. Who has
# more uses `python -m serving churn`.
MAX_CUSTOMERS: Final = 5000


def _repaired(value: Any) -> Any:
    """Pydantic refuses a string with half an emoji; a customer's text is never refused for that."""
    return repair(value) if isinstance(value, str) else value


def _whole(value: Any) -> Any:
    """Take 2.0 for 2, as tables with gaps write whole numbers."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _identifier(value: Any) -> Any:
    """Numbers are welcome as identifiers; `True` is not a number."""
    if value is None:
        return ""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else _repaired(value)


_ID_SCHEMA: Final = {
    "anyOf": [{"type": "string", "maxLength": MAX_ID_CHARS}, {"type": "integer"}, {"type": "null"}],
    "default": "",
    "description": f"The caller's own, comes back as ticket_id; at most {MAX_ID_CHARS} characters.",
}
Identifier = Annotated[
    str, StringConstraints(max_length=MAX_ID_CHARS), BeforeValidator(_identifier), WithJsonSchema(_ID_SCHEMA)
]
_Limited = Annotated[str, StringConstraints(max_length=MAX_CHARS)]
Text = Annotated[
    _Limited,
    BeforeValidator(_repaired, json_schema_input_type=_Limited),
    Field(description="As the customer wrote it; may be empty.", examples=["屏幕碎了，想问一下保修吗？"]),
]
# The shape of a BCP 47 tag. Which ones we speak is not a reason to refuse a ticket: others are answered in English.
LANGUAGE_TAG: Final = r"[A-Za-z]{2,3}([_-][A-Za-z0-9]{1,8}){0,4}"
LANGUAGE_SAID: Final = "Of names and messages in the answer: zh… or another; by default that of the text."
_Tag = Annotated[str, StringConstraints(pattern=f"^{LANGUAGE_TAG}$")]
Language = Annotated[
    _Tag,
    BeforeValidator(_repaired, json_schema_input_type=_Tag),
    Field(description=LANGUAGE_SAID),
]
_Count = Annotated[int, Field(ge=0, le=MAX_AMOUNT, strict=True)]
Count = Annotated[_Count, BeforeValidator(_whole, json_schema_input_type=_Count)]
Amount = Annotated[float, Field(ge=0, le=MAX_AMOUNT, allow_inf_nan=False, strict=True)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)]
_Tier = Annotated[int, Field(ge=1, le=6, strict=True)]
Tier = Annotated[_Tier, BeforeValidator(_whole, json_schema_input_type=_Tier)]
_Level = Annotated[int, Field(ge=0, le=100, strict=True)]
Level = Annotated[_Level, BeforeValidator(_whole, json_schema_input_type=_Level)]
_Word = Annotated[str, StringConstraints(max_length=MAX_VALUE_CHARS)]
# A word that the model never learnt is no error: the answer flags it.
Word = Annotated[_Word, BeforeValidator(_repaired, json_schema_input_type=_Word)]
_OwnNumber = Annotated[float, Field(allow_inf_nan=False, strict=True)]
_OwnFlag = Annotated[bool, Field(strict=True)]
_OwnName = Annotated[str, StringConstraints(max_length=MAX_VALUE_CHARS)]
Own = Annotated[
    dict[_OwnName, _OwnFlag | _OwnNumber | Word | None],
    Field(max_length=MAX_OWN, description="Fields of the shop's own table, for a release that learnt from them."),
]
# Ten years: what waited longer was counted in another unit.
MAX_HOURS: Final = 87_600
Hours = Annotated[
    float,
    Field(ge=0, le=MAX_HOURS, allow_inf_nan=False, strict=True, description="Since the ticket came; for the priority."),
]
Probability = Annotated[float, Field(ge=0, le=1)]


class CustomerIn(BaseModel):
    """What the shop knows of a customer; leave out, or send null for, what is not known.

    Units, and what a missing value means, are in ``features/customer.yaml``; tests hold the two together.
    """

    id: Identifier = ""
    tenure_months: Amount | None = None
    orders: Count | None = None
    days_since_last_order: Amount | None = None
    satisfaction: Annotated[float, Field(ge=1, le=5, allow_inf_nan=False, strict=True)] | None = None
    complaints: Count | None = None
    cashback: Amount | None = None
    coupons: Count | None = None
    order_growth: Annotated[float, Field(ge=-100, le=MAX_AMOUNT, allow_inf_nan=False, strict=True)] | None = None
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


class TicketIn(BaseModel):
    """One ticket."""

    id: Identifier = ""
    text: Text
    language: Language | None = None
    customer: CustomerIn | None = None
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
    return Ticket(ticket.id, ticket.text, ticket.language, customer, ticket.waited_hours)
