"""Reads a request's body, as much of it as we take and no more."""

from __future__ import annotations

import asyncio
import re
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope

from features.errors import InputError
from serving.contract import MAX_BODY_BYTES
from serving.photo_contract import MAX_UPLOAD_BYTES
from serving.problems import header

__all__ = ["UPLOAD_SECONDS", "Bounded", "check_json_type", "declared_bytes", "read_body", "repair_escapes", "replay"]

# A body that takes longer keeps others out of the queue; 4 MiB in 30 s is a slow telephone line.
BODY_SECONDS: Final = 30.0
# Photos come from where the parcel was opened: 48 MiB in two minutes is 3 Mbit/s, one photo takes seconds anywhere.
UPLOAD_SECONDS: Final = 120.0
# A client that is still sending reads no answer: this much more of a body is read and dropped before it is refused.
DRAIN_BYTES: Final = 32 * 2**20
_JSON_TYPE: Final = re.compile(r"application/(?:[\w.+-]+\+)?json\s*(?:;\s*charset=\"?utf-?8\"?\s*)?", re.IGNORECASE)
_LONE: Final = rb"u[dD][89a-fA-F][\da-fA-F]{2}"
_PAIR: Final = rb"u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}"
_ESCAPE: Final = re.compile(rb"\\(?:" + _PAIR + rb"|(" + _LONE + rb")|.)", re.DOTALL)


def repair_escapes(body: bytes) -> bytes:
    r"""Replace half an emoji in JSON (``\ud83d`` without its partner) by U+FFFD, as parsers refuse it.

    Examples
    --------
    >>> print(repair_escapes(rb"\ud83d \ud83d\ude00 \\ud83d").decode())
    \ufffd \ud83d\ude00 \\ud83d
    """
    if rb"\ud" not in body and rb"\uD" not in body:
        return body
    return _ESCAPE.sub(lambda match: rb"\ufffd" if match[1] else match[0], body)


def check_json_type(scope: Scope) -> None:
    """Refuse what is not declared as JSON.

    A page elsewhere can make its visitor's browser send a form or plain text to a server on the visitor's machine, but
    not this type. And BentoML would take forms (and, between its own processes, pickles).

    Raises
    ------
    InputError
    """
    if not _JSON_TYPE.fullmatch(header(scope, b"content-type")):
        raise InputError("Content-Type", "choice", expected="application/json")


def _declared(scope: Scope) -> int | None:
    length = header(scope, b"content-length")
    return int(length) if re.fullmatch(r"\d{1,18}", length) else None


def declared_bytes(scope: Scope) -> int:
    """Tell how much memory a body may need: its declared length, or the limit if it declares none."""
    if scope["method"] in ("GET", "HEAD") and not header(scope, b"content-length"):
        return MAX_BODY_BYTES if header(scope, b"transfer-encoding") else 0
    declared = _declared(scope)
    return MAX_BODY_BYTES if declared is None else min(declared, MAX_BODY_BYTES)


class Bounded:
    """A `Receive` that counts what really arrives: a declared length is only a promise.

    Parameters
    ----------
    scope : Scope
    receive : Receive
    upload : bool
        Photos: more bytes, more time.

    Raises
    ------
    InputError
        When called: the body is larger than its limit, or takes longer than its time.
    """

    def __init__(self, scope: Scope, receive: Receive, *, upload: bool = False) -> None:
        self._scope, self._receive = scope, receive
        self._limit = MAX_UPLOAD_BYTES if upload else MAX_BODY_BYTES
        self._seconds = UPLOAD_SECONDS if upload else BODY_SECONDS
        self._until = asyncio.get_running_loop().time() + self._seconds
        self._size, self._more = 0, True

    async def __call__(self) -> Message:
        """Receive a message."""
        if not self._more:  # the body is whole; what comes now is that the caller hangs up
            return await self._receive()
        if not self._size and header(self._scope, b"expect") and (_declared(self._scope) or 0) > self._limit:
            raise InputError("body", "body_too_large", limit=self._limit)  # it asked first, and sends nothing now
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._counted()
                while self._size > self._limit and self._more and self._size <= self._limit + DRAIN_BYTES:
                    await self._counted()
        except TimeoutError:
            told = f"did not arrive within {self._seconds:.0f} s"
            raise InputError("body", "invalid", expected=told) from None
        if self._size > self._limit:
            raise InputError("body", "body_too_large", limit=self._limit)
        return message

    async def _counted(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        self._more = bool(message.get("more_body", False)) and message["type"] == "http.request"
        return message


async def read_body(receive: Receive) -> bytes:
    """Read a whole body.

    Raises
    ------
    InputError
        From a `Bounded` one.
    ClientDisconnect
        If the caller is gone.
    """
    chunks, more = [], True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(chunks)


def replay(body: bytes, receive: Receive) -> Receive:
    """Give a `Receive` that hands out a body that was read already, and then what comes after it."""
    message: Message | None = {"type": "http.request", "body": body, "more_body": False}

    async def replayed() -> Message:
        nonlocal message
        first, message = message, None
        return first or await receive()

    return replayed
