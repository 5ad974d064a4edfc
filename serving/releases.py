"""Tells which releases are in the store."""

from __future__ import annotations

import json
from collections.abc import Collection
from hashlib import sha256
from pathlib import Path

from features.errors import ReleaseError
from models.release import STORE, current_version, list_versions
from serving.contract import ReleaseInfoOut, ReleasesOut

__all__ = ["list_releases"]


def _current(name: str, store: Path) -> str | None:
    try:
        return current_version(name, store)
    except ReleaseError:
        return None


def _info(
    name: str, version: str, current: str | None, answering: Collection[str], store: Path
) -> ReleaseInfoOut | None:
    try:
        raw = (store / name / version / "release.json").read_bytes()
        manifest = json.loads(raw)
    except (OSError, ValueError):
        return None  # a release that is being written, or a damaged one: loading it says what is wrong
    return ReleaseInfoOut(
        name=name,
        version=version,
        digest=sha256(raw).hexdigest(),
        current=version == current,
        answering=sha256(raw).hexdigest() in answering,
        metrics=manifest.get("metrics") or {},
        autonomy=manifest.get("autonomy") or {},
        data=manifest.get("data"),
    )


def list_releases(answering: Collection[str], store: Path = STORE) -> ReleasesOut:
    """List every release; nothing is loaded, and the weights are not checked.

    Parameters
    ----------
    answering : collection of str
        The digests of the releases that this process has loaded: after a promotion they are not the current ones until
        the server starts again.
    store : Path
    """
    found = []
    for folder in sorted(store.iterdir()) if store.is_dir() else ():
        current = _current(folder.name, store)
        found += [_info(folder.name, v, current, answering, store) for v in list_versions(folder.name, store)]
    return ReleasesOut(releases=[info for info in found if info])
