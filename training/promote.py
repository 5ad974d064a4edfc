"""Which release answers, since when and why: the registry's alias, the store, and an append-only ledger."""

from __future__ import annotations

import getpass
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from features.errors import ConfigError, ReleaseError
from models.release import STORE, copy_release, current_version, load_release, set_current
from training.robustness.gate import check_slices
from training.track import CHAMPION, client, registered

__all__ = ["promote", "read_ledger", "rollback"]


def _ledger(name: str, store: Path) -> Path:
    return store / name / "ledger.jsonl"


def read_ledger(name: str, store: Path = STORE) -> list[dict[str, Any]]:
    """Read all promotions, oldest first.

    Raises
    ------
    ReleaseError
        If a line was changed or taken out: every line holds the digest of the one before.
    """
    path = _ledger(name, store)
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    before, entries = "", []
    for n, line in enumerate(lines, 1):
        try:
            entries.append(json.loads(line))
            follows = entries[-1]["before"] == before
        except (ValueError, LookupError, TypeError):
            follows = False
        if not follows:
            raise ReleaseError(f"{path.name}: line {n} does not follow the one before")
        before = hashlib.sha256(line.encode()).hexdigest()
    return entries


def _append(name: str, store: Path, entry: dict[str, Any]) -> dict[str, Any]:
    path = _ledger(name, store)
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    entry["before"] = hashlib.sha256(lines[-1].encode()).hexdigest() if lines else ""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry, ensure_ascii=False, sort_keys=True) + "\n")
    return entry


def _current(name: str, store: Path) -> str | None:
    try:
        return current_version(name, store)
    except ReleaseError:
        return None


def _slices(name: str, new: Mapping[str, Any], store: Path) -> str:
    """Refuse a release that loses on a slice; say what was compared."""
    try:
        now: Mapping[str, Any] | None = load_release(name, store=store).manifest
    except ReleaseError:  # none is there, or it is damaged: nothing that could be lost
        now = None
    return check_slices(now, new)


def _let_answer(name: str, release: Path, why: str, by: str | None, store: Path, *, gated: bool) -> dict[str, Any]:
    if not why.strip():
        raise ConfigError("say why: --why")
    version = release.name
    manifest = load_release(name, folder=release).manifest
    number = registered(name, version)
    if number is None:
        raise ConfigError(
            f"{name}/{version} is not registered in MLflow: fit it, or set MLFLOW_TRACKING_URI to where it is"
        )
    before = _current(name, store)
    read_ledger(name, store)  # a broken ledger stops the promotion before anything has changed
    slices = _slices(name, manifest, store) if gated else "slices not compared: a rollback"
    copy_release(release, name, store)
    set_current(name, version, store)
    client().set_registered_model_alias(name, CHAMPION, number)
    entry = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "by": by or getpass.getuser(),
        "why": why,
        "from": before,
        "to": version,
        "registry": number,
        "slices": slices,
    }
    return _append(name, store, entry)


def promote(name: str, release: Path, why: str, by: str | None = None, store: Path = STORE) -> dict[str, Any]:
    """Let a release answer from the next start on.

    Parameters
    ----------
    name : str
    release : Path
        The release's folder; it must be registered in MLflow.
    why : str
        For the ledger; a promotion without a reason is refused.

    Returns
    -------
    dict
        The ledger's new line: ``when``, ``by``, ``why``, ``from``, ``to``, ``registry``, ``slices``.

    Raises
    ------
    ConfigError
        If no reason is given, the release is not registered, or it loses more on a slice of rewritten tickets than
        `training.robustness.gate` allows.
    """
    return _let_answer(name, release, why, by, store, gated=True)


def rollback(name: str, why: str, by: str | None = None, store: Path = STORE) -> dict[str, Any]:
    """Bring back what answered before the current release; the way back is never barred by a figure."""
    now = _current(name, store)
    earlier = [e["from"] for e in read_ledger(name, store) if e["to"] == now and e["from"]]
    if not earlier:
        raise ConfigError(f"{name}: the ledger names no release before {now}")
    return _let_answer(name, store / name / earlier[-1], why, by, store, gated=False)
