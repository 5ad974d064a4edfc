"""Keys, places in the queue, and who may listen where."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse

from features.errors import ConfigError
from serving.limits import KEYS, KEYS_FILE, MAX_WAITING, Limits, check_exposure, read_keys

KEY = "a-key-for-tests-only-0123456789"
TICKET = {"ticket": {"text": "hello"}}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": f"Bearer {KEY}"}, 200),
        ({"Authorization": f"bearer second-{KEY}"}, 200),
        ({"X-API-Key": KEY}, 200),
        ({"X-API-Key": KEY[:-1]}, 401),
        ({"X-API-Key": ""}, 401),
        ({"Authorization": "Bearer"}, 401),
        ({"Authorization": f"Basic {KEY}"}, 401),
        ({"X-API-Key": "\xff" * 40}, 401),
    ],
)
def test_keys(keyed_server: str, headers: dict[str, str], status: int) -> None:
    raw = [(k.encode(), v.encode("latin-1")) for k, v in headers.items()]
    answer = httpx.post(f"{keyed_server}/triage", json=TICKET, headers=raw)
    assert answer.status_code == status
    if status == 401:
        assert answer.json()["error"]["rule"] == "api_key"
        assert answer.headers["www-authenticate"] == "Bearer"


def test_everything_but_health_wants_the_key(keyed_server: str) -> None:
    paths = {"/": 401, "/releases": 401, "/docs.json": 401, "/metrics": 401, "/x": 401, "/livez": 200, "/readyz": 200}
    assert {path: httpx.get(keyed_server + path).status_code for path in paths} == paths


def test_bentomls_client_brings_the_key(keyed_server: str, bento_client: Callable[..., Any]) -> None:
    assert bento_client(keyed_server, token=KEY).triage(ticket={"text": "a"})["ticket_id"] == ""


def test_read_keys(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{KEY}\n\n other-{KEY} \n")
    assert read_keys({}) == ()
    assert len(read_keys({KEYS: f"{KEY},", KEYS_FILE: str(file)})) == 3


@pytest.mark.parametrize("environ", [{KEYS: ""}, {KEYS: " , "}, {KEYS: "short"}, {KEYS_FILE: "/nowhere/at/all"}])
def test_keys_that_were_meant_but_are_not_there(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        read_keys(environ)


@pytest.mark.parametrize(
    ("host", "fine"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("::", False), ("10.1.1.5", False),
     ("shop.example", False)],
)  # fmt: skip
def test_who_may_listen_without_a_key(host: str, fine: bool) -> None:
    check_exposure(host, (b"key",))
    check_exposure(host, (), open_to_all=True)
    if fine:
        check_exposure(host, ())
    else:
        with pytest.raises(ConfigError):
            check_exposure(host, ())


def test_a_full_queue_says_so_at_once_and_health_still_answers() -> None:
    async def ask() -> tuple[list[int], int, str, int]:
        door = asyncio.Event()

        async def slow(scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] == "/slow":
                await door.wait()
            await PlainTextResponse("done")(scope, receive, send)

        limits = Limits(slow, frozenset())
        async with httpx.AsyncClient(transport=httpx.ASGITransport(limits), base_url="http://x") as client:
            waiting = [asyncio.create_task(client.get("/slow")) for _ in range(MAX_WAITING)]
            await asyncio.sleep(0.1)
            refused = await client.get("/slow")
            health = [(await client.get(path)).status_code for path in ("/livez", "/readyz", "/metrics")]
            door.set()
            answers = await asyncio.gather(*waiting)
            later = (await client.get("/slow")).status_code
        assert health == [200, 200, 200]
        assert limits.waiting == limits.held == 0
        return [a.status_code for a in answers], refused.status_code, refused.headers["retry-after"], later

    assert asyncio.run(ask()) == ([200] * MAX_WAITING, 503, "1", 200)


def test_a_body_that_never_ends_gives_its_place_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.body.BODY_SECONDS", 0.05)
    limits = Limits(PlainTextResponse("done"), frozenset())
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/slow", "headers": []}
    asyncio.run(limits(scope, receive, send))
    assert sent[0]["status"] == 400
    assert limits.waiting == limits.held == 0


def test_who_hangs_up_gets_no_answer() -> None:
    limits = Limits(PlainTextResponse("done"), frozenset())

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        raise AssertionError(message)

    asyncio.run(limits({"type": "http", "method": "POST", "path": "/x", "headers": []}, receive, send))
    assert limits.waiting == limits.held == 0
