"""``POST /churn``, and a customer inside ``/triage``: the public contract, over HTTP against a real server."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Annotated, Any, get_args, get_origin

import httpx
import pytest
from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

from features.customer import record
from serving.contract import MAX_CUSTOMERS, ChurnEntryOut, CustomerIn, TriageOut

AT_RISK = {"id": "new", "tenure_months": 0, "complaints": 2, "satisfaction": 1, "orders": 1, "marital_status": "single"}
LOYAL = {"id": "old", "tenure_months": 30, "complaints": 0, "satisfaction": 5, "orders": 6, "marital_status": "married"}
JSON = {"Content-Type": "application/json"}


def ask(http: httpx.Client, *customers: object, language: str = "en") -> Any:
    answer = http.post("/churn", json={"customers": list(customers)}, headers={"Accept-Language": language})
    assert answer.status_code == 200, answer.text
    return answer.json()


def limits(info: FieldInfo) -> tuple[Any, Any]:
    """Find the range of a number, however deep its annotation has it."""
    found: dict[type, Any] = {}

    def look(node: object) -> None:
        for part in getattr(node, "metadata", ()) or (node.__metadata__ if get_origin(node) is Annotated else ()):
            for x in (part, *getattr(part, "metadata", ())):
                found.update({type(x): x.ge if isinstance(x, Ge) else x.le} if isinstance(x, Ge | Le) else {})
        for part in get_args(getattr(node, "annotation", node)):
            look(part)

    look(info)
    return found.get(Ge), found.get(Le)


def test_the_contract_has_the_fields_and_ranges_of_the_record() -> None:
    fields = CustomerIn.model_fields
    assert list(fields) == ["id", *record(), "own"]
    for name, field in record().items():
        if field.kind in ("number", "count"):
            assert limits(fields[name]) == (field.low, field.high), name


def test_bentomls_client_works(server: str, bento_client: Callable[..., Any]) -> None:
    entries = bento_client(server).churn(customers=[AT_RISK, LOYAL])
    assert [entry["customer_id"] for entry in entries] == ["new", "old"]
    assert entries[0]["release"]["name"] == "churn"


def test_answers_are_the_contract_and_nothing_else(http: httpx.Client) -> None:
    for entry in ask(http, AT_RISK, LOYAL, {}):
        assert ChurnEntryOut.model_validate(entry).model_dump() == entry


def test_mft_who_is_new_and_complains_is_at_risk(http: httpx.Client) -> None:
    new, old = ask(http, AT_RISK, LOYAL)
    assert new["risk"] > 0.5 > 0.1 > old["risk"]
    assert "tenure_months" in {reason["code"] for reason in new["reasons"]}


def test_inv_contributions_add_up_to_the_risk(http: httpx.Client) -> None:
    for entry in ask(http, AT_RISK, LOYAL, {"device": "phone"}, {}):
        total = entry["base"] + math.fsum(entry["contributions"].values())
        assert 1 / (1 + math.exp(-total)) == pytest.approx(entry["risk"], abs=1e-3)


def test_dir_more_complaints_never_lower_the_risk(http: httpx.Client) -> None:
    risks = [entry["risk"] for entry in ask(http, *({**LOYAL, "complaints": n} for n in range(10)))]
    assert risks == sorted(risks)


def test_reasons_speak_the_callers_language(http: httpx.Client) -> None:
    [zh], [en] = ask(http, AT_RISK, language="zh-CN"), ask(http, AT_RISK)
    assert zh["risk"] == en["risk"]
    assert any("入会时长：0 个月，流失几率 ×" in r["message"] for r in zh["reasons"])
    assert any("tenure: 0 months, odds of leaving ×" in r["message"] for r in en["reasons"])


def test_a_bad_customer_costs_only_its_own_entry(http: httpx.Client) -> None:
    bad = [5, None, {"id": "n", "tenure_months": -1}, {"id": "c", "cashback": 1e9}, {"vip": "yes"}, {"id": ["x"]},
           {"complaints": 1.5}, {"satisfaction": 9}, {"device": 3}, {"own": {"a": []}}, "text"]  # fmt: skip
    entries = ask(http, AT_RISK, *bad, LOYAL, language="zh")
    assert ["error" in entry for entry in entries] == [False, *[True] * len(bad), False]
    assert entries[3]["customer_id"] == "n"
    assert entries[3]["error"]["field"] == "customers[3].tenure_months"
    assert entries[3]["error"]["rule"] == entries[4]["error"]["rule"] == "range"
    assert "超出范围" in entries[3]["error"]["message"]
    assert {entry["error"]["field"].split(".")[0] for entry in entries if "error" in entry} == {
        f"customers[{i}]" for i in range(1, len(bad) + 1)
    }


def test_what_is_odd_is_flagged_not_refused(http: httpx.Client) -> None:
    nothing, nulls, toaster, far = ask(
        http,
        {},
        dict.fromkeys(record()),
        {**LOYAL, "device": "toaster"},
        {**LOYAL, "cashback": 999_999},
    )
    assert [f["code"] for f in nothing["flags"]] == ["nothing_known"]
    assert nulls["risk"] == nothing["risk"]
    assert [f["code"] for f in toaster["flags"]] == ["unknown_value"]
    assert [f["code"] for f in far["flags"]] == ["beyond_training"]


def test_unknown_keys_and_fields_of_a_shops_own_are_welcome(http: httpx.Client) -> None:
    plain, more = ask(
        http, LOYAL, {**LOYAL, "shoe_size": 43, "own": {"points": 7, "club": True, "tier": "gold", "x": None}}
    )
    assert plain == more


def test_a_customer_list_has_a_limit(http: httpx.Client) -> None:
    assert len(ask(http, *[{}] * MAX_CUSTOMERS)) == MAX_CUSTOMERS
    error = http.post("/churn", json={"customers": [{}] * (MAX_CUSTOMERS + 1)}).json()["error"]
    assert (error["field"], error["rule"]) == ("customers", "too_long")
    assert ask(http) == []


BAD = {
    "empty": b"",
    "not JSON": b"customers=1",
    "no customers": b"{}",
    "a list": b"[]",
    "customers is an object": b'{"customers": {}}',
    "deep": b'{"customers":' + b"[" * 100_000,
}


@pytest.mark.parametrize("name", BAD)
def test_bad_bodies(http: httpx.Client, name: str) -> None:
    answer = http.post("/churn", content=BAD[name], headers=JSON)
    assert answer.status_code == 400, answer.text
    assert set(answer.json()["error"]) == {"field", "rule", "message"}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1" + "0" * 400, "-0.0001"])
def test_numbers_that_are_none(http: httpx.Client, number: str) -> None:
    body = f'{{"customers": [{{"tenure_months": {number}}}, {{"id": "fine"}}]}}'
    answer = http.post("/churn", content=body.encode(), headers=JSON)
    assert answer.status_code == 200, answer.text
    bad, fine = answer.json()
    assert bad["error"]["field"] == "customers[0].tenure_months"
    assert fine["customer_id"] == "fine"


def triage(http: httpx.Client, **ticket: object) -> Any:
    answer = http.post("/triage", json={"ticket": {"id": "t", "text": "请问发票怎么开", **ticket}})
    assert answer.status_code == 200, answer.text
    assert TriageOut.model_validate(answer.json()).model_dump() == answer.json()
    return answer.json()


def test_a_ticket_with_a_customer_has_a_risk_and_comes_earlier(http: httpx.Client) -> None:
    [entry] = ask(http, AT_RISK, language="zh")
    unknown, calm, risky = triage(http), triage(http, customer=LOYAL), triage(http, customer=AT_RISK)
    assert unknown["churn"] is None
    assert risky["churn"]["risk"] == entry["risk"]
    assert risky["churn"]["reasons"] == entry["reasons"] + entry["flags"]
    assert calm["priority"]["score"] < unknown["priority"]["score"] < risky["priority"]["score"]
    assert "churn" in {reason["code"] for reason in risky["priority"]["reasons"]}


def test_a_batch_says_the_same(http: httpx.Client) -> None:
    tickets = [{"id": str(i), "text": "发票", "customer": c} for i, c in enumerate((None, AT_RISK, LOYAL))]
    batch = http.post("/triage_batch", json={"tickets": tickets}).json()
    single = [http.post("/triage", json={"ticket": ticket}).json() for ticket in tickets]
    assert [(e["churn"], e["priority"]) for e in batch] == [(e["churn"], e["priority"]) for e in single]


def test_waiting_comes_first_in_the_end(http: httpx.Client) -> None:
    scores = [triage(http, waited_hours=h)["priority"]["score"] for h in (0, 4, 12, 25, 400)]
    assert scores == sorted(scores)
    assert len(set(scores)) == 5
    for wrong in (-1, 1e9, "2", True):
        error = http.post("/triage", json={"ticket": {"text": "a", "waited_hours": wrong}}).json()["error"]
        assert error["field"] == "ticket.waited_hours"


def test_customers_data_stays_out_of_the_log(http: httpx.Client, server_log: Any) -> None:
    http.post("/churn", json={"customers": [{"id": {"secret": "4111111111111111"}}]})
    http.post("/churn", content=json.dumps({"customers": "4111111111111111"}), headers=JSON)
    assert "4111111111111111" not in server_log.read_text()
