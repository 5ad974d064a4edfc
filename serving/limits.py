"""Who may ask, and how many at once: ASGI middleware before the answering code, inside BentoML's instruments."""

from __future__ import annotations

import hmac
import ipaddress
import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from features.errors import ConfigError, InputError
from serving.body import Bounded, check_json_type, declared_bytes, read_body, repair_escapes, replay
from serving.problems import header, send_problem

__all__ = [
    "KEYS",
    "KEYS_FILE",
    "MAX_HELD_BYTES",
    "MAX_UPLOADS",
    "MAX_WAITING",
    "UPLOAD_HELD_BYTES",
    "Limits",
    "check_exposure",
    "read_keys",
]

KEYS: Final = "AFTERSIGHT_API_KEYS"
KEYS_FILE: Final = "AFTERSIGHT_API_KEYS_FILE"
# A shorter key can be guessed over the network.
MIN_KEY_CHARS: Final = 16
# One thread answers some hundreds of tickets a second: who would be number 129 had to wait about a quarter of one.
MAX_WAITING: Final = 128
# The bodies of all who wait, together: a server of 200 MB stays one of 300 MB under any load.
MAX_HELD_BYTES: Final = 64 * 2**20
# Photos lie on disk while they come and wait: sixteen times 48 MiB is the most that they take there.
MAX_UPLOADS: Final = 16
# Of one upload in memory; the rest is in its temporary file (`serving.uploads`).
UPLOAD_HELD_BYTES: Final = 2**20
_HEALTH: Final = frozenset({"/livez", "/readyz", "/healthz"})
# Still answered when all places are taken: that is when somebody looks.
_UNQUEUED: Final = _HEALTH | {"/metrics"}


def read_keys(environ: Mapping[str, str] = os.environ) -> tuple[bytes, ...]:
    """Give the SHA-256 of every configured API key; none means that the server is open.

    Parameters
    ----------
    environ : mapping
        ``AFTERSIGHT_API_KEYS`` (comma-separated) and ``AFTERSIGHT_API_KEYS_FILE`` (a file with one key a line).

    Raises
    ------
    ConfigError
        If keys were meant but there are none, or one is short: an open server would be the worst reading of that.
    """
    if KEYS not in environ and KEYS_FILE not in environ:
        return ()
    listed = environ.get(KEYS, "").split(",")
    if KEYS_FILE in environ:
        try:
            listed += Path(environ[KEYS_FILE]).read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError) as error:
            raise ConfigError(f"{KEYS_FILE} cannot be read: {error}") from error
    keys = [key.strip() for key in listed if key.strip()]
    if not keys:
        raise ConfigError(f"{KEYS} or {KEYS_FILE} is set, but holds no key")
    if any(len(key) < MIN_KEY_CHARS for key in keys):
        raise ConfigError(f"an API key has fewer than {MIN_KEY_CHARS} characters")
    return tuple(sha256(key.encode()).digest() for key in keys)


def check_exposure(host: str, keys: tuple[bytes, ...], *, open_to_all: bool = False) -> None:
    """Refuse to answer a whole network without a key: tickets are customers' words.

    Raises
    ------
    ConfigError
    """
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    if not (local or keys or open_to_all):
        raise ConfigError(f"{host} is open to others: set {KEYS} or {KEYS_FILE}, or say --open-to-all")


def _offered(scope: Scope) -> str:
    scheme, _, token = header(scope, b"authorization").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else header(scope, b"x-api-key")


class Limits:
    """ASGI middleware: API key, content type, size and number.

    Parameters
    ----------
    app : ASGIApp
    json_paths : frozenset of str
        The routes that take JSON and nothing else.
    upload_paths : frozenset of str
        The routes that take photos: their body is passed on as it comes, and counted on the way.
    """

    def __init__(self, app: ASGIApp, json_paths: frozenset[str], upload_paths: frozenset[str] = frozenset()) -> None:
        self.app, self.json_paths, self.upload_paths = app, json_paths, upload_paths
        self.keys = read_keys()
        self.waiting = self.held = self.uploads = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http" or scope["path"] in _HEALTH:
            return await self.app(scope, receive, send)
        upload = scope["path"] in self.upload_paths and scope["method"] == "POST"
        need = UPLOAD_HELD_BYTES if upload else declared_bytes(scope)
        try:
            self._admit(scope, need, upload)
        except InputError as error:
            return await send_problem(error, scope, send)
        self.waiting += 1
        self.held += need
        self.uploads += upload
        try:
            bounded = Bounded(scope, receive, upload=upload)
            await (self.app(scope, bounded, send) if upload else self._answer(scope, bounded, send))
        finally:
            self.waiting -= 1
            self.held -= need
            self.uploads -= upload
        return None

    def _admit(self, scope: Scope, need: int, upload: bool) -> None:
        # Compared as digests, in constant time, and with every key: the time tells neither how much of a guess was
        # right nor which key it came near to.
        offered = sha256(_offered(scope).encode("latin-1")).digest()
        if self.keys and not sum(hmac.compare_digest(offered, key) for key in self.keys):
            raise InputError("Authorization", "api_key")
        if scope["path"] in self.json_paths and scope["method"] == "POST":
            check_json_type(scope)
        full = self.waiting >= MAX_WAITING or self.held + need > MAX_HELD_BYTES
        full = full or (upload and self.uploads >= MAX_UPLOADS)
        if full and scope["path"] not in _UNQUEUED:
            raise InputError("", "busy")

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await read_body(receive)
        except InputError as error:
            return await send_problem(error, scope, send)
        except ClientDisconnect:
            return None
        if scope["path"] in self.json_paths:
            body = repair_escapes(body)
        return await self.app(scope, replay(body, receive), send)
