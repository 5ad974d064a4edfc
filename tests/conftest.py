"""What tests share: real servers on free ports, a small release fitted in seconds, and the one that answers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import bentoml
import httpx
import numpy as np
import pytest

from features.errors import ReleaseError
from features.taxonomy import default_taxonomy
from models.churn import ChurnModel, open_churn
from models.release import load_release, save_release, set_current
from models.triage import TriageModel, open_triage

ROOT = Path(__file__).parents[1]
SERVE = ("-m", "serving", "up", "--port", "0")
KEY = "a-key-for-tests-only-0123456789"


@contextmanager
def running(log: Path, command: Sequence[str] = SERVE, **environ: str) -> Iterator[str]:
    """Run a server; it must stop cleanly, and say nothing that the log should not hold."""
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, *command],
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


@pytest.fixture(scope="session")
def photo_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `photo_server` records what customers say."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="session")
def photo_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("photos") / "stderr.log"


@pytest.fixture(scope="session")
def photo_server(photo_log: Path, photo_state: Path) -> Iterator[str]:
    """The address of a server whose photo model is a stub; see ``tests/photo_stub.py``."""
    environ = {"PYTHONPATH": str(ROOT), "AFTERSIGHT_STATE": str(photo_state)}
    with running(photo_log, ["tests/photo_stub.py"], **environ) as url:
        yield url


@pytest.fixture(scope="session")
def photo_http(photo_server: str) -> Iterator[httpx.Client]:
    """A client of `photo_server`."""
    with httpx.Client(base_url=photo_server, timeout=60) as client:
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


@pytest.fixture(scope="session")
def small_fit() -> Any:
    """A fit on 340 rows of the corpus, without a sentence encoder."""
    from training.config import load_config
    from training.data import load_table
    from training.triage import Dataset, fit

    table = load_table("corpus")
    assert table is not None
    rows = table.rows[::8]
    data = Dataset(rows, np.ones(len(rows), np.float32), np.arange(len(rows)), (table,))
    return fit(data, default_taxonomy(), load_config(["encoder=none", "landmarks=0", "folds=2"]))


@pytest.fixture(scope="session")
def small_store(small_fit: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose current release is `small_fit`; not to be changed."""
    store = tmp_path_factory.mktemp("small") / "store"
    facts = {"metrics": {"all": {"n": 340.0}}, "data": [], "encoder": small_fit.config["encoder"]}
    saved = save_release(
        "triage", small_fit.tensors, default_taxonomy(), small_fit.config, facts, "# small\n", {"run": "r"}, store
    )
    set_current("triage", saved.name, store)
    return store


@pytest.fixture(scope="session")
def small_model(small_store: Path) -> TriageModel:
    """A model that answers fast, and not well."""
    return TriageModel(load_release("triage", store=small_store))


@pytest.fixture(scope="session")
def released() -> TriageModel:
    """The release that answers in this checkout."""
    try:
        return open_triage()
    except ReleaseError as error:
        pytest.skip(f"nothing is released here: {error}")


@pytest.fixture(scope="session")
def churn_store(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, Any]:
    """A store with a small churn release of invented customers, scikit-learn's twin of it, and their table."""
    from tests.invented_customers import invented, release_invented

    table, store = invented(), tmp_path_factory.mktemp("churn") / "store"
    return store, release_invented(table, store)[1], table


@pytest.fixture(scope="session")
def small_churn(churn_store: tuple[Path, Any, Any]) -> ChurnModel:
    """A churn model of invented customers."""
    return open_churn(store=churn_store[0])
