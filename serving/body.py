"""Reads a request's body, as much of it as we take and no more."""

from __future__ import annotations

import asyncio
import re
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope

from features.errors import InputError
from serving.contract import MAX_BODY_BYTES
from serving.problems import header

__all__ = ["check_json_type", "declared_bytes", "read_body", "repair_escapes", "replay"]

# A body that takes longer keeps others out of the queue; 4 MiB in 30 s is a slow telephone line.
BODY_SECONDS: Final = 30.0
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


def declared_bytes(scope: Scope) -> int:
    """Tell how much memory a body may need: its declared length, or the limit if it declares none."""
    length = header(scope, b"content-length")
    if scope["method"] in ("GET", "HEAD") and not length and not header(scope, b"transfer-encoding"):
        return 0
    return min(int(length), MAX_BODY_BYTES) if re.fullmatch(r"\d{1,18}", length) else MAX_BODY_BYTES


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """Read a body, counting what really arrives: a declared length is only a promise.

    Raises
    ------
    InputError
        If it is larger than `MAX_BODY_BYTES` or takes longer than `BODY_SECONDS`.
    ClientDisconnect
        If the caller is gone.
    """
    if header(scope, b"expect") and int(header(scope, b"content-length") or 0) > MAX_BODY_BYTES:
        raise InputError("body", "body_too_large", limit=MAX_BODY_BYTES)  # it asked first, and sends nothing now
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read(receive)
    except TimeoutError:
        raise InputError("body", "invalid", expected=f"did not arrive within {BODY_SECONDS:.0f} s") from None


async def _read(receive: Receive) -> bytes:
    chunks, size, more = [], 0, True
    while more and size <= MAX_BODY_BYTES + DRAIN_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk, more = message.get("body", b""), message.get("more_body", False)
        size += len(chunk)
        if size <= MAX_BODY_BYTES:
            chunks.append(chunk)
    if size > MAX_BODY_BYTES:
        raise InputError("body", "body_too_large", limit=MAX_BODY_BYTES)
    return b"".join(chunks)


def replay(body: bytes, receive: Receive) -> Receive:
    """Give a `Receive` that hands out a body that was read already, and then what comes after it."""
    message: Message | None = {"type": "http.request", "body": body, "more_body": False}

    async def replayed() -> Message:
        nonlocal message
        first, message = message, None
        return first or await receive()

    return replayed
