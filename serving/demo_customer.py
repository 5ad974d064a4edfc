"""The customer of the demonstration: invented, new, with two complaints; and what the shop would see of the risk."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.request import Request, urlopen

__all__ = ["CUSTOMER", "ask_risk", "customer_row"]

CUSTOMER: Final[dict[str, Any]] = {
    "id": "demo-customer",
    "tenure_months": 1,
    "orders": 1,
    "days_since_last_order": 2,
    "satisfaction": 2,
    "complaints": 2,
    "device": "phone",
    "city_tier": 2,
}
_SECONDS: Final = 60


def ask_risk(url: str, language: str = "zh") -> dict[str, Any]:
    """Send the customer to a server's ``/churn``.

    Parameters
    ----------
    url : str
        Of the server, with a slash at its end.
    language : str
        Of the reasons.
    """
    body = json.dumps({"customers": [CUSTOMER]}).encode()
    kind = {"Content-Type": "application/json", "Accept-Language": language}
    with urlopen(Request(f"{url}churn", body, kind), timeout=_SECONDS) as answer:  # noqa: S310 (our own server)
        told: dict[str, Any] = json.load(answer)[0]
    return told


def customer_row(answer: dict[str, Any]) -> list[str]:
    """Give what a person wants to see of an answer, or of what is wrong."""
    if "error" in answer:
        return [answer["customer_id"], "", answer["error"]["message"]]
    return [answer["customer_id"], f"{answer['risk']:.0%}", "; ".join(r["message"] for r in answer["reasons"])]
