"""Errors as HTTP: every rule has a status, every complaint of pydantic a field and a rule of ours."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from features.errors import RULES, InputError
from serving.contract import TicketIn
from serving.problems import _STATUS, from_validation, spoken, status_of


def complaint(value: object) -> InputError:
    with pytest.raises(ValidationError) as caught:
        TicketIn.model_validate(value)
    return from_validation(caught.value, "tickets[3]")


@pytest.mark.parametrize(
    ("value", "field", "rule"),
    [
        ({}, "tickets[3].text", "missing"),
        ([], "tickets[3]", "type"),
        ({"text": 5}, "tickets[3].text", "type"),
        ({"text": "x" * 20_001}, "tickets[3].text", "too_long"),
        ({"text": "", "id": "x" * 201}, "tickets[3].id", "too_long"),
        ({"text": "", "id": True}, "tickets[3].id", "type"),
        ({"text": "", "id": 10**4999}, "tickets[3].id", "invalid"),
        ({"text": "", "language": "klingon!"}, "tickets[3].language", "invalid"),
        ({"text": "", "customer": {"orders": -1}}, "tickets[3].customer.orders", "range"),
        ({"text": "", "customer": {"satisfaction": float("nan")}}, "tickets[3].customer.satisfaction", "invalid"),
    ],
)
def test_complaints(value: object, field: str, rule: str) -> None:
    error = complaint(value)
    assert (error.field, error.rule) == (field, rule)
    assert error.message("zh") != error.message("en")


def test_limits_are_named() -> None:
    assert "20000" in complaint({"text": "x" * 20_001}).message("en")
    assert "≥ 0" in complaint({"text": "", "customer": {"orders": -1}}).message("zh")


def test_what_was_sent_is_not_repeated() -> None:
    assert "13800138000" not in str(complaint({"text": ["13800138000"]}).as_dict())


def test_every_status_belongs_to_a_rule() -> None:
    assert set(_STATUS) <= set(RULES)
    assert status_of(InputError("x", "missing")) == 400
    assert status_of(InputError("Content-Type", "choice", expected="")) == 415


@pytest.mark.parametrize(
    ("header", "language"),
    [("", "en"), ("*", "en"), ("zh", "zh"), ("ZH-Hant-TW", "zh"), ("en,zh", "en"), ("en;q=0.1,zh;q=0.2", "zh"),
     ("zh;q=x", "zh"), (",;q=,,", "en"), ("de,zh;q=0.3", "zh")],
)  # fmt: skip
def test_spoken(header: str, language: str) -> None:
    assert spoken(header) == language


@pytest.mark.parametrize("text", ["\x00", "\ud83d", "a\udc00b", "\U0001f600"])
def test_any_string_is_a_text_and_an_identifier(text: str) -> None:
    ticket: Any = TicketIn.model_validate({"text": text, "id": text})
    assert ticket.text.encode()
    assert ticket.id.encode()
