"""A store, an MLflow database and a folder for candidates of a test module's own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest


@contextmanager
def own_store(root: Path) -> Iterator[Path]:
    """Let the commands write into a folder, and stand in it; gives the store."""
    from training import promote, track, verbs

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setattr(sys, "path", sys.path.copy())
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{root / 'mlflow.db'}")
        patch.setattr(verbs, "STORE", root / "store")
        patch.setattr(track, "CANDIDATES", root / "candidates")
        verb = {v: partial(getattr(promote, v), store=root / "store") for v in ("promote", "rollback")}
        patch.setattr(verbs, "promotion", SimpleNamespace(**verb))
        yield root / "store"
