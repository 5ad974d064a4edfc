"""Servers that tests talk to: real processes on free ports."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import bentoml
import httpx
import pytest

ROOT = Path(__file__).parents[1]
KEY = "a-key-for-tests-only-0123456789"


@contextmanager
def running(log: Path, **environ: str) -> Iterator[str]:
    """Run a server; it must stop cleanly, and say nothing that the log should not hold."""
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "serving", "up", "--port", "0"],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1", **environ},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            assert "http" in said, log.read_text()
            yield next(word for word in said.split() if word.startswith("http")).rstrip("/")
        finally:
            process.terminate()
            code = process.wait(20)
            process.stdout.close()
    assert code == 0, log.read_text()


@pytest.fixture(scope="session")
def server_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server") / "stderr.log"


@pytest.fixture(scope="session")
def server(server_log: Path) -> Iterator[str]:
    """The address of an open server."""
    with running(server_log) as url:
        yield url


@pytest.fixture(scope="session")
def keyed_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that wants `KEY`, or the second of its keys."""
    log = tmp_path_factory.mktemp("keyed") / "stderr.log"
    with running(log, AFTERSIGHT_API_KEYS=f"{KEY}, second-{KEY}") as url:
        yield url


@pytest.fixture(scope="session")
def http(server: str) -> Iterator[httpx.Client]:
    """A client of the open server."""
    with httpx.Client(base_url=server, timeout=30) as client:
        yield client


@pytest.fixture
def bento_client() -> Iterator[Callable[..., Any]]:
    """Make clients of BentoML's, which leave a temporary folder behind for the collector to complain about."""
    with ExitStack() as stack:

        def make(url: str, **options: Any) -> Any:
            client = stack.enter_context(bentoml.SyncHTTPClient(url, **options))
            stack.callback(client._temp_dir.cleanup)
            return client

        yield make


@pytest.fixture
def run_cli(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``python -m serving …`` in the checkout."""

    def run(*arguments: object, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "serving", *map(str, arguments)]
        env = {**os.environ, "OMP_NUM_THREADS": "1", **environ}
        return subprocess.run(command, cwd=ROOT, env=env, input=stdin, capture_output=True, text=True, timeout=60)

    return run
