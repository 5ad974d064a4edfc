"""The one place that maps errors to HTTP: a status, and ``{"error": {"field", "rule", "message"}}``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError
from starlette.types import Receive, Scope, Send

from features.errors import InputError

__all__ = ["Refused", "from_details", "from_validation", "header", "send_problem", "spoken", "status_of"]

_STATUS: Final = {
    "api_key": 401,
    "not_found": 404,
    "method": 405,
    "body_too_large": 413,
    "internal": 500,
    "busy": 503,
    "no_model": 503,
}
_HEADERS: Final[Mapping[str, Mapping[str, str]]] = {
    # A full queue empties within a second; a client that came back at once would only fill it again.
    "busy": {"retry-after": "1"},
    "api_key": {"www-authenticate": "Bearer"},
}
_TYPES: Final = {
    "string_type": "string",
    "bool_type": "boolean",
    "int_type": "integer",
    "int_from_float": "integer",
    "float_type": "number",
    "list_type": "list",
    "dict_type": "object",
    "model_type": "object",
    "model_attributes_type": "object",
}
_RANGES: Final = {"greater_than_equal": "≥", "less_than_equal": "≤"}


def status_of(error: InputError) -> int:
    """Tell the HTTP status of an error: 400, unless its rule has its own."""
    return 415 if error.field == "Content-Type" else _STATUS.get(error.rule, 400)


def spoken(accept_language: str) -> str:
    """Tell the language to answer in: ``zh`` if the header ranks it above English, else ``en``.

    Examples
    --------
    >>> spoken("zh-CN,zh;q=0.9,en;q=0.8"), spoken("de, en;q=0.5, zh;q=0.4"), spoken("")
    ('zh', 'en', 'en')
    """
    ranked = []
    for part in accept_language[:200].lower().split(","):
        tag, _, weight = part.strip().partition(";q=")
        if tag[:2] in ("zh", "en"):
            ranked.append((float(weight) if re.fullmatch(r"[01](\.\d{1,3})?", weight) else 1.0, tag[:2]))
    return max(ranked, key=lambda pair: pair[0])[1] if ranked else "en"


def _path(loc: Iterable[object], root: str) -> str:
    path = root
    for part in loc:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path or "body"


def from_details(details: Sequence[Mapping[str, Any]], root: str = "") -> InputError:
    """Say the first complaint of a pydantic error as ours.

    Parameters
    ----------
    details : sequence of mapping
        Of each complaint ``type``, ``loc`` and ``msg``: all that a framework's answer leaves of it.
    root : str
        The path of what was checked, such as ``tickets[3]``.

    Examples
    --------
    >>> print(from_details([{"type": "missing", "loc": ("ticket", "text"), "msg": "Field required"}]))
    ticket.text is missing
    """
    first = details[0] if details else {}
    kind, message = str(first.get("type")), str(first.get("msg"))
    field, number = _path(first.get("loc", ()), root), re.search(r"-?\d[\d.]*", message)
    if kind == "json_invalid":
        return InputError("body", "not_json")
    if kind == "missing":
        return InputError(field, "missing")
    if kind in _TYPES:
        return InputError(field, "type", expected=_TYPES[kind])
    if kind == "literal_error":
        return InputError(field, "choice", expected=message.removeprefix("Input should be "))
    if kind in ("string_too_long", "too_long") and number:
        return InputError(field, "too_long", limit=number[0])
    if kind in _RANGES and number:
        return InputError(field, "range", expected=f"{_RANGES[kind]} {number[0]}")
    return InputError(field, "invalid", expected=message)


def from_validation(error: ValidationError, root: str = "") -> InputError:
    """Say a pydantic error as ours; what the caller sent is not repeated in it."""
    return from_details(error.errors(include_url=False, include_context=False, include_input=False), root)


def header(message: Mapping[str, Any], name: bytes) -> str:
    """Give the first value of a header, of a request's scope or an answer's start; or an empty string."""
    return next((v.decode("latin-1") for k, v in message["headers"] if k == name), "")


async def send_problem(error: InputError, scope: Scope, send: Send, allow: str = "") -> None:
    """Answer a request with an error, in the caller's language.

    Parameters
    ----------
    error : InputError
    scope : Scope
        The request's: its headers tell the language.
    send : Send
    allow : str
        The methods that a 405 has to name.
    """
    told = {"error": error.as_dict(spoken(header(scope, b"accept-language")))}
    body = json.dumps(told, ensure_ascii=False).encode("utf-8", "replace")
    headers = {"content-type": "application/json", "content-length": str(len(body)), "vary": "accept-language"}
    if allow:
        headers["allow"] = allow
    raw = [(k.encode(), v.encode()) for k, v in {**headers, **_HEADERS.get(error.rule, {})}.items()]
    await send({"type": "http.response.start", "status": status_of(error), "headers": raw})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


class Refused:
    """An error as an ASGI response, for the mounted application.

    Parameters
    ----------
    error : InputError
    """

    def __init__(self, error: InputError) -> None:
        self.error = error

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer."""
        await send_problem(self.error, scope, send)
