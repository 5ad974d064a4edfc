"""What was learnt, on disk: written once, checked on every load, and nothing in it can execute.

::

    models/store/triage/
    ├── current                  the version that answers (a file with one line)
    └── 3f9a2c1b0d4e/            named after its content
        ├── release.json         size and SHA-256 of every file, digests, metrics, data sources
        ├── weights.safetensors
        ├── model.onnx           where the model is a network, or has one
        ├── tokenizer.json       where that network reads texts
        ├── taxonomy.json
        ├── card.md              for people
        └── provenance.json      who made it when, and its MLflow run (not part of the content: two runs with one
                                 seed give the same version)
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from features.errors import ReleaseError, TaxonomyError
from features.schema import ReleaseId
from features.taxonomy import Taxonomy, parse_taxonomy

__all__ = [
    "STORE",
    "Release",
    "copy_release",
    "current_version",
    "list_versions",
    "load_release",
    "save_release",
    "set_current",
]

STORE: Final = Path(__file__).with_name("store")
FORMAT: Final = 1
# A release is at most some 50 MB; a file that claims more is not read into memory.
MAX_FILE_BYTES: Final = 200 * 2**20
_FILES: Final = {"weights.safetensors", "model.onnx", "tokenizer.json", "taxonomy.json", "card.md"}
_BESIDE: Final = {"release.json", "provenance.json"}
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,40}")
_VERSION: Final = re.compile(r"[0-9a-f]{12}")

Tensors = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Release:
    """A verified release.

    Attributes
    ----------
    id : ReleaseId
    config : dict
        What the model's code needs besides the weights.
    tensors : dict of str to ndarray
        All finite.
    taxonomy : Taxonomy
    manifest : dict
        ``release.json``.
    path : Path
    network, tokenizer : bytes
        ``model.onnx`` and ``tokenizer.json``; empty where there is none.
    """

    id: ReleaseId
    config: dict[str, Any]
    tensors: Tensors
    taxonomy: Taxonomy
    manifest: dict[str, Any]
    path: Path
    network: bytes = b""
    tokenizer: bytes = b""


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _json(value: Any, *, sort: bool = True) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=sort) + "\n").encode()


def save_release(
    name: str,
    tensors: Tensors,
    taxonomy: Taxonomy,
    config: Mapping[str, Any],
    facts: Mapping[str, Any],
    card: str,
    provenance: Mapping[str, Any],
    store: Path = STORE,
    network: bytes = b"",
    tokenizer: bytes = b"",
) -> Path:
    """Write a release; a version that is already there is left as it is.

    Parameters
    ----------
    name : str
        ``triage``, ``diagnosis``, …
    tensors : dict of str to ndarray
    taxonomy : Taxonomy
    config : mapping
        What the model's code needs besides the weights; JSON types.
    facts : mapping
        ``metrics``, ``data`` (name, rows and SHA-256 of every source), ``encoder``; JSON types.
    card : str
        The model card, Markdown.
    provenance : mapping
        ``run``, ``created``, ``by``; not part of the content.
    store : Path
    network, tokenizer : bytes
        ONNX, where the model is a network or has one, and the tokenizer of one that reads texts.

    Returns
    -------
    Path
        The release's folder, named after the digest of its content.
    """
    files = {
        "weights.safetensors": save_tensors({k: np.ascontiguousarray(v) for k, v in sorted(tensors.items())}),
        "taxonomy.json": _json(taxonomy.as_dict(), sort=False),  # the order of the labels is that of the weights
        "card.md": card.encode(),
        **({"model.onnx": network} if network else {}),
        **({"tokenizer.json": tokenizer} if tokenizer else {}),
    }
    manifest = {
        "format": FORMAT,
        "name": name,
        "files": {f: {"bytes": len(b), "sha256": _digest(b)} for f, b in sorted(files.items())},
        "taxonomy": taxonomy.digest,
        "config": dict(config),
        **facts,
    }
    files["release.json"] = _json(manifest)
    files["provenance.json"] = _json(dict(provenance))
    target = store / name / _digest(files["release.json"])[:12]
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=target.parent, prefix="."))
    for file, data in files.items():
        (unfinished / file).write_bytes(data)
    unfinished.chmod(0o755)
    unfinished.rename(target)
    return target


def _read(path: Path) -> bytes:
    if path.is_symlink() or not path.is_file():
        raise ReleaseError(f"{path.name}: not a plain file")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ReleaseError(f"{path.name}: larger than {MAX_FILE_BYTES} bytes")
    return path.read_bytes()


def _object(data: bytes, where: str) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ReleaseError(f"{where}: not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ReleaseError(f"{where}: expected an object")
    return value


def _verified(path: Path, manifest: Mapping[str, Any]) -> dict[str, bytes]:
    listed = manifest.get("files")
    if not isinstance(listed, dict) or not set(listed) <= _FILES:
        raise ReleaseError("release.json: lists files that no release has")
    if unknown := {p.name for p in path.iterdir()} - set(listed) - _BESIDE:
        raise ReleaseError(f"unknown files: {', '.join(sorted(unknown))}")
    files = {}
    for name, said in listed.items():
        data = _read(path / name)
        if said != {"bytes": len(data), "sha256": _digest(data)}:
            raise ReleaseError(f"{name}: is not what was released")
        files[name] = data
    return files


def _tensors(data: bytes) -> Tensors:
    try:
        tensors: Tensors = load_tensors(data)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:  # the latter: a type that numpy has not
        raise ReleaseError(f"weights.safetensors: {error}") from error
    for name, tensor in tensors.items():
        if tensor.dtype.kind not in "biuf" or not np.isfinite(tensor).all():
            raise ReleaseError(f"weights.safetensors: {name} holds NaN or infinity")
    return tensors


def load_release(
    name: str,
    version: str | None = None,
    store: Path = STORE,
    folder: Path | None = None,
    taxonomy: str | None = None,
) -> Release:
    """Read and verify a release; nothing in it is executed.

    Parameters
    ----------
    name : str
    version : str or None
        By default the current one.
    store : Path
    folder : Path or None
        The release's own folder, where it does not lie in a store (an MLflow artefact).
    taxonomy : str or None
        The digest of the taxonomy that the caller speaks.

    Raises
    ------
    ReleaseError
        If it is not there, holds unknown files, or anything is not what was released: sizes, hashes, formats, NaN,
        another taxonomy.
    """
    version = folder.name if folder else version or current_version(name, store)
    if not _NAME.fullmatch(name) or not _VERSION.fullmatch(version):
        raise ReleaseError(f"{name}/{version}: not the name of a release")
    path = folder or store / name / version
    if not (path / "release.json").is_file():
        raise ReleaseError(f"there is no release {name}/{version}")
    raw = _read(path / "release.json")
    if _digest(raw)[:12] != version:
        raise ReleaseError("release.json: is not what was released")
    manifest = _object(raw, "release.json")
    if manifest.get("format") != FORMAT or manifest.get("name") != name:
        raise ReleaseError(f"release.json: not a {name} of format {FORMAT}")
    files = _verified(path, manifest)
    config = manifest.get("config")
    if not isinstance(config, dict):
        raise ReleaseError("release.json: config is not an object")
    try:
        labels = parse_taxonomy(files["taxonomy.json"].decode())
    except (TaxonomyError, UnicodeDecodeError, KeyError, RecursionError) as error:
        raise ReleaseError(f"taxonomy.json: {error}") from error
    if labels.digest != manifest.get("taxonomy") or (taxonomy and labels.digest != taxonomy):
        raise ReleaseError("made for another taxonomy")
    beside = path / "provenance.json"
    run = _object(_read(beside), "provenance.json").get("run") if beside.exists() else None
    identity = ReleaseId(name, version, _digest(raw), run if isinstance(run, str) else None)
    tensors = _tensors(files.get("weights.safetensors", b""))
    network, tokenizer = (files.get(name, b"") for name in ("model.onnx", "tokenizer.json"))
    return Release(identity, config, tensors, labels, manifest, path, network, tokenizer)


def current_version(name: str, store: Path = STORE) -> str:
    """Tell which version answers."""
    try:
        return (store / name / "current").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ReleaseError(f"no release of {name} is current in {store.name}/") from error


def set_current(name: str, version: str, store: Path = STORE) -> None:
    """Let `version` answer from the next start on; verified first, changed by atomic rename."""
    load_release(name, version, store)
    with tempfile.NamedTemporaryFile("w", dir=store / name, prefix=".", delete=False) as file:
        file.write(version + "\n")
    os.chmod(file.name, 0o644)  # noqa: PTH101 (a name, not a Path)
    os.replace(file.name, store / name / "current")  # noqa: PTH105


def list_versions(name: str, store: Path = STORE) -> list[str]:
    """Give the versions in the store, sorted by name."""
    folder = store / name
    return sorted(p.name for p in folder.iterdir() if _VERSION.fullmatch(p.name)) if folder.is_dir() else []


def copy_release(source: Path, name: str, store: Path = STORE) -> str:
    """Bring a release from another store (an MLflow artefact); verified before it counts."""
    load_release(name, folder=source)
    target = store / name / source.name
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(dir=target.parent, prefix="."))
        shutil.copytree(source, unfinished, dirs_exist_ok=True)
        unfinished.chmod(0o755)
        unfinished.rename(target)
    return source.name
