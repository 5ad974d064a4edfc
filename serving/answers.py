"""Answers many tickets, each on its own: what HTTP batches and the command line share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from pydantic import ValidationError

from features.errors import InputError
from features.schema import Ticket, Triage
from serving.contract import TicketIn, to_ticket
from serving.problems import from_validation

__all__ = ["Answers", "answer_each", "read_ticket"]


class Answers(Protocol):
    """A model: takes tickets, gives as many answers in the same order."""

    def answer(self, tickets: Sequence[Ticket]) -> list[Triage]:
        """Answer."""


def read_ticket(item: object, where: str) -> Ticket | InputError:
    """Check one ticket.

    Parameters
    ----------
    item : object
        Anything that JSON can say.
    where : str
        Its path, for the error: ``tickets[3]``.
    """
    try:
        return to_ticket(TicketIn.model_validate(item))
    except ValidationError as error:
        return from_validation(error, where)


def _ticket_id(item: object) -> str:
    """Find the identifier of what is not a ticket, if that much is well."""
    try:
        return TicketIn.model_validate({"id": item["id"], "text": ""}).id if isinstance(item, dict) else ""
    except (KeyError, ValidationError):
        return ""


def answer_each(model: Answers, items: Sequence[object], places: Sequence[str], language: str) -> list[dict[str, Any]]:
    """Answer what can be read, and say of the rest what is wrong with it.

    Parameters
    ----------
    model : Answers
    items : sequence of object
        An `InputError` among them is passed through.
    places : sequence of str
        The path of each item.
    language : {'zh', 'en'}
        Of error messages.

    Returns
    -------
    list of dict
        In order, in the public form: a triage, or ``{"ticket_id", "error"}``.
    """
    read = [i if isinstance(i, InputError) else read_ticket(i, p) for i, p in zip(items, places, strict=True)]
    tickets = [ticket for ticket in read if isinstance(ticket, Ticket)]
    answers = iter(model.answer(tickets) if tickets else ())
    return [
        {"ticket_id": _ticket_id(item), "error": ticket.as_dict(language)}
        if isinstance(ticket, InputError)
        else next(answers).as_dict()
        for item, ticket in zip(items, read, strict=True)
    ]
