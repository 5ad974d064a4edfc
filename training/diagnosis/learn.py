"""Fit the learning half of the network on cached pictures."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (its usual name)

from training.diagnosis.cache import Cache
from training.diagnosis.marks import BOXED, SOMEWHERE, UNKNOWN
from training.diagnosis.network import TOP_CELLS, Network
from training.half import bfloat16_is_fast

__all__ = ["Schedule", "averaged", "fit_network", "heat_loss", "say"]

log = logging.getLogger(__name__)

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
# A damaged cell counts this much beside a sound one, of which there are many more.
POSITIVE: Final = 3.0
# Between the seeds of two members lie those of all folds.
MEMBERS_APART: Final = 1000


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast.

    Attributes
    ----------
    pictures : int
        Drawn in all, with replacement, by weight.
    batch : int
    rate, rate_backbone : float
        Highest learning rates, of the new layers and of the pretrained ones.
    decay : float
        Of weights.
    smoothing : float
        Of labels.
    heat : float
        What the map's loss counts beside the decision's.
    memory : float
        What it counts to still name the things of ImageNet as before (Li & Hoiem, Learning without Forgetting, 2016):
        what is no phone and no parcel is told by them, and there are few photos of it.
    """

    pictures: int = 9000
    batch: int = 24
    rate: float = 1.5e-3
    rate_backbone: float = 3e-4
    decay: float = 0.02
    smoothing: float = 0.05
    heat: float = 1.0
    memory: float = 0.5


def heat_loss(heat: Tensor, state: Tensor, mask: Tensor, box: Tensor) -> Tensor:
    """Compare maps with what is known of them.

    Parameters
    ----------
    heat : Tensor, (n, k, h, w)
        Logits.
    state : Tensor of int, (n, k)
    mask : Tensor, (n, k, h, w)
        From 0 to 1.
    box : Tensor, (n, k, 4)
        In shares.

    Notes
    -----
    A box teaches by its projections (Tian et al., BoxInst, 2021): nothing lies outside, and every row and column of
    the box meets damage somewhere. A label without a place teaches that the strongest cells are damaged.
    """
    h, w = heat.shape[2:]
    cell = F.binary_cross_entropy_with_logits(heat, mask, weight=1 + (POSITIVE - 1) * mask, reduction="none")
    dense = cell.mean(dim=(2, 3))
    ys = (torch.arange(h, device=heat.device) + 0.5) / h
    xs = (torch.arange(w, device=heat.device) + 0.5) / w
    rows = ((ys >= box[..., 1:2]) & (ys <= box[..., 3:4])).float()  # (n, k, h)
    columns = ((xs >= box[..., 0:1]) & (xs <= box[..., 2:3])).float()  # (n, k, w)
    inside = rows[..., None] * columns[..., None, :]
    outside = (F.softplus(heat) * (1 - inside)).mean(dim=(2, 3))
    low = heat.masked_fill(inside < 0.5, -20.0)
    down = (F.softplus(-low.amax(dim=3)) * rows).sum(dim=2) / rows.sum(dim=2).clamp(min=1)
    across = (F.softplus(-low.amax(dim=2)) * columns).sum(dim=2) / columns.sum(dim=2).clamp(min=1)
    boxed = outside + 0.15 * (down + across)
    top = heat.flatten(2).topk(TOP_CELLS, dim=2).values.mean(dim=2)
    somewhere = 0.15 * F.softplus(-top)
    loss = torch.where(state == BOXED, boxed, torch.where(state == SOMEWHERE, somewhere, dense))
    known = (state != UNKNOWN).float()
    return (loss * known).sum() / known.sum().clamp(min=1)


def _rate(step: int, steps: int) -> float:
    warm = max(1, steps // 12)
    return step / warm if step < warm else 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def fit_network(
    cache: Cache,
    label: Ints,
    chance: npt.NDArray[np.float64],
    conditions: int,
    schedule: Schedule,
    seed: int,
    watch: Callable[[int, dict[str, float]], None] | None = None,
    member: int = 0,
) -> Network:
    """Fit one network.

    Parameters
    ----------
    cache : Cache
    label : ndarray (n,)
        Of every picture; -1 where it teaches places alone.
    chance : ndarray (n,)
        How often a picture is drawn, relative to others; 0 keeps it out.
    conditions : int
    schedule : Schedule
    seed : int
    watch : callable, optional
        Is told the losses now and then.
    member : int
        Networks of one seed begin alike; each member sees pictures of its own drawing.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed + MEMBERS_APART * member)
    network = Network(conditions, cache.state.shape[1]).to(memory_format=torch.channels_last)
    network.train()
    backbone = [p for p in network.backbone.parameters() if p.requires_grad]
    fresh = [p for name, p in network.named_parameters() if not name.startswith("backbone")]
    groups = [{"params": backbone, "lr": schedule.rate_backbone}, {"params": fresh, "lr": schedule.rate}]
    optimizer = torch.optim.AdamW(groups, weight_decay=schedule.decay)
    steps = max(1, schedule.pictures // schedule.batch)
    timetable = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: _rate(s, steps))
    mean = {"decision": 0.0, "heat": 0.0, "memory": 0.0}
    half = bfloat16_is_fast()
    order = rng.choice(len(label), steps * schedule.batch, p=chance / chance.sum())
    for step in range(steps):
        rows = np.sort(order[step * schedule.batch : (step + 1) * schedule.batch])
        lower = torch.from_numpy(cache.lower[rows].astype(np.float32)).permute(0, 3, 1, 2)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            logits, heat, upper = (x.float() for x in network.seen(lower))
        truth = torch.from_numpy(label[rows])
        decision = F.cross_entropy(logits, truth, ignore_index=-1, label_smoothing=schedule.smoothing)
        state, mask, box = (torch.from_numpy(np.asarray(a[rows])) for a in (cache.state, cache.mask, cache.box))
        places = heat_loss(heat, state.long(), mask.float() / 100, box)
        named = network.backbone.named(upper).log_softmax(dim=1)
        before = torch.from_numpy(cache.things[rows].astype(np.float32))
        forgotten = F.kl_div(named, before, reduction="batchmean", log_target=True)
        optimizer.zero_grad()
        (decision + schedule.heat * places + schedule.memory * forgotten).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimizer.step()
        timetable.step()
        part = min(1.0, 2 / (step + 1)) if step < 40 else 0.05
        for name, value in (("decision", decision), ("heat", places), ("memory", forgotten)):
            mean[name] += part * (float(value.detach()) - mean[name])
        if watch and (step % 25 == 24 or step == steps - 1):
            watch((step + 1) * schedule.batch, dict(mean))
    return network.eval()


def averaged(networks: Sequence[Network]) -> Network:
    """Make one network of several that began alike (Wortsman et al., Model soups, 2022); it takes the first's place."""
    states = [network.state_dict() for network in networks]
    networks[0].load_state_dict({name: torch.stack([s[name] for s in states]).mean(dim=0) for name in states[0]})
    return networks[0]


def say(network: Network, cache: Cache, rows: Ints, batch: int = 32) -> tuple[Floats, Floats]:
    """Give the logits ``(n, conditions)`` and the maps' logits ``(n, k, h, w)`` of some pictures."""
    kinds, h, w = cache.mask.shape[1:]
    logits = [np.zeros((0, network.decide.out_features), np.float32)]
    heats = [np.zeros((0, kinds, h, w), np.float16)]
    with torch.no_grad():
        for i in range(0, len(rows), batch):
            lower = torch.from_numpy(cache.lower[rows[i : i + batch]].astype(np.float32)).permute(0, 3, 1, 2)
            a, b = network(lower)
            logits.append(a.numpy())
            heats.append(b.numpy().astype(np.float16))
    return np.concatenate(logits), np.concatenate(heats)
