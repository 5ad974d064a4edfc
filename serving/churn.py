"""Answers many customers, each on its own: what ``/churn`` and the demonstration share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from features.errors import InputError
from features.schema import Customer
from models.churn import ChurnModel
from serving.contract import CustomerIn, to_customer
from serving.problems import from_validation

__all__ = ["churn_each", "read_customer"]


def read_customer(item: object, where: str) -> Customer | InputError:
    """Check one customer.

    Parameters
    ----------
    item : object
        Anything that JSON can say.
    where : str
        Its path, for the error: ``customers[3]``.
    """
    try:
        return to_customer(CustomerIn.model_validate(item))
    except ValidationError as error:
        return from_validation(error, where)


def _customer_id(item: object) -> str:
    """Find the identifier of what is not a customer, if that much is well."""
    try:
        return CustomerIn.model_validate({"id": item["id"]}).id if isinstance(item, dict) else ""
    except (KeyError, ValidationError):
        return ""


def churn_each(model: ChurnModel | None, items: Sequence[object], language: str) -> list[dict[str, Any]]:
    """Answer what can be read, and say of the rest what is wrong with it.

    Parameters
    ----------
    model : ChurnModel or None
        None where none was released: every entry says so.
    items : sequence of object
    language : {'zh', 'en'}
        Of reasons and errors.

    Returns
    -------
    list of dict
        In order, in the public form: an answer, or ``{"customer_id", "error"}``.
    """
    read = [read_customer(item, f"customers[{i}]") for i, item in enumerate(items)]
    if model is None:
        read = [c if isinstance(c, InputError) else InputError("", "no_churn") for c in read]
    customers = [c for c in read if isinstance(c, Customer)]
    answers = iter(model.answer(customers, [language] * len(customers)) if model else ())
    return [
        {"customer_id": _customer_id(item), "error": customer.as_dict(language)}
        if isinstance(customer, InputError)
        else next(answers).as_entry()
        for item, customer in zip(items, read, strict=True)
    ]
