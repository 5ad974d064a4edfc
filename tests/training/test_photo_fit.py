"""The network learns what it is shown, from nothing it is judged on, and is released as it was fitted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from features.cases import CONDITIONS
from features.errors import ConfigError
from models.places import HEAT, Box, letterbox
from training.calibrate import NEVER
from training.config import DiagnosisConfig, load_diagnosis_config
from training.diagnosis import fit as fitting
from training.diagnosis.cache import Cache
from training.diagnosis.export import eight_bits, to_onnx
from training.diagnosis.fit import Lesson, chances, fold_masks, source_masks
from training.diagnosis.judge import (
    Held,
    calibrate,
    cross_calibrated,
    ece,
    figures,
    iou,
    place_figures,
)
from training.diagnosis.learn import Schedule, averaged, fit_network, heat_loss, say
from training.diagnosis.manifest import PhotoRow, PhotoTable
from training.diagnosis.marks import ABSENT, BOXED, DENSE, SOMEWHERE, UNKNOWN
from training.diagnosis.network import LOWER_CHANNELS, THINGS, Backbone, Network, Whole, learnt, lite0
from training.diagnosis.samples import Plan
from training.diagnosis.verdict import FEWEST_PHOTOS, LEVELS, Drawn, joined, rare, read_drawn, verdict

SIZE = 64
SIDE = SIZE // 8
KINDS = len(HEAT)
CRACK = HEAT.index("crack")
Floats = npt.NDArray[np.float32]


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def squares(n: int, seed: int = 0, size: int = SIZE) -> npt.NDArray[np.uint8]:
    """Soft pictures, ``(n, size, size, 3)``."""
    grids = np.random.default_rng(seed).integers(0, 256, (n, 9, 9, 3), np.uint8)
    return np.stack([np.asarray(Image.fromarray(g).resize((size, size), Image.Resampling.BICUBIC)) for g in grids])


def tiny_cache(n: int, seed: int = 0, folder: Path = Path("nowhere")) -> Cache:
    """Lower features of nothing in particular; nothing is known of places."""
    lower = np.random.default_rng(seed).normal(0, 1, (n, SIDE, SIDE, LOWER_CHANNELS)).astype(np.float16)
    mask = np.zeros((n, KINDS, SIDE, SIDE), np.uint8)
    state, box = np.full((n, KINDS), UNKNOWN, np.uint8), np.zeros((n, KINDS, 4), np.float32)
    return Cache(folder, lower, state, mask, box, np.full((n, THINGS), -np.log(THINGS), np.float16))


def plain_lesson(
    rows: Sequence[PhotoRow], root: Path = Path("nowhere"), group: Sequence[int] | None = None, phones: bool = False
) -> Lesson:
    """Every photo once, as answering sees it."""
    conditions = sorted({r.label for r in rows})
    plans = [Plan("plain", r.label, i) for i, r in enumerate(rows)]
    label = np.array([conditions.index(r.label) for r in rows])
    numbers = np.arange(len(rows)) if group is None else np.array(group)
    table = PhotoTable("t", root, tuple(rows), "d")
    return Lesson(table, conditions, plans, tiny_cache(len(rows), folder=root), numbers, label, phones)


def config(*overrides: str) -> DiagnosisConfig:
    return load_diagnosis_config(["size=64", "pictures=8", "batch=4", "folds=2", "workers=1", *overrides])


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(0)
    return Network(3, KINDS).eval()


def test_folded_batch_norms_change_nothing() -> None:
    x = torch.from_numpy(squares(3)).permute(0, 3, 1, 2).float() / 127.5 - 1
    backbone = Backbone().eval()
    with torch.no_grad():
        whole = lite0().forward_features(x)  # type: ignore[operator]
        lower = backbone.lower(x)
        parts = backbone.upper(backbone.middle(lower))
    assert lower.shape == (3, LOWER_CHANNELS, SIDE, SIDE)
    assert float(whole.abs().max()) > 1
    torch.testing.assert_close(parts, whole, atol=1e-4, rtol=1e-4)
    assert not [n for n, m in backbone.named_modules() if isinstance(m, torch.nn.BatchNorm2d)]


def parts_of(network: Network, learns: bool) -> set[str]:
    return {".".join(n.split(".")[:2]) for n, p in network.named_parameters() if p.requires_grad is learns}


def test_the_lower_half_is_frozen_and_the_rest_learns(network: Network) -> None:
    assert "backbone.lower" in parts_of(network, learns=False) - parts_of(network, learns=True)
    assert {"backbone.middle", "backbone.upper", "heat.weight", "decide.weight"} <= parts_of(network, learns=True)
    frozen = {n for n in network.state_dict() if n.startswith(("backbone.lower.", "backbone.naming."))}
    assert set(learnt(network)) == set(network.state_dict()) - frozen


def test_nothing_above_the_lower_half_is_frozen(network: Network) -> None:
    assert parts_of(network, learns=False) == {"backbone.lower", "backbone.naming"}


@pytest.mark.parametrize("side", [8, 12])
def test_a_network_gives_conditions_and_maps(network: Network, side: int) -> None:
    with torch.no_grad():
        logits, heat = network(torch.zeros(2, LOWER_CHANNELS, side, side))
    assert logits.shape == (2, 3)
    assert heat.shape == (2, KINDS, side, side)


def test_before_learning_most_cells_show_no_damage(network: Network) -> None:
    with torch.no_grad():
        assert float(torch.sigmoid(Whole(network)(torch.from_numpy(squares(2)))[1]).median()) < 0.1


def test_the_whole_takes_bytes(network: Network) -> None:
    photo = torch.from_numpy(squares(2))
    x = photo.permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.no_grad():
        for one, other in zip(Whole(network)(photo), network(network.backbone.lower(x)), strict=True):
            torch.testing.assert_close(one, other)


BOX = (0.25, 0.125, 0.75, 0.5)  # edges of cells: rows 1 to 3, columns 2 to 5


def on(value: float, *cells: tuple[slice | int, slice | int]) -> Tensor:
    """A map that is sure: damaged in these cells and nowhere else."""
    heat = torch.full((1, 1, SIDE, SIDE), -value)
    for cell in cells:
        heat[0, 0][cell] = value
    return heat


def loss_of(heat: Tensor, state: int, mask: Tensor | None = None, box: Sequence[float] = (0, 0, 0, 0)) -> Tensor:
    known = torch.zeros_like(heat) if mask is None else mask
    return heat_loss(heat, torch.tensor([[state]]), known, torch.tensor([[list(box)]], dtype=torch.float32))


INSIDE = (slice(1, 4), slice(2, 6))
INNER = (on(1.0, INSIDE) > 0).float()
EVERYWHERE = on(4.0, (slice(None), slice(None)))
# State: a map that says the truth, one that says the contrary, what is known.
TRUTHS: dict[int, tuple[Tensor, Tensor, Tensor | None, Sequence[float]]] = {
    ABSENT: (on(4.0), EVERYWHERE, None, (0, 0, 0, 0)),
    DENSE: (on(4.0, INSIDE), -on(4.0, INSIDE), INNER, (0, 0, 0, 0)),
    BOXED: (on(4.0, INSIDE), -on(4.0, INSIDE), None, BOX),
    SOMEWHERE: (on(4.0, (slice(4, 6), slice(None))), on(4.0), None, (0, 0, 0, 0)),
}


@pytest.mark.parametrize("state", TRUTHS)
def test_the_loss_falls_on_the_way_to_the_truth(state: int) -> None:
    truth, contrary, mask, box = TRUTHS[state]
    for start in (torch.zeros_like(truth), contrary):
        way = [float(loss_of(start + (truth - start) * t, state, mask, box)) for t in (0, 0.25, 0.5, 0.75, 1)]
        assert way == sorted(way, reverse=True)
        assert way[-1] < 0.3 * way[0]


@pytest.mark.parametrize("state", TRUTHS)
def test_its_gradient_leads_there(state: int) -> None:
    *_, mask, box = TRUTHS[state]
    heat = torch.zeros((1, 1, SIDE, SIDE), requires_grad=True)
    for _ in range(300):
        (gradient,) = torch.autograd.grad(loss_of(heat, state, mask, box), heat)
        heat = (heat - 20 * gradient).detach().requires_grad_()
    found = heat.detach()[0, 0] > 0
    inside = torch.zeros_like(found)
    inside[INSIDE] = True
    if state == DENSE:
        assert (found == inside).all()
    elif state == BOXED:
        assert not (found & ~inside).any()
        assert found[1:4].any(dim=1).all()
        assert found[:, 2:6].any(dim=0).all()
    else:
        assert found.any() == (state == SOMEWHERE)


def test_nothing_is_learnt_from_what_is_unknown() -> None:
    heat = torch.randn(2, KINDS, SIDE, SIDE, requires_grad=True)
    state = torch.full((2, KINDS), UNKNOWN)
    loss = heat_loss(heat, state, torch.ones_like(heat), torch.rand(2, KINDS, 4))
    loss.backward()  # type: ignore[no-untyped-call]
    assert float(loss.detach()) == 0
    assert heat.grad is not None
    assert not heat.grad.any()


def test_a_thin_crack_across_its_box_is_enough() -> None:
    crack = on(4.0, *((y, x) for y, x in ((1, 2), (2, 3), (3, 4), (3, 5))))
    outside = on(4.0, *((y + 4, x) for y, x in ((1, 2), (2, 3), (3, 4), (3, 5))))
    short = on(4.0, (2, 2), (2, 3))
    assert loss_of(crack, BOXED, box=BOX) == pytest.approx(float(loss_of(on(4.0, INSIDE), BOXED, box=BOX)), rel=1e-4)
    assert loss_of(crack, BOXED, box=BOX) < loss_of(short, BOXED, box=BOX) < loss_of(outside, BOXED, box=BOX)


def test_the_loss_is_the_mean_over_what_is_known() -> None:
    heat = torch.randn(2, 2, SIDE, SIDE, generator=torch.manual_seed(1))
    mask, box = torch.rand(2, 2, SIDE, SIDE, generator=torch.manual_seed(2)), torch.tensor([[list(BOX)] * 2] * 2)
    state = torch.tensor([[DENSE, BOXED], [SOMEWHERE, UNKNOWN]])
    alone = [
        float(heat_loss(heat[[i]][:, [k]], state[[i]][:, [k]], mask[[i]][:, [k]], box[[i]][:, [k]]))
        for i, k in ((0, 0), (0, 1), (1, 0))
    ]
    assert float(heat_loss(heat, state, mask, box)) == pytest.approx(np.mean(alone), rel=1e-5)


def fitted(cache: Cache, label: Sequence[int], chance: Sequence[float], seed: int = 0, **knobs: Any) -> Network:
    schedule = Schedule(**{"pictures": 8, "batch": 4, **knobs})
    return fit_network(cache, np.array(label), np.array(chance, np.float64), 2, schedule, seed)


def test_the_same_seed_gives_the_same_network() -> None:
    cache = tiny_cache(6)
    one, again, other = (fitted(cache, [0, 1] * 3, [1] * 6, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[k], again[k]) for k in one)
    assert any(not torch.equal(one[k], other[k]) for k in one)
    assert all(bool(v.isfinite().all()) for v in one.values())


def test_members_begin_alike_and_are_made_one_by_the_mean_of_their_weights() -> None:
    cache, schedule = tiny_cache(6), Schedule(pictures=8, batch=4)
    one, two = (fit_network(cache, np.arange(6) % 2, np.ones(6), 2, schedule, 0, None, i) for i in range(2))
    fresh = fit_network(cache, np.arange(6) % 2, np.ones(6), 2, replace(schedule, rate=0.0, rate_backbone=0.0), 0)
    before, a, b = (network.state_dict() for network in (fresh, one, two))
    a = {k: v.clone() for k, v in a.items()}
    mean = averaged([one, two]).state_dict()
    moved = 0
    for k in before:
        torch.testing.assert_close(mean[k], (a[k] + b[k]) / 2)
        moved += not torch.equal(a[k], b[k])
        assert (a[k] - before[k]).abs().max() < 0.05  # a few steps away from where both began
    assert moved > 10
    assert averaged([two]) is two


def test_a_fold_answers_by_the_mean_of_its_members(poisoned: Any) -> None:
    alone = replace(poisoned, config=config("pictures=40", "members=1"))
    one, two = (torch.load(fitting._fit(w), weights_only=True)["weights"] for w in (alone, poisoned))
    assert any(not torch.equal(one[k], two[k]) for k in one)


def test_learning_changes_what_may_change_and_leaves_the_rest() -> None:
    fresh, after = Backbone().state_dict(), fitted(tiny_cache(4), [0, 1, 0, 1], [1] * 4).backbone.state_dict()
    changed = {k.split(".")[0] for k in fresh if not torch.equal(fresh[k], after[k])}
    assert changed == {"middle", "upper"}


def test_a_picture_without_a_chance_is_never_shown() -> None:
    cache = tiny_cache(4)
    cache.lower[2] = np.nan
    network = fitted(cache, [0, 1, 0, 1], [1, 1, 0, 1])
    assert all(bool(v.isfinite().all()) for v in network.state_dict().values())


def test_it_learns_what_it_is_shown_and_tells_how_it_goes() -> None:
    photos = squares(4) // 2
    photos[::2, ..., 0] += 120  # reddish, and cracked all over
    cache = tiny_cache(4)
    x = torch.from_numpy(photos).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.no_grad():
        cache.lower[:] = Backbone().lower(x).permute(0, 2, 3, 1).numpy()
    cache.state[:, CRACK], cache.mask[::2, CRACK] = DENSE, 100
    label, told = np.array([0, 1, 0, 1]), list[tuple[int, dict[str, float]]]()
    schedule = Schedule(200, 4, smoothing=0.0)
    network = fit_network(cache, label, np.ones(4), 2, schedule, 0, lambda n, losses: told.append((n, losses)))
    (first, before), (last, after) = told
    assert (first, last) == (100, 200)
    assert all(after[k] < 0.7 * before[k] for k in ("decision", "heat"))
    logits, heat = say(network, cache, np.arange(4))
    assert logits.argmax(axis=1).tolist() == label.tolist()
    assert ((heat[:, CRACK] > 0).mean(axis=(1, 2)) > 0.5).tolist() == [True, False, True, False]


def test_what_the_backbone_could_name_is_not_forgotten() -> None:
    cache = tiny_cache(4)
    lower = torch.from_numpy(cache.lower.astype(np.float32)).permute(0, 3, 1, 2)

    def named(backbone: Backbone) -> Tensor:
        with torch.no_grad():
            return backbone.named(backbone.upper(backbone.middle(lower))).log_softmax(dim=1)

    before = named(Backbone())
    cache.things[:] = before.numpy()
    lost = [
        float(torch.nn.functional.kl_div(named(network.backbone), before, reduction="batchmean", log_target=True))
        for network in (fitted(cache, [0, 1] * 2, [1] * 4, pictures=80, memory=memory) for memory in (0.0, 2.0))
    ]
    assert lost[1] < 0.5 * lost[0]


def test_a_batch_that_teaches_places_alone_breaks_nothing() -> None:
    cache = tiny_cache(2)
    cache.state[:, CRACK] = ABSENT
    assert all(bool(v.isfinite().all()) for v in fitted(cache, [-1, -1], [1, 1]).state_dict().values())


def test_what_is_said_does_not_depend_on_the_batch(network: Network) -> None:
    cache = tiny_cache(5)
    rows = np.array([4, 0, 3])
    for one, other in zip(say(network, cache, rows), say(network, cache, rows, batch=2), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)
    logits, heat = say(network, cache, rows[:0])
    assert logits.shape == (0, 3)
    assert heat.shape == (0, KINDS, SIDE, SIDE)


CARDS = ("a", "a", "a", "a", "b", "b")


def lesson_of(plans: Sequence[Plan], sources: Sequence[str], group: Sequence[int] | None = None) -> Lesson:
    at = plain_lesson([PhotoRow(f"{i}", label, s) for i, (label, s) in enumerate(zip(CARDS, sources, strict=True))])
    conditions = sorted({p.label for p in plans})
    label = np.array([conditions.index(p.label) for p in plans])
    numbers = at.group if group is None else np.array(group)
    return replace(at, plans=list(plans), conditions=conditions, label=label, group=numbers, phones=True)


VIEWS = [Plan("view", label, i) for i, label in enumerate(CARDS)]
MADE = [*([Plan("render", "a")] * 5), *([Plan("paint", "b", 0)] * 2), *([Plan("render", "c")] * 3)]
SHARES = {"a": 0.5, "b": 0.3, "c": 0.2}


def test_chances_sum_to_the_shares() -> None:
    at = lesson_of(VIEWS + MADE, ["s"] * 6)
    found = chances(at, config("real=0.7"), SHARES)
    meant = np.array([p.label for p in at.plans])
    made = np.array([p.kind in ("paint", "render") for p in at.plans])
    for name, share in SHARES.items():
        assert found[meant == name].sum() == pytest.approx(share)
        real = {"a": 0.7, "b": 0.7, "c": 0.0}[name]
        assert found[(meant == name) & ~made].sum() == pytest.approx(share * real)
    assert (found > 0).all()


def test_a_condition_without_made_pictures_is_all_real() -> None:
    found = chances(lesson_of(VIEWS, ["s"] * 6), config("real=0.1"), SHARES)
    assert found == pytest.approx([0.125] * 4 + [0.15] * 2)


def test_a_source_counts_by_the_root_of_its_size() -> None:
    at = lesson_of([*([VIEWS[0]] * 16), *([VIEWS[1]] * 4), VIEWS[4]], ["large", "small", "s", "s", "s", "s"])
    found = chances(at, config(), SHARES)
    assert found[:16].sum() == pytest.approx(2 * found[16:20].sum())


def test_any_other_table_is_shown_as_often_as_it_is() -> None:
    found = chances(lesson_of(VIEWS, ["s"] * 6), config(), None)
    assert found == pytest.approx([1 / 6] * 6)


PHOTO = st.integers(-1, 5)
PLANS = st.lists(st.tuples(PHOTO, PHOTO).map(lambda p: Plan("swap", "a", *p)), min_size=1, max_size=12)


@given(PLANS, st.lists(st.integers(0, 5), min_size=6, max_size=6), st.lists(st.booleans(), min_size=6, max_size=6))
def test_what_is_held_out_and_all_that_is_like_it_never_teaches(
    plans: list[Plan], group: list[int], held: list[bool]
) -> None:
    away = {g for g, h in zip(group, held, strict=True) if h}
    slow = [not any(i >= 0 and group[i] in away for i in (p.photo, p.under)) for p in plans]
    assert fitting._kept(lesson_of(plans, ["s"] * 6, group), np.array(held)).tolist() == slow


@pytest.fixture
def poisoned(tmp_path: Path) -> Any:
    """A network to fit, where all that must not teach is no number: held photos, a near copy, what lies before them."""
    plans = [Plan("plain", label, i) for i, label in enumerate(CARDS)]
    plans += [Plan("swap", "a", 0, 3), Plan("swap", "b", 5, 1), Plan("view", "b", 5), Plan("render", "b", -1, 3)]
    at = lesson_of(plans, ["s"] * 6, [0, 1, 2, 3, 3, 5])  # 4 is a copy of 3
    held = np.array([i == 3 for i in range(6)])
    cache = tiny_cache(len(plans), folder=tmp_path)
    cache.lower[[3, 4, 6, 9]] = np.nan
    return fitting._Work(replace(at, cache=cache), config("pictures=40"), None, held, 1, "fold 1")


def test_a_network_never_sees_what_it_is_judged_on(poisoned: Any) -> None:
    saved = torch.load(fitting._fit(poisoned), weights_only=True)
    assert all(bool(v.isfinite().all()) for v in saved["weights"].values())
    assert saved["rows"].tolist() == [3]
    assert saved["fold"].tolist() == [1]
    assert saved["logits"].isnan().all(), "it is asked about the photo that was kept from it"
    assert saved["heat"].shape == (1, KINDS, SIDE, SIDE)


def test_a_fit_that_was_stopped_goes_on(poisoned: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from training.diagnosis import learn

    file = fitting._fit(poisoned)
    assert [p.name for p in file.parent.iterdir()] == [file.name]
    monkeypatch.setattr(learn, "fit_network", None)
    assert fitting._fit(poisoned) == file


@pytest.mark.parametrize(
    "other",
    [
        {"number": 2},
        {"config": config("pictures=40", "seed=1")},
        {"shares": SHARES},
        {"held": np.arange(6) == 2},
    ],
    ids=["number", "config", "shares", "held"],
)
def test_another_fit_is_kept_elsewhere(poisoned: Any, other: dict[str, Any]) -> None:
    assert replace(poisoned, **other).file != poisoned.file == replace(poisoned, name="x").file


@pytest.mark.parametrize("what", ["group", "source"])
def test_a_fit_on_what_is_now_known_to_be_alike_is_kept_elsewhere(poisoned: Any, what: str) -> None:
    at = poisoned.at
    rows = tuple(replace(r, source=f"s{i}") for i, r in enumerate(at.table.rows))
    other = {"group": {"group": np.arange(6)}, "source": {"table": replace(at.table, rows=rows)}}[what]
    assert replace(poisoned, at=replace(at, **other)).file != poisoned.file


def test_folds_cover_all_photos_and_share_no_object() -> None:
    at = plain_lesson(
        [PhotoRow(f"{i}", "xy"[i % 2], "st"[i % 3 > 0]) for i in range(40)], group=[i // 2 for i in range(40)]
    )
    masks = fold_masks(at, config("folds=4"))
    assert list(masks) == ["fold 0", "fold 1", "fold 2", "fold 3"]
    np.testing.assert_array_equal(np.sum(list(masks.values()), axis=0), 1)
    for mask in masks.values():
        assert (mask[::2] == mask[1::2]).all()
        assert mask.sum() == 10


def test_photos_of_one_object_cannot_be_judged() -> None:
    at = plain_lesson([PhotoRow(f"{i}", "xy"[i % 2]) for i in range(6)], group=[0] * 6)
    with pytest.raises(ConfigError, match="fold"):
        fold_masks(at, config("folds=2"))


def test_a_source_is_held_out_whole() -> None:
    rows = [PhotoRow(f"{i}", label, s) for i, (label, s) in enumerate(zip("aabbc", "stsuv", strict=True))]
    masks = source_masks(plain_lesson(rows), ["b", "c"])
    assert masks["without u"].tolist() == [False, False, False, True, False]
    assert masks["without v"].tolist() == [False, False, False, False, True]
    assert "without t" not in masks


def test_made_pictures_that_hardly_show_their_damage_teach_places_alone() -> None:
    plans = [
        Plan("render", "intact"),
        *([Plan("render", "stain")] * 3),
        Plan("paint", "stain", 0),
        Plan("view", "stain", 0),
    ]
    cache = tiny_cache(len(plans))
    stain, screen = HEAT.index("stain"), HEAT.index("screen")
    cache.mask[:, screen] = 100
    cache.mask[2, stain, :3, :4] = 100  # 12 cells
    cache.mask[3, stain, :6, :4] = 45  # 24 cells, hardly half of each
    assert fitting._unseen(plans, cache).tolist() == [False, True, False, True, True, False]


def logits_of(n: int, c: int, seed: int = 0) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Logits and truths that were drawn by their very probabilities."""
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 2, (n, c)).astype(np.float32)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return z, (rng.random((n, 1)) > p.cumsum(axis=1)).sum(axis=1).clip(max=c - 1)


def log_loss(p: Floats, truth: npt.NDArray[np.int64]) -> float:
    return float(-np.log(np.maximum(p[np.arange(len(p)), truth], 1e-9)).mean())


def softmax(z: Floats) -> Floats:
    p = np.exp(z - z.max(axis=1, keepdims=True))
    out: Floats = p / p.sum(axis=1, keepdims=True)
    return out


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
def test_calibration_undoes_a_temperature(scale: float) -> None:
    z, truth = logits_of(4000, 4)
    found = calibrate(z * scale, truth)
    assert found.scale * scale == pytest.approx(1, rel=0.1)
    p = found.apply(z * scale)
    assert p.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert log_loss(p, truth) <= log_loss(softmax(z * scale), truth) + 1e-4
    assert (p.argmax(axis=1) == z.argmax(axis=1)).mean() > 0.97
    right = p.argmax(axis=1) == truth
    assert ece(p.max(axis=1), right) < 0.03


def test_calibration_finds_a_bias_and_pulls_it_to_nothing_where_few_tell() -> None:
    z, truth = logits_of(4000, 3)
    shifted = z + np.array([2, 0, 0], np.float32)
    free, pulled = (calibrate(shifted, truth, pull=pull) for pull in (0.0, 0.1))
    assert free.bias[0] - free.bias[1:].mean() == pytest.approx(-2, abs=0.2)
    assert np.abs(pulled.bias).max() < np.abs(free.bias).max()
    assert log_loss(pulled.apply(shifted), truth) < log_loss(softmax(shifted), truth)


def test_calibration_counts_by_weight() -> None:
    z, truth = logits_of(600, 3)
    weight = np.repeat(np.array([1, 0], np.float32), 300)
    one, other = calibrate(z, truth, weight), calibrate(z[:300], truth[:300])
    assert one.scale == pytest.approx(other.scale, rel=1e-2)
    np.testing.assert_allclose(one.bias, other.bias, atol=1e-2)


def held_of(z: Floats, fold: npt.NDArray[np.int64], heat: npt.NDArray[np.float16] | None = None) -> Held:
    blank = np.full((len(z), KINDS, SIDE, SIDE), -5, np.float16)
    return Held(np.arange(len(z)), z, blank if heat is None else heat, fold)


def test_no_fold_is_calibrated_by_its_own_truth() -> None:
    z, truth = logits_of(300, 3)
    fold = np.arange(300) % 3
    one = cross_calibrated(held_of(z, fold), truth)
    other = cross_calibrated(held_of(z, fold), np.where(fold == 1, (truth + 1) % 3, truth))
    np.testing.assert_array_equal(one[fold == 1], other[fold == 1])
    assert np.abs(one[fold != 1] - other[fold != 1]).max() > 0.01


def test_the_calibration_error_of_what_is_calibrated_is_small() -> None:
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.3, 1, 20_000).astype(np.float32)
    assert ece(sure, rng.random(20_000) < sure) < 0.02
    assert ece(np.full(100, 0.9, np.float32), np.arange(100) < 60) == pytest.approx(0.3)
    assert ece(np.ones(4, np.float32), np.ones(4, bool)) == 0
    assert ece(np.array([0.15, 0.95], np.float32), np.array([True, False])) == pytest.approx((0.85 + 0.95) / 2)


def test_figures_by_condition_and_source() -> None:
    p = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]], np.float32)
    told = figures(p, np.array([0, 0, 0, 1]), ["whole", "broken"], ["s", "t", "t", "t"])
    assert set(told) == {"all", "whole", "whole/s", "whole/t", "broken"}
    assert [told[k]["n"] for k in ("all", "whole", "whole/t", "broken")] == [4, 3, 2, 1]
    assert [told[k]["accuracy"] for k in ("all", "whole", "whole/s", "whole/t", "broken")] == pytest.approx(
        [0.75, 2 / 3, 1, 0.5, 1]
    )
    assert told["all"]["f1_macro"] == pytest.approx((2 * 2 / 5 + 2 / 3) / 2)
    assert told["all"]["f1_weighted"] == pytest.approx(0.75 * 2 * 2 / 5 + 0.25 * 2 / 3)


@pytest.mark.parametrize(
    ("a", "b", "share"),
    [
        ((0, 0, 1, 1), (0, 0, 1, 1), 1),
        ((0, 0, 0.5, 1), (0.5, 0, 1, 1), 0),
        ((0, 0, 0.2, 0.2), (0.7, 0.7, 1, 1), 0),
        ((0, 0, 1, 1), (0.25, 0.25, 0.75, 0.75), 0.25),
        ((0, 0, 0.5, 0.5), (0.25, 0.25, 0.75, 0.75), 1 / 7),
        ((0.3, 0.3, 0.3, 0.3), (0.3, 0.3, 0.3, 0.3), 0),
    ],
)
def test_overlaps(a: Box, b: Box, share: float) -> None:
    assert iou(a, b) == pytest.approx(share) == iou(b, a)


EDGE = st.floats(0, 1)


@given(st.lists(EDGE, min_size=8, max_size=8))
def test_an_overlap_is_a_share(edges: list[float]) -> None:
    (x0, x1), (y0, y1), (u0, u1), (v0, v1) = (sorted(edges[i : i + 2]) for i in (0, 2, 4, 6))
    assert 0 <= iou((x0, y0, x1, y1), (u0, v0, u1, v1)) <= 1 + 1e-6


TRUE = (0.25, 0.25, 0.5, 0.5)
MAPS: dict[str, tuple[tuple[slice, slice], float, float]] = {
    "right": ((slice(2, 4), slice(2, 4)), 1, 1),
    "half": ((slice(2, 4), slice(2, 3)), 1, 0.5),
    "wide": ((slice(1, 5), slice(1, 5)), 1, 0.25),
    "wrong": ((slice(6, 8), slice(6, 8)), 0, 0),
    "nothing": ((slice(0, 0), slice(0, 0)), 0, 0),
}


def crack_map(where: str) -> npt.NDArray[np.float16]:
    out = np.full((1, KINDS, SIDE, SIDE), -5, np.float16)
    out[0, CRACK][MAPS[where][0]] = 5
    return out


@pytest.mark.parametrize("where", MAPS)
def test_one_place(where: str) -> None:
    frame = letterbox(np.zeros((SIZE, SIZE, 3), np.uint8), SIZE)[1]
    _, centre, overlap = MAPS[where]
    told = place_figures(crack_map(where), [frame], [[(0, 0.9, 0.05, 1), TRUE]], [True], 0.5)
    assert (told["n"], told["shattered"]) == (1, 1)
    assert (told["centre"], told["iou"]) == pytest.approx((centre, overlap), abs=1e-5)
    assert told["iou_half"] == told["iou_half_shattered"] == float(overlap >= 0.5)


def test_many_places_in_photos_of_any_shape() -> None:
    tall, square = (letterbox(np.zeros((SIZE, w, 3), np.uint8), SIZE)[1] for w in (SIZE // 2, SIZE))
    heat = np.concatenate([crack_map("right"), crack_map("wrong")])
    # In the tall photo the columns 2 to 5 of the square are all there is.
    told = place_figures(heat, [tall, square], [[(0, 0.25, 0.5, 0.5)], [TRUE]], [False, True], 0.5)
    assert (told["n"], told["centre"], told["shattered"]) == (2, 0.5, 1)
    assert told["iou"] == pytest.approx(0.5, abs=1e-5)
    assert (told["iou_half"], told["iou_half_shattered"]) == (0.5, 0)


def rows_of(label: str, n: int, *sources: str) -> list[PhotoRow]:
    return [PhotoRow(f"{label}{i}.png", label, sources[i % len(sources)]) for i in range(n)]


@pytest.mark.parametrize(
    ("rows", "few"),
    [
        (rows_of("a", FEWEST_PHOTOS, "s", "t"), []),
        (rows_of("a", FEWEST_PHOTOS - 1, "s", "t"), ["a"]),
        (rows_of("a", 10 * FEWEST_PHOTOS, "s"), ["a"]),
        ([], ["a"]),
    ],
    ids=["enough", "too few", "one source", "none"],
)
def test_what_is_rare(rows: list[PhotoRow], few: list[str]) -> None:
    at = plain_lesson([*rows, *rows_of("b", 50, "s", "t", "u")])
    assert rare(replace(at, conditions=["a", "b"])) == few


def judged(
    rows: Sequence[PhotoRow], parts: int = 2, phones: bool = False, drawn: dict[str, Drawn] | None = None
) -> Any:
    """The verdict on networks that are right of all but every tenth photo."""
    at = plain_lesson(rows, phones=phones)
    z = 3 * np.eye(len(at.conditions), dtype=np.float32)[at.truth]
    z[::10] = np.roll(z[::10], 1, axis=1) / 2
    whole = held_of(z, np.arange(len(rows)) % parts)
    some = [
        Held(*(getattr(whole, k)[whole.fold == f] for k in ("rows", "logits", "heat", "fold"))) for f in range(parts)
    ]
    return verdict(at, some, drawn or {}, config("precision=0.8"))


MANY = [*rows_of("a", 120, "s", "t"), *rows_of("b", 120, "s", "t")]


def test_a_verdict_on_folds_judges_every_photo_and_opens_what_is_right() -> None:
    found = judged(MANY)
    assert found.metrics["all"]["n"] == 240
    assert found.metrics["all"]["accuracy"] == pytest.approx(0.9)
    assert sorted(found.held.rows) == list(range(240))
    for key in "ab":
        row = found.autonomy[key]
        assert row["bound"] >= 0.8
        assert 0.5 <= row["automate"] <= 1
        assert found.config["thresholds"][key]["automate"] == pytest.approx(row["automate"], abs=1e-4)
    assert found.config["rare"] == []
    assert found.config["size"] == SIZE
    assert found.config["maps"] == list(HEAT)
    assert tuple(found.config["severity"]) == LEVELS
    assert found.places == {}
    json.dumps(found.config)


def test_an_official_split_is_judged_on_its_test_part_alone() -> None:
    rows = [replace(r, split="test" if i % 3 else "val") for i, r in enumerate(MANY)]
    found = judged(rows, parts=1)
    assert found.metrics["all"]["n"] == 160
    assert len(found.p) == 240


def test_a_rare_condition_of_the_contract_never_acts_alone() -> None:
    rows = [row for label in ("intact", "screen_broken") for row in rows_of(label, 120, "s", "t")]
    rows += rows_of("scratch", 120, "s")
    found = judged(rows, phones=True)
    assert found.config["rare"] == ["scratch"]
    assert found.autonomy["scratch"]["automate"] == NEVER


@pytest.fixture
def photographed(tmp_path: Path) -> list[PhotoRow]:
    rows = [*rows_of("screen_broken", 30, "s", "t"), *rows_of("intact", 30, "s")]
    for row in rows:
        Image.new("RGB", (SIZE, SIZE)).save(tmp_path / row.path)
    return rows


def test_drawn_cracks_judge_places_and_severity(photographed: list[PhotoRow], tmp_path: Path) -> None:
    at = plain_lesson(photographed, tmp_path, phones=True)
    z = 3 * np.eye(2, dtype=np.float32)[at.truth]
    heat = np.concatenate([crack_map("right")] * 60)
    heat[:, HEAT.index("screen")] = 5
    whole = held_of(z, np.arange(60) % 2, heat)
    parts = [Held(*(getattr(whole, k)[whole.fold == f] for k in ("rows", "logits", "heat", "fold"))) for f in (0, 1)]
    drawn = {f"screen_broken{i}.png": Drawn((TRUE,), i < 4, (0, None)[i % 2]) for i in range(8)}
    found = verdict(at, parts, drawn, config("precision=0.8"))
    assert found.config["rare"] == ["intact"]
    assert found.autonomy["intact"]["automate"] == NEVER
    assert (found.places["n"], found.places["shattered"], found.places["centre"]) == (8, 4, 1)
    assert found.places["iou"] == pytest.approx(1, abs=1e-5)
    assert found.places["severity_agreement"] == 1
    assert found.config["map_threshold"]["crack"] == found.places["map_threshold"]
    assert found.config["severity"] == sorted(found.config["severity"])


def test_what_several_networks_say_is_joined_in_order() -> None:
    z, _ = logits_of(6, 2)
    whole = held_of(z, np.arange(6) // 3)
    parts = [Held(*(getattr(whole, k)[whole.fold == f] for k in ("rows", "logits", "heat", "fold"))) for f in (1, 0)]
    assert joined(parts).rows.tolist() == [3, 4, 5, 0, 1, 2]
    np.testing.assert_array_equal(joined(parts).logits, z[[3, 4, 5, 0, 1, 2]])


def test_drawn_cracks_are_read(tmp_path: Path) -> None:
    assert read_drawn(tmp_path / "none.json") == {}
    crack, shatter, other = ({"type": t, "box": [0, 0, 0.5, 1]} for t in ("crack", "shatter", "body"))
    listed = {
        "a.jpg": {"damage": [crack], "severity": "minor"},
        "b.jpg": {"damage": [crack, other, shatter], "severity": "severe"},
        "c.jpg": {"damage": [other], "severity": "severe"},
        "d.jpg": {"damage": [crack], "severity": None},
        "e.jpg": {},
    }
    (tmp_path / "boxes.json").write_text(json.dumps(listed))
    box = (0.0, 0.0, 0.5, 1.0)
    assert read_drawn(tmp_path / "boxes.json") == {
        "a.jpg": Drawn((box,), False, 0),
        "b.jpg": Drawn((box, box), True, 2),
        "d.jpg": Drawn((box,), False, None),
    }


def test_every_condition_of_the_contract_has_its_share() -> None:
    shares = load_diagnosis_config().shares
    assert set(shares) == set(CONDITIONS)
    assert sum(shares.values()) == pytest.approx(1)


def answers(model: bytes, photos: npt.NDArray[np.uint8]) -> list[Floats]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    assert [o.name for o in session.get_outputs()] == ["logits", "heat"]
    out: list[Floats] = session.run(None, {"photo": photos})
    return out


@pytest.fixture(scope="module")
def exported(network: Network) -> bytes:
    return to_onnx(network, SIZE)


def test_onnx_answers_as_torch_for_any_number_of_photos(network: Network, exported: bytes) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE, 3), np.uint8)
    for photos in (noise, squares(3), squares(1)):
        with torch.no_grad():
            slow = [x.numpy() for x in Whole(network)(torch.from_numpy(photos))]
        for one, other in zip(answers(exported, photos), slow, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-3)


def test_the_same_network_is_the_same_file(network: Network, exported: bytes) -> None:
    assert to_onnx(network, SIZE) == exported


@pytest.fixture(scope="module")
def both(exported: bytes) -> tuple[list[Floats], list[Floats]]:
    small, photos = eight_bits(exported, squares(24)), squares(32, seed=1)
    assert len(small) < 0.35 * len(exported)
    return answers(exported, photos), answers(small, photos)


def alike(one: Floats, other: Floats) -> float:
    return float(np.corrcoef(*((x - x.mean(axis=0)).ravel() for x in (one, other)))[0, 1])


def test_in_eight_bits_it_sees_about_the_same(both: tuple[list[Floats], list[Floats]]) -> None:
    (_, full), (_, small) = both
    assert np.corrcoef(full.ravel(), small.ravel())[0, 1] > 0.8


def test_in_eight_bits_it_says_about_the_same(both: tuple[list[Floats], list[Floats]]) -> None:
    full, small = both
    assert alike(full[0], small[0]) > 0.9
    assert (full[0].argmax(axis=1) == small[0].argmax(axis=1)).mean() > 0.75
