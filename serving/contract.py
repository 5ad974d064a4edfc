"""The public contract: what a request may hold, and what an answer looks like.

Every limit stands here, with its reason. Unknown keys are ignored, so that a caller may send the row it has. Of two
equal keys in an object the last one counts, as everywhere in JSON.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints, WithJsonSchema

from features.schema import Action, Customer, Message, Ticket
from features.text import MAX_CHARS, repair

__all__ = [
    "LANGUAGE_SAID",
    "LANGUAGE_TAG",
    "MAX_BATCH",
    "MAX_BODY_BYTES",
    "MAX_ID_CHARS",
    "MAX_MESSAGES",
    "MAX_PHRASE_CHARS",
    "CustomerIn",
    "MessageIn",
    "ProblemOut",
    "RefusedOut",
    "ReleaseInfoOut",
    "ReleasesOut",
    "TicketIn",
    "Tickets",
    "TriageOut",
    "to_ticket",
]

# A batch is answered as a whole by the one thread that computes: 500 tickets are about a second of its time, which the
# single tickets behind it wait for. Who has more uses `python -m serving triage`.
MAX_BATCH: Final = 500
# 500 tickets of 8 kB; also a 20,000-character ticket written in \uXXXX escapes (240 kB) with room to spare.
MAX_BODY_BYTES: Final = 4 * 2**20
# Twice the longest key of the ticketing systems we know; it comes back in the answer and goes into logs.
MAX_ID_CHARS: Final = 200
# The longest of 330 real dialogues has 74 messages; each is normalised, so their number is time.
MAX_MESSAGES: Final = 100
# A title, a product group, a channel: twice the longest subject line that ticketing systems take (255).
MAX_PHRASE_CHARS: Final = 510
# Far above any shop's figures: what lies beyond is a slip of units (seconds for months), and would move a score.
MAX_COUNT: Final = 1_000_000


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
_Short = Annotated[str, StringConstraints(max_length=MAX_PHRASE_CHARS)]
Phrase = Annotated[_Short, BeforeValidator(_repaired, json_schema_input_type=_Short)]
_Count = Annotated[int, Field(ge=0, le=MAX_COUNT, strict=True)]
Count = Annotated[_Count, BeforeValidator(_whole, json_schema_input_type=_Count)]
Amount = Annotated[float, Field(ge=0, le=MAX_COUNT, allow_inf_nan=False, strict=True)]
Probability = Annotated[float, Field(ge=0, le=1)]


class CustomerIn(BaseModel):
    """What the shop knows of a customer; leave out, or send null for, what is not known."""

    id: Identifier = ""
    tenure_months: Amount | None = None
    orders: Count | None = None
    days_since_last_order: Amount | None = None
    satisfaction: Annotated[float, Field(ge=1, le=5, allow_inf_nan=False, strict=True)] | None = None
    complaints: Count | None = None
    vip: Annotated[bool, Field(strict=True)] | None = None


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


# Every ticket is checked on its own, so that a bad one costs only its own entry: the list itself takes anything.
_ITEM_SCHEMA: Final = {"description": "A ticket as in /triage; anything else is answered with an error in its place."}
Tickets = Annotated[list[Annotated[Any, WithJsonSchema(_ITEM_SCHEMA)]], Field(max_length=MAX_BATCH)]


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
    priority: ScoreOut | None
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
    """Every release there is; ``answering`` names the one this server has loaded."""

    releases: list[ReleaseInfoOut]


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
    customer = Customer(**ticket.customer.model_dump()) if ticket.customer else None
    messages = tuple(Message(m.sender, m.text) for m in ticket.messages or ())
    around = {"title": ticket.title or "", "product": ticket.product or "", "channel": ticket.channel or ""}
    return Ticket(ticket.id, ticket.text, ticket.language, customer, messages=messages, **around)
