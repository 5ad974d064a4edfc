"""A release comes back as it was saved, and nothing else is taken for one."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.errors import ReleaseError
from features.taxonomy import default_taxonomy, flat_taxonomy
from models import release as releases
from models.release import copy_release, current_version, list_versions, load_release, save_release, set_current
from models.triage import TriageModel

TENSORS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array([1.5], np.float16)}


def save(store: Path, tensors: Any = None, run: str = "run-1", **config: Any) -> Path:
    facts = {"metrics": {}, "data": []}
    who = {"run": run, "created": run}
    return save_release("triage", tensors or TENSORS, default_taxonomy(), config, facts, "# card\n", who, store)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return save(tmp_path, gamma=0.5)


def load(folder: Path) -> Any:
    return load_release("triage", folder.name, folder.parents[1])


def forged(folder: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    """Rewrite the manifest and everything that vouches for it: what an attacker with write access can do."""
    manifest = json.loads((folder / "release.json").read_text())
    raw = json.dumps(change(manifest) or manifest).encode()
    target = folder.with_name(sha256(raw).hexdigest()[:12])
    folder.rename(target)
    (target / "release.json").write_bytes(raw)
    return target


def refiled(folder: Path, name: str, data: bytes) -> Path:
    """Replace a file, with its right size and hash in the manifest."""
    (folder / name).write_bytes(data)
    row = {"bytes": len(data), "sha256": sha256(data).hexdigest()}
    return forged(folder, lambda m: m["files"].update({name: row}))


def test_round_trip(saved: Path) -> None:
    release = load(saved)
    assert release.id.version == saved.name
    assert release.id.run == "run-1"
    assert release.config == {"gamma": 0.5}
    assert release.taxonomy == default_taxonomy()
    for name, tensor in TENSORS.items():
        assert release.tensors[name].dtype == tensor.dtype
        np.testing.assert_array_equal(release.tensors[name], tensor)


def test_the_same_content_is_the_same_version_and_the_same_bytes(tmp_path: Path) -> None:
    one, two = (
        save(tmp_path / "one", run="first"),
        save(tmp_path / "two", dict(reversed(TENSORS.items())), run="second"),
    )
    assert one.name == two.name
    for file in ("release.json", "weights.safetensors", "taxonomy.json", "card.md"):
        assert (one / file).read_bytes() == (two / file).read_bytes()
    assert save(tmp_path / "one", gamma=1.0).name != one.name


def test_a_version_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    first = save(tmp_path, run="first")
    assert save(tmp_path, run="second") == first
    assert load(first).id.run == "first"
    assert [p.name for p in first.parent.iterdir()] == [first.name]


@pytest.mark.parametrize("file", ["release.json", "weights.safetensors", "taxonomy.json", "card.md"])
@pytest.mark.parametrize("place", [0, 0.5, 1])
def test_a_changed_byte(saved: Path, file: str, place: float) -> None:
    data = bytearray((saved / file).read_bytes())
    data[int(place * (len(data) - 1))] ^= 1
    (saved / file).write_bytes(data)
    with pytest.raises(ReleaseError, match="is not what was released"):
        load(saved)


@pytest.mark.parametrize("file", ["release.json", "weights.safetensors", "taxonomy.json", "card.md"])
def test_a_missing_file(saved: Path, file: str) -> None:
    (saved / file).unlink()
    with pytest.raises(ReleaseError):
        load(saved)


@pytest.mark.parametrize("name", ["model.pkl", "weights.safetensors.bak", "code.py", ".hidden", "model.onnx", "sub/"])
def test_an_extra_file(saved: Path, name: str) -> None:
    (saved / name).mkdir() if name.endswith("/") else (saved / name).write_bytes(b"")
    with pytest.raises(ReleaseError, match="unknown files"):
        load(saved)


@pytest.mark.parametrize("file", ["release.json", "weights.safetensors", "provenance.json"])
def test_a_symlink(saved: Path, tmp_path: Path, file: str) -> None:
    elsewhere = (saved / file).rename(tmp_path / "elsewhere")
    (saved / file).symlink_to(elsewhere)
    with pytest.raises(ReleaseError, match="not a plain file"):
        load(saved)


def test_a_pipe_does_not_make_us_wait(saved: Path) -> None:
    (saved / "card.md").unlink()
    os.mkfifo(saved / "card.md")
    with pytest.raises(ReleaseError, match="not a plain file"):
        load(saved)


def test_another_taxonomy(saved: Path) -> None:
    with pytest.raises(ReleaseError, match="another taxonomy"):
        load_release("triage", saved.name, saved.parents[1], taxonomy=flat_taxonomy(["a", "b"]).digest)
    other = json.dumps(flat_taxonomy(["a", "b"]).as_dict()).encode()
    with pytest.raises(ReleaseError, match="another taxonomy"):
        load(refiled(saved, "taxonomy.json", other))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers(tmp_path: Path, value: float) -> None:
    with pytest.raises(ReleaseError, match="NaN or infinity"):
        load(save(tmp_path, {"a": np.array([0.0, value], np.float32)}))


@pytest.mark.parametrize(
    "version", ["0" * 12, "../triage", "..", "", "0" * 11, "0" * 13, "ABCDEF012345", "0" * 11 + "\n"]
)
@pytest.mark.parametrize("name", ["triage", "../triage", "/etc", "Triage", "", "a" * 50, "triage\n"])
def test_names_that_are_none(saved: Path, name: str, version: str) -> None:
    with pytest.raises(ReleaseError):
        load_release(name, version or "-", saved.parents[1])


@pytest.mark.parametrize("said", ["../../secret", "/etc/passwd", "", "\x00", "000000000000", "\N{SNOWMAN}"])
def test_current_cannot_lead_elsewhere(saved: Path, said: str) -> None:
    (saved.parent / "current").write_text(said)
    with pytest.raises(ReleaseError):
        load_release("triage", store=saved.parents[1])


def test_current_that_is_no_text(saved: Path) -> None:
    (saved.parent / "current").write_bytes(b"\xff\xfe")
    with pytest.raises(ReleaseError):
        load_release("triage", store=saved.parents[1])


@pytest.mark.parametrize("keep", [0, 4, 8, 40, -1])
def test_truncated_weights(saved: Path, keep: int) -> None:
    data = (saved / "weights.safetensors").read_bytes()[:keep]
    with pytest.raises(ReleaseError, match="safetensors"):
        load(refiled(saved, "weights.safetensors", data))


HUGE = json.dumps({"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}).encode()
BF16 = json.dumps({"a": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}).encode()


@pytest.mark.parametrize(
    "weights",
    [
        (2**62).to_bytes(8, "little"),
        len(HUGE).to_bytes(8, "little") + HUGE,
        len(BF16).to_bytes(8, "little") + BF16 + b"\x80\x7f",
        (2).to_bytes(8, "little") + b"[]",
    ],
    ids=["header", "tensor", "infinity in bfloat16", "list"],
)
def test_weights_that_claim_what_they_are_not(saved: Path, weights: bytes) -> None:
    with pytest.raises(ReleaseError):
        load(refiled(saved, "weights.safetensors", weights))


def test_a_huge_file_is_not_read(saved: Path) -> None:
    with (saved / "card.md").open("wb") as file:
        file.truncate(releases.MAX_FILE_BYTES + 1)
    with pytest.raises(ReleaseError, match="larger than"):
        load(saved)


@pytest.mark.parametrize("size", [10**15, -1, "9", None])
def test_a_claimed_size(saved: Path, size: Any) -> None:
    with pytest.raises(ReleaseError, match="is not what was released"):
        load(forged(saved, lambda m: m["files"]["card.md"].update(bytes=size)))


@pytest.mark.parametrize(
    "bomb", [b"[" * 10**6, b'{"a":' * 10**5, b'{"format": 1', b"\xff", b"[]", b"1e999", b"NaN", b"9" * 5000]
)
def test_json_bombs(saved: Path, bomb: bytes) -> None:
    target = saved.rename(saved.with_name(sha256(bomb).hexdigest()[:12]))
    (target / "release.json").write_bytes(bomb)
    with pytest.raises(ReleaseError):
        load(target)
    shutil.rmtree(target)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.update(files=None),
        lambda m: m.update(files={"../../x": {}}),
        lambda m: m.update(files={"release.json": {}}),
        lambda m: m["files"].update({"card.md": None}),
        lambda m: m["files"].pop("taxonomy.json"),
        lambda m: m["files"].pop("weights.safetensors"),
        lambda m: m.update(config=[1]),
        lambda m: m.update(config="x"),
        lambda m: m.update(format=2),
        lambda m: m.update(name="diagnosis"),
        lambda m: m.update(taxonomy=None),
    ],
)
def test_a_forged_manifest(saved: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    with pytest.raises(ReleaseError):
        load(forged(saved, change))


@pytest.mark.parametrize("data", [b"not: [yaml", b"[]", b"{}", b"\xff", b"1", b"[" * 100_000, b"&a [*a, *a]"])
def test_a_forged_taxonomy(saved: Path, data: bytes) -> None:
    with pytest.raises(ReleaseError):
        load(refiled(saved, "taxonomy.json", data))


@pytest.mark.parametrize("data", [b"{", b"[]", b"\xff"])
def test_a_forged_provenance(saved: Path, data: bytes) -> None:
    (saved / "provenance.json").write_bytes(data)
    with pytest.raises(ReleaseError, match="provenance"):
        load(saved)


def test_provenance_may_be_missing(saved: Path) -> None:
    (saved / "provenance.json").unlink()
    assert load(saved).id.run is None


@pytest.mark.parametrize(
    "tensor", ["buckets", "idf", "mean", "landmarks", "ngrams", "dense", "bias", "calibration.tag_scale"]
)
@pytest.mark.parametrize("change", [None, lambda t: t[..., None], lambda t: np.zeros((3, 3), t.dtype)], ids=str)
def test_a_model_with_other_shapes(small_store: Path, tensor: str, change: Callable[[Any], Any] | None) -> None:
    release = load_release("triage", store=small_store)
    if change:
        release.tensors[tensor] = change(release.tensors[tensor])
    else:
        del release.tensors[tensor]
    with pytest.raises(ReleaseError):
        TriageModel(release)


@pytest.mark.parametrize("key", ["encoder", "gamma", "thresholds", "tag_floor", "likeness_floor"])
def test_a_model_without_its_configuration(small_store: Path, key: str) -> None:
    release = load_release("triage", store=small_store)
    del release.config[key]
    with pytest.raises(ReleaseError):
        TriageModel(release)


def test_set_current_verifies_first(tmp_path: Path) -> None:
    good, bad = save(tmp_path), save(tmp_path, gamma=1)
    set_current("triage", good.name, tmp_path)
    (bad / "card.md").write_text("changed")
    with pytest.raises(ReleaseError):
        set_current("triage", bad.name, tmp_path)
    assert current_version("triage", tmp_path) == good.name


def test_set_current_is_atomic(tmp_path: Path) -> None:
    versions = [save(tmp_path).name, save(tmp_path, gamma=1).name]
    set_current("triage", versions[0], tmp_path)
    seen, stop = set(), threading.Event()

    def watch() -> None:
        while not stop.is_set():
            seen.add(current_version("triage", tmp_path))

    watcher = threading.Thread(target=watch)
    watcher.start()
    for turn in range(100):
        set_current("triage", versions[turn % 2], tmp_path)
    stop.set()
    watcher.join()
    assert seen == set(versions)
    assert {p.name for p in (tmp_path / "triage").iterdir()} == {*versions, "current"}


def test_a_failed_change_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = save(tmp_path), save(tmp_path, gamma=1)
    set_current("triage", one.name, tmp_path)

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        set_current("triage", two.name, tmp_path)
    assert current_version("triage", tmp_path) == one.name
    assert list_versions("triage", tmp_path) == sorted([one.name, two.name])


def test_copy_release_verifies(tmp_path: Path) -> None:
    source = save(tmp_path / "from")
    assert copy_release(source, "triage", tmp_path / "to") == source.name
    assert load_release("triage", source.name, tmp_path / "to").id.digest == load(source).id.digest
    (source / "card.md").write_text("changed")
    with pytest.raises(ReleaseError):
        copy_release(source, "triage", tmp_path / "other")
    assert not (tmp_path / "other" / "triage" / source.name).exists()
