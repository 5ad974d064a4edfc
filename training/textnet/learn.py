"""Fine-tune an encoder on categories, tags, urgency at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (its usual name)

from models.space import Floats
from training.half import bfloat16_is_fast
from training.matrices import Targets
from training.textnet.backbone import Backbone

__all__ = ["Mean", "Reader", "Schedule", "Vector", "fine_tune", "say", "tokenized"]

Ints = npt.NDArray[np.int64]
SMOOTHING: Final = 0.05
# Steps that are sorted by length together, so that a batch holds little padding.
POOL: Final = 40
WARM: Final = 0.08  # share of the steps in which the rate rises


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast.

    Attributes
    ----------
    epochs : float
        Times that a text of full weight is shown; one that counts half is shown half as often.
    batch : int
    rate, rate_heads : float
        Highest learning rates, of the encoder's last layer and of the heads.
    fade : float
        What a layer's rate is beside that of the layer above it.
    decay : float
        Of weights.
    pieces : int
        A text is cut off after so many.
    frozen : int
        The lowest layers that stay as they are, and what turns pieces into vectors with them.
    """

    epochs: float = 4.0
    batch: int = 32
    rate: float = 1e-4
    rate_heads: float = 1e-3
    fade: float = 0.9
    decay: float = 0.01
    pieces: int = 160
    frozen: int = 0


class Mean(nn.Module):
    """An encoder, and the mean of what it makes of the pieces of a text, ``(n, dim)``."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Read pieces ``(n, length)``."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        told = attention_mask.unsqueeze(-1).to(hidden.dtype)
        out: Tensor = (hidden * told).sum(dim=1) / told.sum(dim=1)
        return out


class Vector(nn.Module):
    """A `Mean` of unit length."""

    def __init__(self, mean: Mean) -> None:
        super().__init__()
        self.mean = mean

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Read pieces ``(n, length)``."""
        return F.normalize(self.mean(input_ids, attention_mask), dim=1)


class Reader(nn.Module):
    """An encoder and one linear head over the mean of its pieces, ``(n, outputs)``."""

    def __init__(self, encoder: nn.Module, outputs: int, drop: float = 0.1) -> None:
        super().__init__()
        self.mean = Mean(encoder)
        self.drop = nn.Dropout(drop)
        self.head = nn.Linear(encoder.config.hidden_size, outputs)  # type: ignore[union-attr, arg-type]
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Give logits of pieces ``(n, length)``."""
        out: Tensor = self.head(self.drop(self.mean(input_ids, attention_mask)))
        return out


def tokenized(backbone: Backbone, texts: Sequence[str], most: int) -> list[list[int]]:
    """Turn texts into pieces, at most so many of each."""
    found = backbone.tokenizer([backbone.prefix + t for t in texts], truncation=True, max_length=most)
    ids: list[list[int]] = found["input_ids"]
    return ids


def _padded(ids: Sequence[list[int]], pad: int) -> tuple[Tensor, Tensor]:
    longest = max(map(len, ids))
    pieces = torch.full((len(ids), longest), pad)
    mask = torch.zeros((len(ids), longest), dtype=torch.long)
    for i, row in enumerate(ids):
        pieces[i, : len(row)], mask[i, : len(row)] = torch.tensor(row), 1
    return pieces, mask


def _loss(logits: Tensor, truth: Tensor, target: Targets) -> Tensor:
    """Sum what each block has to learn, over the rows that tell it."""
    category, *binary = target.blocks
    total = logits.sum() * 0.0
    known = ~torch.isnan(truth[:, 0])
    if known.any():
        of_rows = F.cross_entropy(
            logits[known, category], truth[known, category].argmax(dim=1), reduction="sum", label_smoothing=SMOOTHING
        )
        total = total + of_rows / len(logits)
    for block in binary:
        known = ~torch.isnan(truth[:, block]).any(dim=1)
        if block.stop > block.start and known.any():
            of_cells = F.binary_cross_entropy_with_logits(logits[known, block], truth[known, block], reduction="sum")
            total = total + _SHARE * of_cells / len(logits)
    return total


# What a tag, or a step of urgency, counts beside the category.
_SHARE: Final = 1.0


def _groups(reader: Reader, schedule: Schedule) -> list[dict[str, Any]]:
    """Give every layer its rate: the lower, the slower."""
    layers = int(reader.mean.encoder.config.num_hidden_layers)  # type: ignore[union-attr, arg-type]
    groups = []
    for name, weight in reader.named_parameters():
        if name.startswith("head"):
            rate = schedule.rate_heads
        else:
            depth = int(name.split("layer.")[1].split(".")[0]) if "layer." in name else -1
            if schedule.frozen and depth < schedule.frozen:
                weight.requires_grad = False
                continue
            rate = schedule.rate * schedule.fade ** (layers - 1 - depth)
        groups.append({"params": [weight], "lr": rate, "weight_decay": schedule.decay if weight.ndim > 1 else 0.0})
    return groups


def _batches(rng: np.random.Generator, rows: Ints, ids: Sequence[list[int]], size: int) -> list[Ints]:
    """Deal rows into batches of like length, in random order."""
    order = rng.permutation(rows)
    pools = [order[i : i + POOL * size] for i in range(0, len(order), POOL * size)]
    ordered = np.concatenate([np.array(sorted(pool, key=lambda i: len(ids[i])), np.int64) for pool in pools])
    batches = [ordered[i : i + size] for i in range(0, len(ordered), size)]
    return [batches[i] for i in rng.permutation(len(batches))]


def _rate(step: int, steps: int) -> float:
    warm = max(1, int(WARM * steps))
    return step / warm if step < warm else max(0.0, (steps - step) / max(1, steps - warm))


def fine_tune(
    backbone: Backbone,
    ids: Sequence[list[int]],
    target: Targets,
    rows: Ints,
    weight: Floats,
    schedule: Schedule,
    seed: int,
    watch: Callable[[int, float], None] | None = None,
) -> Reader:
    """Fine-tune a copy of the encoder.

    Parameters
    ----------
    backbone : Backbone
        Is left as it is.
    ids : sequence of list of int
        Pieces of all texts.
    target : Targets
        Of all texts.
    rows : ndarray of int64
        Which to learn from.
    weight : ndarray of float32, (len(rows),)
    schedule : Schedule
    seed : int
    watch : callable, optional
        Is told the loss now and then.
    """
    import copy

    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    reader = Reader(copy.deepcopy(backbone.model), sum(target.sizes)).train()
    optimizer = torch.optim.AdamW(_groups(reader, schedule), fused=True)
    # Showing a text half as often teaches what counting it half would, in half the time.
    chance = weight / weight.max()
    steps = max(1, int(schedule.epochs * float(chance.sum()) / schedule.batch))
    timetable = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: _rate(s, steps))
    step, mean, half = 0, 0.0, bfloat16_is_fast()
    while step < steps:
        for some in _batches(rng, rows[rng.random(len(rows)) < chance], ids, schedule.batch)[: steps - step]:
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                logits = reader(*_padded([ids[i] for i in some], backbone.tokenizer.pad_token_id))
            loss = _loss(logits.float(), torch.from_numpy(target.values[some]), target)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
            optimizer.step()
            timetable.step()
            step += 1
            mean += max(0.03, 1 / step) * (float(loss.detach()) - mean)
            if watch and (step % 50 == 0 or step == steps):
                watch(step, mean)
    return reader.eval()


def say(reader: Reader, pad: int, ids: Sequence[list[int]], batch: int = 64) -> Floats:
    """Give the logits of texts, ``(n, outputs)``, in their order."""
    order = np.argsort([len(i) for i in ids], kind="stable")
    out = np.zeros((len(ids), reader.head.out_features), np.float32)
    with torch.no_grad():
        for k in range(0, len(order), batch):
            some = order[k : k + batch]
            out[some] = reader(*_padded([ids[i] for i in some], pad)).numpy()
    return out
