"""The whole answer to a ticket: triage, the customer's risk of leaving, and what comes first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from features.schema import Ticket, Triage
from models.churn import ChurnModel
from models.priority import prioritise
from models.triage import TriageModel

__all__ = ["Desk"]


class Desk:
    """Triage and churn side by side.

    Parameters
    ----------
    triage : TriageModel
    churn : ChurnModel or None
        None where none was released: then no ticket has a risk.
    """

    def __init__(self, triage: TriageModel, churn: ChurnModel | None) -> None:
        self.triage, self.churn = triage, churn
        self.release = triage.release

    def answer(self, tickets: Sequence[Ticket]) -> list[Triage]:
        """Answer tickets, in order; a ticket's answer does not depend on the others.

        A ticket without a customer has no risk: no data links what customers write to who leaves, so a guess from
        words alone could not be shown to beat the average.
        """
        answers = self.triage.answer(tickets)
        known = [i for i, ticket in enumerate(tickets) if ticket.customer is not None]
        if self.churn is None or not known:
            return answers
        customers = [customer for i in known if (customer := tickets[i].customer)]
        risks = self.churn.answer(customers, [answers[i].language for i in known])
        for i, risk in zip(known, risks, strict=True):
            answer, ticket = answers[i], tickets[i]
            levels = answer.urgency.levels if answer.urgency else {}
            first = prioritise(levels, risk.risk, ticket.customer, ticket.waited_hours, answer.language)
            answers[i] = replace(answer, churn=risk, priority=first)
        return answers
