"""The public contract, over HTTP against a real server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from serving.contract import TriageOut

TEXTS = ["手机屏幕碎了，能保修吗？", "Where is my parcel?", "", "充电时冒烟了！！", "手機進水無法開機 13800138000"]


def test_bentomls_client_works(server: str, bento_client: Callable[..., Any]) -> None:
    client = bento_client(server)
    answer = client.triage(ticket={"id": 7, "text": TEXTS[0]})
    entries = client.triage_batch(tickets=[{"text": text} for text in TEXTS])
    assert answer["ticket_id"] == "7"
    assert answer["release"]["name"] == "triage"
    assert len(entries) == len(TEXTS)


@pytest.mark.parametrize("text", TEXTS)
def test_answers_are_the_contract_and_nothing_else(http: httpx.Client, text: str) -> None:
    answer = http.post("/triage", json={"ticket": {"id": "a", "text": text}}).json()
    assert TriageOut.model_validate(answer).model_dump() == answer


def test_batch_equals_single(http: httpx.Client) -> None:
    tickets = [{"id": str(i), "text": text} for i, text in enumerate(TEXTS)]
    single = [http.post("/triage", json={"ticket": ticket}).json() for ticket in tickets]
    batch = http.post("/triage_batch", json={"tickets": tickets}).json()
    assert [entry["ticket_id"] for entry in batch] == ["0", "1", "2", "3", "4"]
    assert [entry["category"]["key"] for entry in batch] == [answer["category"]["key"] for answer in single]
    assert [entry["decision"] for entry in batch] == [answer["decision"] for answer in single]


def test_a_bad_ticket_costs_only_its_own_entry(http: httpx.Client) -> None:
    tickets = [{"text": "a"}, {"id": "q"}, 5, None, {"id": 9, "text": ["x"]}, {"id": ["no"]}, {"id": "z", "text": "b"}]
    answer = http.post("/triage_batch", json={"tickets": tickets}, headers={"Accept-Language": "zh-CN"})
    assert answer.status_code == 200
    entries = answer.json()
    assert [("error" in entry, entry["ticket_id"]) for entry in entries] == [
        (False, ""), (True, "q"), (True, ""), (True, ""), (True, "9"), (True, ""), (False, "z"),
    ]  # fmt: skip
    assert entries[1]["error"] == {"field": "tickets[1].text", "rule": "missing", "message": "缺少字段 tickets[1].text"}
    assert entries[2]["error"]["field"] == "tickets[2]"


def test_empty_batch_is_an_empty_list(http: httpx.Client) -> None:
    answer = http.post("/triage_batch", json={"tickets": []})
    assert (answer.status_code, answer.json()) == (200, [])


def test_unknown_keys_nulls_and_duplicates_are_welcome(http: httpx.Client) -> None:
    row = '{"ticket": {"text": "a", "text": "b", "id": null, "language": null, "colour": [1], "customer": null}}'
    answer = http.post("/triage", content=row, headers={"Content-Type": "application/json; charset=UTF-8"})
    assert (answer.status_code, answer.json()["ticket_id"]) == (200, "")


def test_a_customer_is_checked(http: httpx.Client) -> None:
    def ask(customer: object) -> httpx.Response:
        return http.post("/triage", json={"ticket": {"text": "a", "customer": customer}})

    assert ask({"id": 5, "tenure_months": 3, "orders": 2.0, "satisfaction": 4.5, "vip": True, "city": "x"}).is_success
    for field, value in [("orders", -1), ("orders", True), ("satisfaction", 6), ("vip", "yes"), ("tenure_months", 1e9)]:
        error = ask({field: value}).json()["error"]
        assert error["field"] == f"ticket.customer.{field}"
    assert ask("gold").json()["error"]["rule"] == "type"


def test_errors_speak_the_callers_language(http: httpx.Client) -> None:
    def message(language: str) -> str:
        told: str = http.post("/triage", json={"ticket": {}}, headers={"Accept-Language": language}).json()["error"][
            "message"
        ]
        return told

    assert message("zh-TW,zh;q=0.9,en;q=0.8") == "缺少字段 ticket.text"
    assert message("en-GB") == message("fr") == "ticket.text is missing"


def test_releases_tell_which_ones_answer(http: httpx.Client) -> None:
    talk = {"text": "还是没收到", "messages": [{"from": "customer", "text": "我的快递到哪了"}]}
    told = http.post("/triage", json={"ticket": talk}).json()
    triage, satisfaction = told["release"], told["satisfaction"]["release"]
    [churn] = [entry["release"] for entry in http.post("/churn", json={"customers": [{}]}).json()]
    listed = http.get("/releases").json()["releases"]
    answering = {(info["name"], info["version"]) for info in listed if info["answering"]}
    assert {(r["name"], r["version"]) for r in (triage, satisfaction, churn)} <= answering
    assert len({name for name, _ in answering}) == len(answering), "one a name"
    assert {"name", "version", "digest", "current", "answering", "metrics", "autonomy", "data"} == set(listed[0])


def test_health(http: httpx.Client) -> None:
    assert [http.get(path).status_code for path in ("/livez", "/readyz", "/metrics")] == [200, 200, 200]


def test_start_page_works_without_javascript_and_loads_nothing(http: httpx.Client) -> None:
    page = http.get("/desk", headers={"Accept-Language": "zh"})
    assert 'lang="zh-Hans"' in page.text
    assert "<script" not in page.text
    assert "http://" not in page.text + page.headers["content-security-policy"]
    tried = http.post("/try", data={"text": "</textarea><script>alert(1)</script> 屏幕碎了 \x00"})
    assert tried.status_code == 200
    assert "<script" not in tried.text
    assert "<dl>" in tried.text


def test_start_page_says_what_is_wrong(http: httpx.Client) -> None:
    assert http.post("/try", data={"text": "字" * 20_001}).status_code == 400
    assert http.post("/try", content=b"&a=b" * 50).status_code == 200
