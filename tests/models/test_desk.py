"""Triage and churn side by side: a risk only for who is known, and a priority for every ticket."""

from __future__ import annotations

from features.schema import Customer, Ticket
from models.churn import ChurnModel
from models.desk import Desk
from models.triage import TriageModel

RISKY = Customer("c", tenure_months=0.0, complaints=4.0, yearly_value=1000.0)
CALM = Customer("c", tenure_months=34.0, complaints=0.0)
TEXT = "请问发票怎么开"


def desk(triage: TriageModel, churn: ChurnModel | None) -> Desk:
    return Desk(triage, churn)


def test_a_ticket_without_a_customer_has_no_risk_but_a_priority(
    small_model: TriageModel, small_churn: ChurnModel
) -> None:
    [answer] = desk(small_model, small_churn).answer([Ticket("t", TEXT)])
    told = answer.as_dict()
    assert told["churn"] is None
    assert 0 < told["priority"]["score"] < 1
    assert told["priority"]["reasons"]


def test_a_customers_risk_moves_the_priority(small_model: TriageModel, small_churn: ChurnModel) -> None:
    tickets = [Ticket("a", TEXT, customer=CALM), Ticket("b", TEXT), Ticket("c", TEXT, customer=RISKY)]
    calm, unknown, risky = desk(small_model, small_churn).answer(tickets)
    assert calm.churn is not None
    assert risky.churn is not None
    assert calm.churn.risk < risky.churn.risk
    assert calm.priority.score < unknown.priority.score < risky.priority.score
    assert set(risky.as_dict()["churn"]) == {"risk", "reasons"}
    assert "churn" in {reason.code for reason in risky.priority.reasons}
    assert "流失" in risky.churn.reasons[0].message


def test_inv_together_and_alone_are_the_same(small_model: TriageModel, small_churn: ChurnModel) -> None:
    tickets = [Ticket("a", TEXT, customer=CALM), Ticket("b", "屏幕碎了"), Ticket("c", TEXT, customer=RISKY)]
    both = desk(small_model, small_churn)
    assert [a.as_dict() for a in both.answer(tickets)] == [both.answer([t])[0].as_dict() for t in tickets]


def test_without_a_release_of_churn_everything_else_works(small_model: TriageModel) -> None:
    [answer] = desk(small_model, None).answer([Ticket("t", TEXT, customer=RISKY)])
    assert answer.churn is None
    assert answer.priority.score > 0


def test_waiting_counts(small_model: TriageModel, small_churn: ChurnModel) -> None:
    both = desk(small_model, small_churn)
    for customer in (None, CALM):
        fresh, old = (both.answer([Ticket("t", TEXT, customer=customer, waited_hours=h)])[0] for h in (0.0, 40.0))
        assert fresh.priority.score < old.priority.score
