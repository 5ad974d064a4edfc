"""What stands in front: one path for what is not there, one shape for every error."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from serving.front import Problems, quieten


def ask(answer: Response | Exception) -> httpx.Response:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if isinstance(answer, Exception):
            raise answer
        await answer(scope, receive, send)

    async def get() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(Problems(app)), base_url="http://x") as client:
            return await client.get("/path", headers={"Accept-Language": "zh"})

    return asyncio.run(get())


@pytest.mark.parametrize(
    ("answer", "status", "rule"),
    [
        (PlainTextResponse("Not Found", 404), 404, "not_found"),
        (JSONResponse([{"error": "odd"}], 400), 400, "invalid"),
        (JSONResponse({"detail": [{"loc": ["a", 2, "b"], "type": "missing", "msg": "x"}]}, 422), 400, "missing"),
        (JSONResponse({"error": "Not able to process the request in 60 seconds"}, 504), 503, "busy"),
        (JSONResponse({"error": {"field": "f", "rule": "choice", "message": "m"}}, 400), 400, "choice"),
        (PlainTextResponse("secret stack trace", 500), 500, "internal"),
        (RuntimeError("secret"), 500, "internal"),
    ],
)
def test_every_error_has_the_one_shape(answer: Any, status: int, rule: str) -> None:
    told = ask(answer)
    assert (told.status_code, told.json()["error"]["rule"]) == (status, rule)
    assert "secret" not in told.text
    assert int(told.headers["content-length"]) == len(told.content)


def test_the_rest_passes_as_it_is() -> None:
    assert ask(PlainTextResponse("fine", 200)).text == "fine"
    assert ask(HTMLResponse("<p>a page for a person", 400)).text == "<p>a page for a person"


def test_the_log_keeps_our_faults_and_drops_the_callers(caplog: pytest.LogCaptureFixture) -> None:
    quieten("serving.test")
    log = logging.getLogger("serving.test")
    for value, error in (("4111111111111111x", ValueError), ({}, KeyError)):
        try:
            TypeAdapter(int).validate_python(value) if error is ValueError else value["ours"]  # type: ignore[index]
        except error:
            log.exception("failed")
    assert "ours" in caplog.text
    assert "4111111111111111" not in caplog.text
