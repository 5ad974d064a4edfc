"""Bodies and paths from somebody who means no good, or whose program is broken: a clear 4xx, and never a 5xx."""

from __future__ import annotations

import json
import pickle
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.body import repair_escapes
from serving.contract import MAX_BATCH

JSON = {"Content-Type": "application/json"}


def ticket(text: str) -> bytes:
    return b'{"ticket": {"id": "i", "text": "' + text.encode() + b'"}}'


BAD = {
    "empty": (b"", "ticket", "missing"),
    "not JSON": (b"text=hello", "body", "not_json"),
    "cut off": (b'{"ticket": {"text": "a"', "body", "not_json"),
    "two values": (b"{} {}", "body", "not_json"),
    "a list": (b"[]", "body", "type"),
    "a string": (b'"ticket"', "body", "type"),
    "null": (b"null", "body", "type"),
    "a number": (b"1" * 4000, "body", "type"),
    "deep list": (b"[" * 100_000, "body", "not_json"),
    "deep object": (b'{"ticket":' * 50_000, "body", "not_json"),
    "deep in an unknown key": (b'{"ticket":{"text":"a"},"x":' + b"[" * 5000 + b"]" * 5000 + b"}", "body", "not_json"),
    "bare NaN": (b"NaN", "body", "type"),
    "NaN where a number belongs": (b'{"ticket":{"text":"a","customer":{"tenure_months":NaN}}}', None, "invalid"),
    "infinite orders": (b'{"ticket":{"text":"a","customer":{"orders":Infinity}}}', "ticket.customer.orders", None),
    "huge number": (
        b'{"ticket":{"text":"a","customer":{"orders":1' + b"0" * 400 + b"}}}",
        "ticket.customer.orders",
        None,
    ),
    "huge identifier": (b'{"ticket":{"text":"a","id":1' + b"0" * 4000 + b"}}", "ticket.id", "too_long"),
    "a number that no parser takes": (b'{"ticket":{"text":"a","id":1' + b"0" * 9000 + b"}}", "body", "not_json"),
    "invalid UTF-8": (b'{"ticket":{"text":"\xff\xfe"}}', "body", "not_json"),
    "UTF-16": ('{"ticket":{"text":"a"}}'.encode("utf-16"), "body", "not_json"),
    "raw NUL": (b'{"ticket":{"text":"\x00"}}', "body", "not_json"),
    "gzip": (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "body", "not_json"),
    "no ticket": (b'{"tickets": []}', "ticket", "missing"),
    "no text": (b'{"ticket": {"id": "1"}}', "ticket.text", "missing"),
    "text is null": (b'{"ticket": {"text": null}}', "ticket.text", "type"),
    "text is a list": (b'{"ticket": {"text": ["a"]}}', "ticket.text", "type"),
    "text too long": (ticket("x" * 20_001), "ticket.text", "too_long"),
    "identifier is an object": (b'{"ticket": {"text": "a", "id": {}}}', "ticket.id", "type"),
    "language is a number": (b'{"ticket": {"text": "a", "language": 1}}', "ticket.language", "type"),
    "4 MiB and a little": (ticket("x" * 4 * 2**20), "body", "body_too_large"),
    "10 MB": (b"x" * 10_000_000, "body", "body_too_large"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_bodies(http: httpx.Client, name: str) -> None:
    body, field, rule = BAD[name]
    answer = http.post("/triage", content=body, headers=JSON)
    assert answer.status_code == (413 if rule == "body_too_large" else 400), answer.text
    error = answer.json()["error"]
    assert set(error) == {"field", "rule", "message"}
    assert field in (None, error["field"]), error
    assert rule in (None, error["rule"]), error


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "image/png",
     "application/vnd.bentoml+pickle", "application/json; charset=gbk", "application/jsonp", "\xff"],
)  # fmt: skip
def test_only_json_is_json(http: httpx.Client, content_type: str) -> None:
    body = pickle.dumps({"ticket": {"text": "a"}})
    headers = {"Content-Type": content_type.encode("latin-1")} if content_type else {}
    answer = http.post("/triage", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["field"]) == (415, "Content-Type")


def test_a_body_without_a_length_is_counted(http: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield b"x" * 100_000

    assert http.post("/triage", content=endless(), headers=JSON).status_code == 413
    small = http.post("/triage", content=iter([ticket("in "), b""]), headers=JSON)
    assert small.status_code == 200


def test_whoever_asks_first_need_not_send(server: str) -> None:
    address = urlsplit(server)
    with socket.create_connection((str(address.hostname), address.port or 0), timeout=5) as connection:
        connection.sendall(
            b"POST /triage HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n"
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


FINE = {
    "escaped NUL": r"a\u0000b",
    "lone high surrogate": r"half \ud83d of it",
    "lone low surrogate": r"\uDE00",
    "surrogates the wrong way round": r"\ude00\ud83d",
    "a whole pair": r"\ud83d\ude00",
    "an escaped backslash": r"\\ud83d",
    "5,000 characters": "屏" * 5000,
    "20,000 characters": "x" * 20_000,
    "direction marks": "\u202e\u2066\ufeff",
    "noncharacters": "\ufffe\uffff\U0010ffff",
    "only spaces": " " * 5000,
    "empty": "",
}


@pytest.mark.parametrize("name", FINE)
def test_odd_texts_are_answered(http: httpx.Client, name: str) -> None:
    single = http.post("/triage", content=ticket(FINE[name]), headers=JSON)
    assert single.status_code == 200, single.text
    as_id = b'{"tickets": [{"text": "a", "id": "' + FINE[name][:100].encode() + b'"}]}'
    assert http.post("/triage_batch", content=as_id, headers=JSON).status_code == 200


def test_a_batch_has_a_limit(http: httpx.Client) -> None:
    error = http.post("/triage_batch", json={"tickets": [{}] * (MAX_BATCH + 1)}).json()["error"]
    assert (error["field"], error["rule"]) == ("tickets", "too_long")
    assert http.post("/triage_batch", json={"tickets": "abc"}).status_code == 400
    assert http.post("/triage_batch", json={"tickets": [{}] * MAX_BATCH}).status_code == 200


@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "BREW"])
def test_wrong_methods(http: httpx.Client, verb: str) -> None:
    answer = http.request(verb, "/triage")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert verb == "HEAD" or answer.json()["error"]["rule"] == "method"


def test_unknown_paths_leave_no_trace_in_the_metrics(http: httpx.Client) -> None:
    odd = ["/%ff%fe", "/" + "a" * 5000, "/triage/", "/triage/submit", "/%2ftriage", "/../etc/passwd",
           "/static_content/index.css", "/schema.json/x", "/%0d%0aSet-Cookie:x", "/-/", "/%ed%a0%bd"]  # fmt: skip
    for path in [*odd, *(f"/random-{i}/{i * 7919}" for i in range(200))]:
        answer = http.get(path)
        assert (answer.status_code, answer.json()["error"]["rule"]) == (404, "not_found"), path
        assert len(answer.text) < 1000
    labels = set(re.findall(r'endpoint="([^"]*)"', http.get("/metrics").text))
    known = "/ /- /churn /desk /diagnose /docs.json /healthz /livez /photo /photo/human /photo/wrong /readyz /releases"
    known += " /schema.json /static/icon.svg /static/page.css /static/page.js /triage /triage_batch /try"
    assert labels <= set(known.split())


def test_a_websocket_is_no_way_around(http: httpx.Client) -> None:
    key = {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "eA=="}
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", **key}
    assert http.get("/ws-random", headers=upgrade).status_code == 404
    assert "ws-random" not in http.get("/metrics").text


def test_customers_words_stay_out_of_the_log(http: httpx.Client, server_log: Path) -> None:
    http.post("/triage", json={"ticket": {"text": ["my-card-is-4111111111111111"], "id": {"secret": 1}}})
    http.post("/triage", content=b'{"ticket": "4111111111111111', headers=JSON)
    assert "4111111111111111" not in server_log.read_text()
    assert "Traceback" not in server_log.read_text()


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from('\\ud8dDcC3ea9fF"x'), max_size=30))
def test_repaired_escapes_are_the_slow_twins(text: str) -> None:
    """Against Python's own parser, that takes half a pair: after the repair no half is left, and all else is equal."""
    body = f'"{text}"'
    try:
        plain = json.loads(body)
    except ValueError:
        return
    repaired = json.loads(repair_escapes(body.encode()))
    assert repaired == plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
