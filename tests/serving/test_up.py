"""Starting and stopping."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from features.errors import ConfigError
from serving.up import listen


def test_asyncio_will_see_that_it_is_tcp() -> None:
    with listen("127.0.0.1", 0) as taken:
        assert taken.proto == socket.IPPROTO_TCP


def test_an_answer_does_not_wait_for_an_acknowledgement(http: httpx.Client) -> None:
    assert min(http.get("/livez").elapsed.total_seconds() for _ in range(10)) < 0.02


def test_a_port_in_use(run_cli: Callable[..., Any]) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=str(port)):
            listen("127.0.0.1", port)
        done = run_cli("up", "--port", port)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
