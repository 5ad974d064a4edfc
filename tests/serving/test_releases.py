"""What is in the store."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

from serving.releases import list_releases

AUTONOMY = {"category/repair": {"automate": 0.9, "precision": 0.97, "bound": 0.95, "coverage": 0.4}}


def release(store: Path, metrics: dict[str, float]) -> str:
    raw = json.dumps({"metrics": metrics, "autonomy": AUTONOMY, "data": [{"name": "d", "rows": 1}]}).encode()
    digest = sha256(raw).hexdigest()
    folder = store / "triage" / digest[:12]
    folder.mkdir(parents=True)
    (folder / "release.json").write_bytes(raw)
    return digest


def test_current_and_answering_may_differ(tmp_path: Path) -> None:
    old, new = release(tmp_path, {"f1": 0.5}), release(tmp_path, {"f1": 0.6})
    (tmp_path / "triage" / "current").write_text(new[:12] + "\n")
    told = {info.digest: info for info in list_releases({old}, tmp_path).releases}
    assert (told[old].current, told[old].answering) == (False, True)
    assert (told[new].current, told[new].answering) == (True, False)
    assert told[new].metrics == {"f1": 0.6}
    assert told[new].autonomy == AUTONOMY


def test_what_is_not_a_release_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "triage" / ("0" * 12)).mkdir(parents=True)
    (tmp_path / "a-file").write_text("")
    assert list_releases((), tmp_path).releases == []
    assert list_releases((), tmp_path / "nowhere").releases == []
