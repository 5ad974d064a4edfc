"""Fine-tuned networks for every fold and for the release: fitted side by side, kept, and asked as they will answer."""

from __future__ import annotations

import hashlib
import json
import logging
import multiprocessing
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from features.text import normalize
from models.space import Floats
from models.text_network import TextNetwork, readable
from training.diagnosis.cache import code_digest
from training.matrices import Targets
from training.textnet.learn import Schedule
from training.track import ROOT

__all__ = ["FOLDER", "Fitted", "Job", "fit_networks"]

log = logging.getLogger(__name__)

Ints = npt.NDArray[np.int64]
FOLDER: Final = ROOT / "var" / "networks"


def _code() -> str:
    return code_digest(Path(__file__).parent.glob("*.py"))


@dataclass(frozen=True, slots=True)
class Job:
    """One network to fit: without some rows, which it is then asked about.

    Attributes
    ----------
    name : str
        For the log.
    texts : tuple of str
        Normalised.
    target : Targets
    weight : ndarray of float32, (n,)
    held : ndarray of int64
        Rows kept from it.
    encoder : str
    schedule : Schedule
    seed : int
    """

    name: str
    texts: tuple[str, ...]
    target: Targets
    weight: Floats
    held: Ints
    encoder: str
    schedule: Schedule
    seed: int
    code: str = field(default_factory=_code)

    @property
    def folder(self) -> Path:
        """Where its result is kept: named after all that it depends on, so that a fit that was stopped goes on."""
        said = [self.texts, self.target.sizes, self.encoder, asdict(self.schedule), self.seed, self.code]
        arrays = self.target.values.tobytes() + self.weight.tobytes() + self.held.tobytes()
        return FOLDER / hashlib.sha256(json.dumps(said).encode() + arrays).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted network as a release holds it, and its logits of the rows it did not see, ``(held, outputs)``."""

    network: bytes
    tokenizer: bytes
    config: dict[str, Any]
    held: Floats

    def read(self, texts: Sequence[str]) -> Floats:
        """Read any texts, ``(n, outputs)``, as the release will."""
        read = TextNetwork(self.network, self.tokenizer, self.config["prefix"], self.held.shape[1]).read
        return read([normalize(t) for t in texts])


def _fit(job: Job) -> Path:
    """Fit, export and ask, unless that was done."""
    folder = job.folder
    if (folder / "held.npy").exists():
        return folder
    import torch

    from training.textnet.backbone import open_backbone
    from training.textnet.export import to_onnx, tokenizer_file
    from training.textnet.learn import fine_tune, tokenized

    torch.set_num_threads(1)
    texts = [readable(t) for t in job.texts]
    rows = np.setdiff1d(np.flatnonzero(job.weight > 0), job.held)
    backbone = open_backbone(job.encoder, [texts[i] for i in rows])
    pieces = job.schedule.pieces
    ids = tokenized(backbone, texts, pieces)

    def watch(step: int, loss: float) -> None:
        if step % 100 == 0:
            log.info("%s: step %d, loss %.3f", job.name, step, loss)

    reader = fine_tune(backbone, ids, job.target, rows, job.weight[rows], job.schedule, job.seed, watch)
    network, tokenizer = to_onnx(reader), tokenizer_file(backbone, pieces)
    read = TextNetwork(network, tokenizer, backbone.prefix, sum(job.target.sizes)).read
    held = read([job.texts[i] for i in job.held]) if len(job.held) else np.zeros((0, sum(job.target.sizes)), np.float32)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(network)
    (folder / "tokenizer.json").write_bytes(tokenizer)
    (folder / "config.json").write_text(json.dumps({"prefix": backbone.prefix, "encoder": job.encoder}))
    np.save(folder / "unfinished.npy", held)
    (folder / "unfinished.npy").rename(folder / "held.npy")  # last: only then is it done
    return folder


def _quiet() -> None:
    os.nice(5)
    logging.basicConfig(level=logging.INFO, format="%(message)s")


def fit_networks(jobs: Sequence[Job], workers: int) -> list[Fitted]:
    """Fit several networks, some side by side.

    Parameters
    ----------
    jobs : sequence of Job
    workers : int
        Processes.
    """
    with multiprocessing.get_context("spawn").Pool(min(workers, len(jobs)), _quiet) as pool:
        folders = list(pool.imap(_fit, jobs, chunksize=1))
    return [
        Fitted(
            (f / "model.onnx").read_bytes(),
            (f / "tokenizer.json").read_bytes(),
            json.loads((f / "config.json").read_text()),
            np.load(f / "held.npy"),
        )
        for f in folders
    ]
