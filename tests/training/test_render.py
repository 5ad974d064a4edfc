"""The renderer: same seed, same pixels; masks lie where they must; every condition shows itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

import training.render
from training.render import CONDITIONS, KINDS, Rendered, corners_in, corners_of, flat_picture, render
from training.render.__main__ import main
from training.render.cracks import STYLES, fracture
from training.render.geometry import homography, local_grid, pane_on, project
from training.render.pose import make_pose
from training.render.scene import FEWEST

SEEDS = 30
SIZE = 96

OWN = {
    "intact": set(),
    "screen_broken": {"crack"},
    "display_fault": {"display_fault"},
    "body_damage": {"dent", "chip", "crack"},
    "scratch": {"scratch"},
    "stain": {"stain"},
    "liquid_damage": {"water"},
}


@pytest.fixture(scope="module", params=CONDITIONS)
def many(request: pytest.FixtureRequest) -> list[Rendered]:
    return [render(np.random.default_rng(seed), request.param, SIZE) for seed in range(SEEDS)]


def _base() -> np.ndarray:
    base = np.full((160, 200, 3), 235, dtype=np.uint8)
    base[20:140, 70:130] = (40, 90, 160)
    return base


CORNERS = corners_of((72 / 200, 22 / 160, 128 / 200, 138 / 160))


def test_exports_are_the_truth() -> None:
    assert len(training.render.__all__) == len(set(training.render.__all__))
    assert all(hasattr(training.render, name) for name in training.render.__all__)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_same_seed_same_pixels(condition: str) -> None:
    a, b = (render(np.random.default_rng(7), condition, SIZE) for _ in range(2))
    assert np.array_equal(a.pixels, b.pixels)
    assert all(np.array_equal(a.masks[k], b.masks[k]) for k in KINDS)
    assert not np.array_equal(a.pixels, render(np.random.default_rng(8), condition, SIZE).pixels)


def test_shapes_and_types(many: list[Rendered]) -> None:
    for made in many:
        assert made.pixels.shape == (SIZE, SIZE, 3)
        assert made.pixels.dtype == np.uint8
        assert tuple(made.masks) == KINDS
        assert all(
            m.shape == (SIZE, SIZE) and m.dtype == bool for m in (*made.masks.values(), made.screen, made.device)
        )
        assert made.pixels.std() > 1  # neither black nor white


def test_masks_lie_on_the_phone(many: list[Rendered]) -> None:
    for made in many:
        assert not (made.screen & ~made.device).any()
        for kind, mask in made.masks.items():
            assert not (mask & ~made.device).any(), kind
        if made.condition in ("screen_broken", "display_fault", "liquid_damage"):
            slack = _grown(made.screen, 1)
            assert all(not (m & ~slack).any() for m in made.masks.values())


def test_severity_is_the_affected_share_of_the_screen(many: list[Rendered]) -> None:
    for made in many:
        assert np.isfinite(made.severity)
        assert not (made.affected & ~made.screen).any()
        assert made.severity == pytest.approx(made.affected.sum() / max(1, made.screen.sum()))
        damage = np.logical_or.reduce(list(made.masks.values()))
        assert not (damage & made.screen & ~made.affected).any()


def test_boxes_bound_the_masks(many: list[Rendered]) -> None:
    for made in many:
        assert set(made.boxes) == {k for k, m in made.masks.items() if m.any()}
        for kind, box in made.boxes.items():
            assert 0 <= box[0] < box[2] <= 1
            assert 0 <= box[1] < box[3] <= 1
            x0, y0, x1, y1 = (round(v * SIZE) for v in box)
            inside = made.masks[kind][y0:y1, x0:x1]
            assert inside.sum() == made.masks[kind].sum()
            assert all(end.any() for end in (inside[0], inside[-1], inside[:, 0], inside[:, -1]))


def test_every_condition_shows_itself(many: list[Rendered]) -> None:
    condition = many[0].condition
    shown = [set(made.boxes) for made in many]
    if condition == "intact":
        assert not any(shown)
        assert all(made.severity == 0 for made in many)
    else:
        assert np.mean([bool(s & OWN[condition]) for s in shown]) > 0.9
        assert np.mean([sum(m.sum() for m in made.masks.values()) >= FEWEST for made in many]) > 0.9


def test_severity_covers_the_range() -> None:
    found = [render(np.random.default_rng(s), "screen_broken", 96).severity for s in range(40)]
    assert np.quantile(found, 0.1) < 0.12
    assert np.quantile(found, 0.9) > 0.45


def _grown(mask: np.ndarray, margin: int) -> np.ndarray:
    return np.asarray(Image.fromarray(mask.astype(np.uint8) * 255).filter(ImageFilter.MaxFilter(2 * margin + 1))) > 0


@pytest.mark.parametrize("condition", CONDITIONS)
def test_painting_on_a_photo_changes_only_the_damage(condition: str) -> None:
    for seed in range(8):
        base = _base()
        made = render(np.random.default_rng(seed), condition, base=base, corners=CORNERS)
        changed = np.abs(made.pixels.astype(int) - base).max(axis=-1)
        assert np.array_equal(base, _base())
        assert made.pixels.shape == base.shape
        assert not changed[:20].any() and not changed[:, :70].any() and not changed[141:].any()  # noqa: PT018
        near = _grown(np.logical_or.reduce(list(made.masks.values())), 3)
        # What fades out beyond the mask is fainter than an eye sees.
        assert (changed[~near] > 40).mean() < 0.002
        assert (changed > 0).any() == (condition != "intact")


def test_a_background_is_used() -> None:
    red = np.zeros((90, 140, 3), dtype=np.uint8)
    red[..., 0] = 200
    made = render(np.random.default_rng(3), "intact", SIZE, background=red)
    outside = made.pixels[~_grown(made.device, 9)].astype(float).mean(axis=0)
    assert outside[0] > 2 * outside[1]


@pytest.mark.parametrize("size", [48, 97, 224])
def test_sizes(size: int) -> None:
    assert render(np.random.default_rng(1), "screen_broken", size).pixels.shape == (size, size, 3)


def test_refusals() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="condition must be one of"):
        render(rng, "melted")
    with pytest.raises(ValueError, match="at least 48"):
        render(rng, "intact", 8)
    with pytest.raises(ValueError, match="corners"):
        render(rng, "intact", base=_base())


@pytest.mark.parametrize("style", STYLES)
def test_cracks_stay_on_the_glass_but_for_their_last_point(style: str) -> None:
    broken = fracture(np.random.default_rng(4), 2.0, style)
    assert broken.strokes
    for stroke in broken.strokes:
        inner = stroke.points[:-1]
        assert np.isfinite(stroke.points).all()
        assert ((inner >= -1e-9) & (inner <= [1, 2.0])).all()


def test_worse_styles_break_more() -> None:
    length = {
        s: np.mean([sum(len(k.points) for k in fracture(np.random.default_rng(i), 2.0, s).strokes) for i in range(6)])
        for s in STYLES
    }
    assert length["hairline"] < length["edge"] < length["spider"] < length["shattered"]


def test_a_homography_meets_its_points_and_the_grid_inverts_it() -> None:
    corners = np.array([[10.0, 8], [70, 14], [64, 100], [6, 90]])
    flat = np.array([[0.0, 0], [1, 0], [1, 2], [0, 2]])
    assert np.allclose(project(homography(flat, corners), flat), corners)
    pane = pane_on(corners, (110, 90), lit=False)
    x, y = local_grid(pane)
    assert np.allclose(project(pane.matrix, np.array([[x[50, 40], y[50, 40]]], dtype=float)), [[40, 50]], atol=1e-2)


def test_corners_of_a_turned_phone_are_found() -> None:
    image = Image.new("RGB", (200, 200), (255, 255, 255))
    image.paste((10, 10, 10), (70, 40, 130, 160))
    found = corners_in(np.asarray(image.rotate(20, fillcolor=(255, 255, 255))), inset=0.0)
    assert found is not None
    sides = np.linalg.norm(np.roll(found, -1, axis=0) - found, axis=1) * 200
    assert sides == pytest.approx([60, 120, 60, 120], abs=5)
    assert corners_in(np.full((60, 60, 3), 200, dtype=np.uint8)) is None


def test_the_sheet_is_written(tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    main(["--out", str(out), "--rows", "1", "--size", "64", "--outline"])
    with Image.open(out) as sheet:
        assert sheet.size == (64 * len(CONDITIONS), 64)


def test_flat_pictures_are_varied_and_the_same_for_a_seed() -> None:
    made = [flat_picture(np.random.default_rng(seed), SIZE) for seed in range(SEEDS)]
    assert {m.shape for m in made} == {(SIZE, SIZE, 3)}
    assert {m.dtype for m in made} == {np.dtype(np.uint8)}
    assert len({m.tobytes() for m in made}) == SEEDS
    assert all(np.array_equal(m, flat_picture(np.random.default_rng(seed), SIZE)) for seed, m in enumerate(made))


def _narrowness(seed: int, edge: bool) -> float:
    pose = make_pose(np.random.default_rng(seed), 2.0, (SIZE, SIZE), held=False, edge=edge)
    outline = project(pose.face, np.array([[0, 0], [1, 0], [1, 2], [0, 2]], dtype=np.float64))
    sides = np.linalg.norm(outline - np.roll(outline, 1, axis=0), axis=1)
    return float(min(sides[0] / 2, sides[1]) / max(sides[0] / 2, sides[1]))  # 1 for a plate that faces us


def test_a_phone_seen_by_its_edge_is_narrow() -> None:
    facing, edgewise = (np.median([_narrowness(seed, edge) for seed in range(SEEDS)]) for edge in (False, True))
    assert facing > 0.8
    assert edgewise < 0.4
