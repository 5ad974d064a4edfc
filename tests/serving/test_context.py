"""Title, messages, product and channel over HTTP and in files: taken where right, refused by name where not."""

import json
from typing import Any

import httpx
import pytest

from features.errors import InputError
from features.schema import Message, Ticket
from serving.answers import read_ticket
from serving.bulk import read_lines
from serving.contract import MAX_MESSAGES, MAX_PHRASE_CHARS

SAID = [{"from": "customer", "text": "手机充不进电，想送修"}, {"from": "agent", "text": "请提供订单号"}]
FULL = {"id": "1", "text": "对", "title": "维修", "messages": SAID, "product": "手机", "channel": "app"}

BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"messages": "no"}, "ticket.messages", "type"),
    ({"messages": [{"from": "bot", "text": "x"}]}, "ticket.messages[0].from", "choice"),
    ({"messages": [{"text": "x"}]}, "ticket.messages[0].from", "missing"),
    ({"messages": [{"from": "agent"}]}, "ticket.messages[0].text", "missing"),
    ({"messages": [{"from": "agent", "text": 3}]}, "ticket.messages[0].text", "type"),
    ({"messages": [SAID[0]] * (MAX_MESSAGES + 1)}, "ticket.messages", "too_long"),
    ({"messages": [{"from": "agent", "text": "x" * 20_001}]}, "ticket.messages[0].text", "too_long"),
    ({"title": "x" * (MAX_PHRASE_CHARS + 1)}, "ticket.title", "too_long"),
    ({"product": ["x"]}, "ticket.product", "type"),
    ({"channel": 3}, "ticket.channel", "type"),
]


def test_a_full_ticket_is_read() -> None:
    messages = (Message("customer", SAID[0]["text"]), Message("agent", SAID[1]["text"]))
    assert read_ticket(FULL, "ticket") == Ticket("1", "对", None, None, "维修", messages, "手机", "app")


@pytest.mark.parametrize("nothing", [None, []])
def test_null_and_empty_are_as_left_out(nothing: Any) -> None:
    item = {"text": "对", "title": None, "messages": nothing, "product": None, "channel": None}
    assert read_ticket(item, "ticket") == Ticket("", "对")


@pytest.mark.parametrize(("more", "field", "rule"), BAD)
def test_what_is_wrong_is_named(more: dict[str, Any], field: str, rule: str) -> None:
    error = read_ticket({"text": "对", **more}, "ticket")
    assert isinstance(error, InputError)
    assert (error.field, error.rule) == (field, rule)
    assert field in error.as_dict("zh")["message"]
    assert field in error.as_dict("en")["message"]


def test_http_and_batch_read_the_dialogue(http: httpx.Client) -> None:
    one = http.post("/triage", json={"ticket": FULL}).json()
    assert one["category"]["key"] == "repair"
    both = http.post(
        "/triage_batch", json={"tickets": [FULL, {**FULL, "messages": [{"from": "x", "text": ""}]}]}
    ).json()
    assert both[0] == one
    assert both[1]["error"]["field"] == "tickets[1].messages[0].from"
    assert "satisfaction" not in http.post("/triage", json={"ticket": {"text": "对"}}).json()


def test_a_refused_message_is_told_in_the_callers_language(http: httpx.Client) -> None:
    body = {"ticket": {"text": "对", "messages": [{"from": "bot", "text": "x"}]}}
    zh = http.post("/triage", json=body, headers={"accept-language": "zh"})
    assert zh.status_code == 400
    assert zh.json()["error"]["field"] == "ticket.messages[0].from"
    assert "不在允许范围" in zh.json()["error"]["message"]


def test_a_line_of_a_file_is_a_full_ticket(tmp_path: Any) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps(FULL, ensure_ascii=False) + "\n", encoding="utf-8")
    with path.open("rb") as file:
        [(_, item)] = read_lines(file)
    assert isinstance(read_ticket(item, "line"), Ticket)
