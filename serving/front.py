"""What stands before everything else, BentoML's own instruments included.

One path for all that is not there, one shape for every error, and no caller's words in the log: BentoML, FastAPI and
Starlette each answer a bad request in a shape of their own, and BentoML logs it with its input.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from typing import Any, Final

from bentoml.exceptions import BentoMLException
from pydantic import ValidationError
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from features.errors import InputError
from features.text import repair
from serving.problems import from_details, header, send_problem

__all__ = ["NOWHERE", "KnownPaths", "Problems", "literal_paths", "quieten"]

_log: Final = logging.getLogger("serving")
# The one label that all unknown paths share in /metrics.
NOWHERE: Final = "/-"
# An error names the path it is about; more of it would let a caller choose the size of our answer.
MAX_PATH_CHARS: Final = 200
# A framework's own error is read into memory to be rewritten; the largest known has some 200 kB (a list of complaints).
MAX_ERROR_BYTES: Final = 2**20


def literal_paths(routes: Sequence[BaseRoute]) -> Iterator[str]:
    """Give every path that is served: routes without parameters, those of mounted applications too."""
    for route in routes:
        if isinstance(route, Mount):
            yield from (route.path + path for path in literal_paths(route.routes))
        elif isinstance(route, Route) and "{" not in route.path:
            yield route.path


class KnownPaths:
    """ASGI middleware: an unknown path becomes `NOWHERE`, and so 404.

    BentoML makes every raw path a label of its metrics, which never goes away again: two hundred thousand random
    paths would be two hundred thousand time series in memory.

    Parameters
    ----------
    app : ASGIApp
    paths : frozenset of str
    """

    def __init__(self, app: ASGIApp, paths: frozenset[str]) -> None:
        self.app, self.paths = app, paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "lifespan" and scope["path"] not in self.paths:
            scope = {**scope, "path": NOWHERE, "raw_path": NOWHERE.encode(), "aftersight.path": scope["path"]}
        await self.app(scope, receive, send)


def _translated(status: int, body: bytes, scope: Scope) -> InputError | None:
    """Read an error in a framework's shape; None if it is already in ours."""
    try:
        told = json.loads(body)
    except ValueError:
        told = None
    error, details = (told.get("error"), told.get("detail")) if isinstance(told, dict) else (None, None)
    if isinstance(error, dict) and "rule" in error:
        return None
    path = repair(scope.get("aftersight.path", scope["path"]))[:MAX_PATH_CHARS]
    if status in (404, 405):
        return InputError(path, "not_found") if status == 404 else InputError(f"{scope['method']} {path}", "method")
    if status in (429, 503, 504):
        return InputError("", "busy")
    if status >= 500:
        return InputError("", "internal")
    return from_details(details if isinstance(details, list) else [{"msg": "refused"}])


class Problems:
    """ASGI middleware: every error in the one shape, and an answer even if the application breaks.

    Parameters
    ----------
    app : ASGIApp
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer back."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        answer = _Answer(scope, send)
        try:
            await self.app(scope, receive, answer)
        except Exception:
            _log.exception("%s failed", scope["path"])
            if answer.started:  # half an answer is out: only a broken connection still says so
                raise
            await send_problem(InputError("", "internal"), scope, send)
        return None


class _Answer:
    """A `Send` that holds an error back until it is whole, and rewrites it."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.scope, self.send = scope, send
        self.started = False
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] >= 400 and not _is_page(message):
            self._start = message
            return None
        if self._start is None:
            self.started = True
            return await self.send(message)
        if len(self._body) < MAX_ERROR_BYTES:
            self._body += message.get("body", b"")
        if not message.get("more_body"):
            await self._finish(self._start)
        return None

    async def _finish(self, start: Message) -> None:
        self.started = True
        error = _translated(start["status"], self._body, self.scope)
        if error:
            # The rest of a framework's headers speaks of the body that is gone.
            return await send_problem(error, self.scope, self.send, header(start, b"allow"))
        await self.send(start)
        return await self.send({"type": "http.response.body", "body": self._body})


def _is_page(message: Message) -> bool:
    """Tell an error that is written for a person in a browser."""
    return header(message, b"content-type").startswith("text/html")


def _is_callers_fault(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return isinstance(error, ValidationError) or (isinstance(error, BentoMLException) and error.error_code < 500)


def quieten(logger: str = "bentoml._internal.server.http_app") -> None:
    """Keep what callers send out of the log: BentoML writes a stack trace, input included, for each bad request."""
    quiet: Any = lambda record: not _is_callers_fault(record)  # noqa: E731 (a filter is any callable)
    logging.getLogger(logger).addFilter(quiet)
