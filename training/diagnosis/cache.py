"""What the frozen half of the backbone makes of every picture of a plan, computed once and kept on disk."""

from __future__ import annotations

import ast
import hashlib
import json
import multiprocessing
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from models.places import HEAT
from training.diagnosis.marks import CELL
from training.diagnosis.network import LOWER_CHANNELS, THINGS
from training.diagnosis.samples import Plan, Studio, arrays

__all__ = ["Cache", "code_digest", "fill"]

BATCH: Final = 16
ARRAYS: Final = ("lower", "state", "mask", "box", "things")
_STATE: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Cache:
    """Arrays on disk, a row for each planned picture; another process opens them anew.

    Attributes
    ----------
    folder : Path
    lower : ndarray of float16, (n, h, w, channels)
    state, mask, box : ndarray
        See `training.diagnosis.marks.Target`.
    things : ndarray of float16, (n, 1000)
        Log-probabilities of the things of ImageNet, by the backbone as it was pretrained.
    """

    folder: Path
    lower: npt.NDArray[np.float16]
    state: npt.NDArray[np.uint8]
    mask: npt.NDArray[np.uint8]
    box: npt.NDArray[np.float32]
    things: npt.NDArray[np.float16]

    def __reduce__(self) -> tuple[Any, ...]:
        return _opened, (self.folder,)


def _shapes(n: int, size: int) -> dict[str, tuple[tuple[int, ...], str]]:
    cells, kinds = size // CELL, len(HEAT)
    return {
        "lower": ((n, cells, cells, LOWER_CHANNELS), "float16"),
        "state": ((n, kinds), "uint8"),
        "mask": ((n, kinds, cells, cells), "uint8"),
        "box": ((n, kinds, 4), "float32"),
        "things": ((n, THINGS), "float16"),
    }


def _opened(folder: Path, mode: Literal["r", "r+"] = "r") -> Cache:
    return Cache(folder, *(np.load(folder / f"{name}.npy", mmap_mode=mode) for name in ARRAYS))


def _allotted(folder: Path, n: int, size: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, (shape, kind) in _shapes(n, size).items():
        np.lib.format.open_memmap(folder / f"{name}.npy", mode="w+", dtype=kind, shape=shape)


def _start(studio: Studio, plans: Sequence[Plan], folder: Path) -> None:
    import torch

    from training.diagnosis.network import Backbone

    torch.set_num_threads(1)
    backbone = Backbone().to(memory_format=torch.channels_last)
    _STATE.update(studio=studio, plans=plans, backbone=backbone, torch=torch)
    _STATE["cache"] = _opened(folder, "r+")


def _work(numbers: Sequence[int]) -> int:
    torch, cache = _STATE["torch"], _STATE["cache"]
    made = [_STATE["studio"].make(_STATE["plans"][i], i) for i in numbers]
    pixels, state, mask, box = arrays(made)
    rows = slice(numbers[0], numbers[-1] + 1)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        x = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1.0
        backbone = _STATE["backbone"]
        lower = backbone.lower(x.contiguous(memory_format=torch.channels_last))
        things = backbone.named(backbone.upper(backbone.middle(lower))).float().log_softmax(dim=1)
        lower = lower.float()
    cache.things[rows] = things.numpy().astype(np.float16)
    cache.lower[rows] = lower.permute(0, 2, 3, 1).numpy().astype(np.float16)
    cache.state[rows], cache.mask[rows], cache.box[rows] = state, mask, box
    return len(numbers)


def fill(studio: Studio, plans: Sequence[Plan], root: Path, workers: int = 2) -> Cache:
    """Make every picture and what the frozen half sees in it; taken from disk where the same was made before.

    Parameters
    ----------
    studio : Studio
    plans : sequence of Plan
    root : Path
        Where such caches lie; each is named after the digest of all that it depends on.
    workers : int
        Processes.
    """
    folder = _folder(studio, plans, root)
    if not (folder / "done").exists():
        _allotted(folder, len(plans), studio.size)
        chunks = [list(range(i, min(len(plans), i + BATCH))) for i in range(0, len(plans), BATCH)]
        context = multiprocessing.get_context("spawn")
        with context.Pool(workers, _start, (studio, plans, folder)) as pool:
            for _ in pool.imap_unordered(_work, chunks):
                pass
        (folder / "done").touch()
    return _opened(folder)


def _folder(studio: Studio, plans: Sequence[Plan], root: Path) -> Path:
    marks = {k: v.as_dict() for k, v in sorted(studio.marks.items())}
    said = [studio.table.digest, studio.size, studio.seed, _version(), [asdict(p) for p in plans], marks]
    return root / hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


def _version() -> str:
    here = Path(__file__).parent
    named = [here / name for name in ("marks.py", "samples.py", "views.py")]
    return code_digest([*named, *sorted((here.parent / "render").glob("*.py"))])


def code_digest(files: Iterable[Path]) -> str:
    """Digest what code does, comments and layout aside: changed code makes another cache."""
    code = "".join(ast.unparse(ast.parse(f.read_text(encoding="utf-8"))) for f in files)
    return hashlib.sha256(code.encode()).hexdigest()
