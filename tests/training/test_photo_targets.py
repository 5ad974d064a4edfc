"""What is known of places moves with the photo, and pictures show what was planned."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as drawn
from PIL import Image

from features.cases import CONDITIONS
from models.places import HEAT, letterbox
from training.diagnosis.manifest import PhotoRow, PhotoTable
from training.diagnosis.marks import (
    ABSENT,
    BOXED,
    CELL,
    DENSE,
    FULL,
    SOMEWHERE,
    UNKNOWN,
    Marks,
    Target,
    blank,
    cells_of,
    read_marks,
    target_of,
)
from training.diagnosis.samples import PAINTED, Plan, Studio, arrays, plan_generic, plan_phones
from training.diagnosis.views import PAD, frame, laid, lit, plain
from training.render.geometry import Points, project

SIZE = 96
WHOLE = np.diag([SIZE, SIZE, 1.0])  # the photo fills the square
MIRRORED = np.array([[-SIZE, 0, SIZE], [0, SIZE, 0], [0, 0, 1.0]])
SMALL = np.array([[0.75 * SIZE, 0, 0.25 * SIZE], [0, 0.75 * SIZE, 0], [0, 0, 1.0]])  # in the right upper corner
SCREEN = np.array([[0.25, 0.25], [0.5, 0.25], [0.5, 0.75], [0.25, 0.75]])
DEVICE = np.array([[0.125, 0.125], [0.625, 0.125], [0.625, 0.875], [0.125, 0.875]])
Shape = tuple[int, int]


def moved(x: float) -> Points:
    """The photo fills the square, and lies beside it."""
    return np.array([[SIZE, 0, x * SIZE], [0, SIZE, 0], [0, 0, 1.0]])


def photo(seed: int, width: int = 120, height: int = 160) -> npt.NDArray[np.uint8]:
    grid = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), np.uint8)
    return np.asarray(Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC))


def states(target: Target, *but: str) -> dict[str, int]:
    """Give the states that are not `ABSENT`."""
    return {k: int(s) for k, s in zip(HEAT, target.state, strict=True) if s != ABSENT and k not in but}


def cells(target: Target, kind: str) -> npt.NDArray[np.uint8]:
    out: npt.NDArray[np.uint8] = target.mask[HEAT.index(kind)]
    return out


@pytest.mark.parametrize(
    ("label", "somewhere"),
    [
        ("intact", {"screen": UNKNOWN, "device": UNKNOWN}),
        ("screen_broken", {"crack": SOMEWHERE, "display_fault": UNKNOWN, "screen": UNKNOWN, "device": UNKNOWN}),
        ("display_fault", {"display_fault": SOMEWHERE, "screen": UNKNOWN, "device": UNKNOWN}),
        ("scratch", {"scratch": SOMEWHERE, "screen": UNKNOWN, "device": UNKNOWN}),
        ("stain", {"stain": SOMEWHERE, "screen": UNKNOWN, "device": UNKNOWN}),
        ("liquid_damage", {"water": SOMEWHERE, "screen": UNKNOWN, "device": UNKNOWN}),
        ("parcel_intact", {}),
        ("parcel_damaged", {"parcel_damage": SOMEWHERE}),
        ("nothing_to_diagnose", {}),
    ],
)
def test_what_a_label_alone_tells(label: str, somewhere: dict[str, int]) -> None:
    told = target_of(label, None, WHOLE, SIZE)
    assert states(told) == somewhere
    assert not told.mask.any()
    assert not told.box.any()


def test_a_hurt_body_may_have_a_dent() -> None:
    assert target_of("body_damage", None, WHOLE, SIZE).state[HEAT.index("dent")] != ABSENT


@pytest.mark.parametrize("label", CONDITIONS)
def test_a_target_has_a_place_for_every_kind(label: str) -> None:
    told = target_of(label, Marks("front", SCREEN, DEVICE), WHOLE, SIZE)
    assert told.state.shape == (len(HEAT),)
    assert told.mask.shape == (len(HEAT), SIZE // CELL, SIZE // CELL)
    assert told.box.shape == (len(HEAT), 4)
    assert [a.dtype for a in (told.state, told.mask, told.box)] == [np.uint8, np.uint8, np.float32]


def test_outlines_of_a_screen_and_a_device_fill_their_cells() -> None:
    told = target_of("intact", Marks("front", SCREEN, DEVICE), WHOLE, SIZE)
    assert states(told) == {"screen": DENSE, "device": DENSE}
    inner = cells(told, "screen")[4:8, 4:5]
    assert (inner == 100).all()
    assert not cells(told, "screen")[:, :2].any()
    assert (cells(told, "screen") <= cells(told, "device")).all()


@pytest.mark.parametrize(
    ("view", "screen", "device"),
    [("front", DENSE, DENSE), ("back", ABSENT, DENSE), ("side", DENSE, DENSE), ("several", UNKNOWN, UNKNOWN)],
)
def test_the_view_tells_what_can_be_seen(view: str, screen: int, device: int) -> None:
    told = target_of("intact", Marks(view, SCREEN, DEVICE), WHOLE, SIZE)
    assert (told.state[HEAT.index("screen")], told.state[HEAT.index("device")]) == (screen, device)


def test_marks_on_what_is_no_phone_say_nothing() -> None:
    told = target_of("nothing_to_diagnose", Marks("front", SCREEN, DEVICE, (("crack", SCREEN),)), WHOLE, SIZE)
    assert states(told) == {}


@pytest.mark.parametrize(
    ("matrix", "box"),
    [
        (WHOLE, (0.25, 0.25, 0.5, 0.75)),
        (MIRRORED, (0.5, 0.25, 0.75, 0.75)),
        (SMALL, (0.4375, 0.1875, 0.625, 0.5625)),
        (moved(-0.4), None),  # hardly any of it is still in the picture
        (moved(1.0), None),
    ],
    ids=["whole", "mirrored", "small", "at the edge", "outside"],
)
def test_a_box_moves_with_the_photo(matrix: Points, box: tuple[float, ...] | None) -> None:
    told = target_of("screen_broken", Marks("front", damage=(("crack", SCREEN),)), matrix, SIZE)
    crack = HEAT.index("crack")
    assert told.state[crack] == (BOXED if box else SOMEWHERE)
    assert told.box[crack] == pytest.approx(box or (0, 0, 0, 0))


@pytest.mark.parametrize("label", ["intact", "scratch", "stain"])
def test_no_box_is_believed_where_none_was_drawn(label: str) -> None:
    told = target_of(label, Marks("front", damage=(("crack", SCREEN),)), WHOLE, SIZE)
    assert BOXED not in told.state


def test_of_several_pieces_no_box_is_true() -> None:
    marks = Marks("front", damage=(("crack", SCREEN), ("crack", DEVICE)))
    assert states(target_of("screen_broken", marks, WHOLE, SIZE))["crack"] == SOMEWHERE


@pytest.mark.parametrize(
    ("label", "kinds"),
    [("screen_broken", ("crack", "scratch")), ("body_damage", ("dent", "dent")), ("body_damage", ("crack", "dent"))],
)
def test_what_was_drawn_is_not_absent(label: str, kinds: tuple[str, ...]) -> None:
    told = target_of(label, Marks("front", damage=tuple((k, SCREEN) for k in kinds)), WHOLE, SIZE)
    assert ABSENT not in told.state[[HEAT.index(k) for k in kinds]]


@given(st.integers(0, 2**32), st.booleans())
def test_a_mask_moves_with_the_photo(seed: int, turn: bool) -> None:
    matrix = frame(np.random.default_rng(seed), 300, 400, SIZE, DEVICE, turn)
    told = cells(target_of("intact", Marks("front", None, DEVICE), matrix, SIZE), "device")
    shares = np.random.default_rng(seed).random((200, 2))
    middle = (DEVICE[0] + DEVICE[2]) / 2
    half = (DEVICE[2] - DEVICE[0]) / 2
    depth = np.abs((shares - middle) / half).max(axis=1)  # below 1: on the device
    lies = project(matrix, shares)
    size = np.abs(np.linalg.det(matrix[:2, :2])) ** 0.5
    for at, share in zip(lies, depth, strict=True):
        if at.min() >= 0 and at.max() < SIZE:
            filled = told[tuple((at[::-1] // CELL).astype(int))]
            margin = 3 * CELL / (0.2 * size)  # of depth, wide enough for a cell in perspective
            assert filled == 100 if share < 1 - margin else True
            assert filled == 0 if share > 1 + margin else True


@given(st.integers(0, 2**32))
def test_quads_and_boxes_go_through_the_same_homography(seed: int) -> None:
    matrix = frame(np.random.default_rng(seed), 300, 400, SIZE, SCREEN, turn=True)
    told = target_of("screen_broken", Marks("front", SCREEN, None, (("crack", SCREEN),)), matrix, SIZE)
    if told.state[HEAT.index("crack")] == BOXED:
        y, x = np.nonzero(cells(told, "screen"))
        seen = np.array([x.min(), y.min(), x.max() + 1, y.max() + 1]) * CELL / SIZE
        np.testing.assert_allclose(told.box[HEAT.index("crack")], seen, atol=1.01 * CELL / SIZE)


@given(drawn(np.bool_, st.tuples(st.integers(1, 4), st.integers(1, 4)).map(lambda s: (s[0] * CELL, s[1] * CELL))))
def test_cells_agree_with_the_slow_way(mask: npt.NDArray[np.bool_]) -> None:
    h, w = mask.shape
    slow = [
        [min(mask[y : y + CELL, x : x + CELL].mean() / FULL, 1) * 100 for x in range(0, w, CELL)]
        for y in range(0, h, CELL)
    ]
    np.testing.assert_allclose(cells_of(mask), slow, atol=1)


def test_a_thin_crack_through_a_cell_counts_as_much() -> None:
    mask = np.zeros((2 * CELL, 2 * CELL), bool)
    assert not cells_of(mask).any()
    mask[:, 3] = True
    assert cells_of(mask).tolist() == [[83, 0], [83, 0]]
    mask[:, 4] = True
    assert cells_of(mask).tolist() == [[100, 0], [100, 0]]


def test_a_blank_says_one_thing_of_every_kind() -> None:
    assert set(blank(SIZE, UNKNOWN).state) == {UNKNOWN}
    assert states(blank(SIZE)) == {}


def write_marks(root: Path) -> tuple[Path, Path]:
    boxes, corners = root / "boxes.json", root / "corners.csv"
    crack, dent = ({"type": t, "box": [0.25, 0.25, 0.5, 0.75]} for t in ("shatter", "dent"))
    unknown = {"type": "tooth mark", "box": [0, 0, 1, 1]}
    listed = {"b.jpg": {"view": "front", "device": [0, 0, 1, 0.5], "damage": [crack, dent, unknown]}, "c.jpg": {}}
    boxes.write_text(json.dumps(listed), encoding="utf-8")
    with corners.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "view", *(f"{a}{i}" for i in range(4) for a in "xy")])
        for name, view in (("f.jpg", "front"), ("s.jpg", "side"), ("b.jpg", "back")):
            rows.writerow([name, view, *SCREEN.ravel()])
        rows.writerow(["none.jpg", "side", *[""] * 8])
    return boxes, corners


def test_marks_are_read_from_both_files(tmp_path: Path) -> None:
    marks = read_marks(*write_marks(tmp_path))
    assert set(marks) == {"f.jpg", "s.jpg", "b.jpg", "c.jpg"}
    np.testing.assert_array_equal(marks["f.jpg"].screen, SCREEN)
    assert marks["f.jpg"].device is not None
    assert np.ptp(marks["f.jpg"].device, axis=0) == pytest.approx(1.06 * np.ptp(SCREEN, axis=0))
    assert marks["s.jpg"].screen is None
    np.testing.assert_array_equal(marks["s.jpg"].device, SCREEN)
    assert [kind for kind, _ in marks["b.jpg"].damage] == ["crack", "dent"]
    np.testing.assert_array_equal(marks["b.jpg"].damage[0][1], SCREEN)
    np.testing.assert_array_equal(marks["b.jpg"].device, [[0, 0], [1, 0], [1, 0.5], [0, 0.5]])
    assert marks["c.jpg"] == Marks()


def test_marks_that_are_not_there_are_none(tmp_path: Path) -> None:
    assert read_marks(tmp_path / "boxes.json", tmp_path / "corners.csv") == {}


def test_marks_can_be_written_as_json(tmp_path: Path) -> None:
    for marks in read_marks(*write_marks(tmp_path)).values():
        assert set(json.loads(json.dumps(marks.as_dict()))) == {"view", "screen", "device", "damage"}


@pytest.mark.parametrize(("width", "height"), [(240, 180), (180, 320), (60, 40), (720, 540)])
def test_the_focus_stays_in_the_frame_but_for_its_ends(width: int, height: int) -> None:
    points = DEVICE[0] + np.stack(np.meshgrid(*[np.linspace(0, 1, 21)] * 2), axis=-1) * (DEVICE[2] - DEVICE[0])
    shares = []
    for seed in range(300):
        matrix = frame(np.random.default_rng(seed), width, height, SIZE, DEVICE, turn=True)
        lies = project(matrix, points.reshape(-1, 2))
        shares.append(((lies >= 0) & (lies <= SIZE)).all(axis=1).mean())
    assert np.mean(shares) > 0.9
    assert np.quantile(shares, 0.4) > 0.98
    assert min(shares) > 0.5


@given(st.integers(0, 2**32), st.integers(60, 900), st.floats(0.2, 5.0), st.booleans())
def test_any_frame_shows_much_of_the_photo_the_same_every_time(seed: int, width: int, shape: float, turn: bool) -> None:
    """Of photos up to five times as long as wide; corners are moved by some pixels, which may hide a thinner strip."""
    height = round(width * shape)
    matrix, again = (frame(np.random.default_rng(seed), width, height, SIZE, turn=turn) for _ in range(2))
    np.testing.assert_array_equal(matrix, again)
    ys, xs = np.mgrid[0:SIZE:2, 0:SIZE:2] + 1.0
    back = project(np.linalg.inv(matrix).astype(np.float64), np.column_stack([xs.ravel(), ys.ravel()]))
    covered = ((back >= 0) & (back <= 1)).all(axis=1).mean()
    assert covered > 0.4 * min(width, height) / max(width, height)


@pytest.mark.parametrize("size", [(64, 48), (96, 96), (150, 400), (801, 330)], ids=str)
def test_the_plain_view_is_what_answering_sees(size: Shape) -> None:
    pixels = photo(1, *size)
    seen, answering = laid(pixels, plain(*size, SIZE), SIZE), letterbox(pixels, SIZE)[0]
    apart = np.abs(seen.astype(int) - answering)
    assert apart.mean() < 2
    assert np.quantile(apart, 0.99) < 16


def test_what_an_outline_cuts_out_lies_on_another_picture() -> None:
    red, blue = np.full((200, 150, 3), (200, 0, 0), np.uint8), np.full((SIZE, SIZE, 3), (0, 0, 200), np.uint8)
    seen = laid(red, WHOLE, SIZE, blue, SCREEN)
    x0, y0, x1, y1 = (int(v * SIZE) for v in (0.25, 0.25, 0.5, 0.75))
    assert (seen[y0 + 5 : y1 - 5, x0 + 5 : x1 - 5] == (200, 0, 0)).all()
    assert (seen[: y0 - 5] == (0, 0, 200)).all()
    assert (seen[:, x1 + 5 :] == (0, 0, 200)).all()
    assert (blue == (0, 0, 200)).all()


def test_what_a_photo_does_not_cover_is_grey() -> None:
    seen = laid(np.zeros((50, 50, 3), np.uint8), SMALL, SIZE)
    low, left = 3 * SIZE // 4, SIZE // 4
    assert (seen[low + 1 :] == PAD).all()
    assert (seen[:, : left - 1] == PAD).all()
    assert (seen[: low - 1, left + 1 :] == 0).all()


@given(st.integers(0, 2**32), st.tuples(st.integers(8, 80), st.integers(8, 80)), st.sampled_from([0, 7, 128, 255]))
def test_light_keeps_the_shape_and_bytes_stay_bytes(seed: int, shape: Shape, level: int) -> None:
    pixels = np.full((*shape, 3), level, np.uint8)
    out = lit(np.random.default_rng(seed), pixels)
    assert out.shape == pixels.shape
    assert out.dtype == np.uint8
    assert (pixels == level).all()
    np.testing.assert_array_equal(out, lit(np.random.default_rng(seed), pixels))


def test_light_changes_most_photos_and_none_beyond_recognition() -> None:
    pixels = photo(3)
    made = [lit(np.random.default_rng(seed), pixels).astype(float) for seed in range(200)]
    assert 0.15 < np.mean([(m == pixels).all() for m in made]) < 0.35
    alike = [np.corrcoef(m.mean(axis=2).ravel(), pixels.mean(axis=2).ravel())[0, 1] for m in made]
    assert min(alike) > 0.5
    assert np.median(alike) > 0.9


ROWS = (
    PhotoRow("front.jpg", "intact", "one_iphone"),
    PhotoRow("unmarked.jpg", "intact", "web_phones"),
    PhotoRow("side.jpg", "intact", "one_iphone"),
    PhotoRow("cracked.jpg", "screen_broken", "web_phones"),
    PhotoRow("box.jpg", "parcel_damaged", "web_parcels"),
    PhotoRow("dog.jpg", "nothing_to_diagnose", "imagenet_sample"),
    PhotoRow("desk.jpg", "nothing_to_diagnose", "web_phones"),
)
MARKS = {
    "front.jpg": Marks("front", SCREEN, DEVICE),
    "side.jpg": Marks("side", None, DEVICE),
    "cracked.jpg": Marks("front", None, DEVICE, (("crack", SCREEN),)),
}


@pytest.fixture(scope="module")
def phones(tmp_path_factory: pytest.TempPathFactory) -> PhotoTable:
    root = tmp_path_factory.mktemp("phones")
    for seed, row in enumerate(ROWS):
        Image.fromarray(photo(seed)).save(root / row.path)
    return PhotoTable("phones", root, ROWS, "").kept(ROWS)


def kinds(plans: Sequence[Plan]) -> dict[str, Counter[str]]:
    return {row.path: Counter(p.kind for p in plans if p.photo == i) for i, row in enumerate(ROWS)}


def test_every_photo_is_planned_once_as_answering_sees_it_and_in_views(phones: PhotoTable) -> None:
    for plans in (plan_phones(phones, MARKS, 0), plan_generic(phones, 3)):
        for seen in kinds(plans).values():
            assert seen["plain"] == 1
            assert seen["view"] >= 1
        assert all(p.label == ROWS[p.photo].label for p in plans if p.kind in ("plain", "view", "swap"))


def test_only_what_is_outlined_gets_another_background(phones: PhotoTable) -> None:
    found = kinds(plan_phones(phones, MARKS, 0))
    assert {path for path, seen in found.items() if seen["swap"]} == {"front.jpg", "side.jpg", "cracked.jpg"}


def test_damage_is_painted_on_whole_phones_with_a_known_screen(phones: PhotoTable) -> None:
    plans = plan_phones(phones, MARKS, 0)
    assert {path for path, seen in kinds(plans).items() if seen["paint"]} == {"front.jpg"}
    times = Counter(p.label for p in plans if p.kind == "paint")
    assert set(times) <= set(PAINTED)
    assert all(int(n) <= times[label] <= int(n) + 1 for label, n in PAINTED.items())


def test_only_other_scenes_serve_as_background_and_are_named(phones: PhotoTable) -> None:
    plans = plan_phones(phones, MARKS, 0)
    assert {p.under for p in plans} == {-1, 5}
    assert {p.kind for p in plans if p.under >= 0} == {"swap", "render"}
    assert all(p.uses == (p.photo, p.under) for p in plans)
    assert {p.photo for p in plans if p.kind == "render"} == {-1}
    assert set(CONDITIONS) >= {p.label for p in plans}


def test_a_plan_is_the_same_every_time(phones: PhotoTable) -> None:
    one, again, other = (plan_phones(phones, MARKS, seed) for seed in (0, 0, 1))
    assert one == again != other


def test_any_other_table_is_shown_as_it_is(phones: PhotoTable) -> None:
    plans = plan_generic(phones, 3)
    assert {p.kind for p in plans} == {"plain", "view"}
    assert len(plans) == 4 * len(ROWS)


PICTURES = (
    Plan("plain", "intact", 0),
    Plan("view", "screen_broken", 3),
    Plan("swap", "intact", 0),
    Plan("swap", "intact", 2, 5),
    Plan("paint", "screen_broken", 0),
    Plan("render", "liquid_damage"),
    Plan("render", "intact", -1, 5),
    Plan("view", "parcel_damaged", 4),
)


def studio(phones: PhotoTable, seed: int = 0) -> Studio:
    return Studio(phones, MARKS, SIZE, seed)


def test_pictures_depend_on_the_seed_and_their_number_alone(phones: PhotoTable) -> None:
    one, other, third = studio(phones), studio(phones), studio(phones, 1)
    forth = [one.make(p, n) for n, p in enumerate(PICTURES)]
    back = [other.make(p, n) for n, p in reversed(list(enumerate(PICTURES)))][::-1]
    for a, b in zip(arrays(forth), arrays(back), strict=True):
        np.testing.assert_array_equal(a, b)
    for n, plan in enumerate(PICTURES):
        same = plan.kind == "plain"
        assert np.array_equal(one.make(plan, 100 + n).pixels, forth[n].pixels) == same
        assert np.array_equal(third.make(plan, n).pixels, forth[n].pixels) == same


def test_pictures_have_the_networks_size(phones: PhotoTable) -> None:
    made = arrays([studio(phones).make(p, n) for n, p in enumerate(PICTURES)])
    n, k, side = len(PICTURES), len(HEAT), SIZE // CELL
    assert [a.shape for a in made] == [(n, SIZE, SIZE, 3), (n, k), (n, k, side, side), (n, k, 4)]
    assert [a.dtype for a in made] == [np.uint8, np.uint8, np.uint8, np.float32]
    assert made[2].max() <= 100


def test_the_plain_picture_is_the_letterbox(phones: PhotoTable) -> None:
    made = studio(phones).make(Plan("plain", "parcel_damaged", 4), 7)
    pixels = np.asarray(Image.open(phones.root / "box.jpg"))
    np.testing.assert_array_equal(made.pixels, letterbox(pixels, SIZE)[0])
    assert states(made.target) == {"parcel_damage": SOMEWHERE}


@pytest.mark.parametrize("seed", range(4))
def test_a_swapped_phone_keeps_its_place_on_another_ground(phones: PhotoTable, seed: int) -> None:
    made = studio(phones, seed).make(Plan("swap", "intact", 0, 5), seed)
    assert states(made.target) == {"screen": DENSE, "device": DENSE}
    assert cells(made.target, "device").any()


def test_painted_damage_lies_on_the_screen_and_is_known_cell_by_cell(phones: PhotoTable) -> None:
    made = [studio(phones).make(Plan("paint", "screen_broken", 0), n).target for n in range(6)]
    for target in made:
        assert states(target, "device") == dict.fromkeys((*HEAT[:-2], "screen"), DENSE)
        assert target.state[HEAT.index("device")] == UNKNOWN
        screen = np.pad(cells(target, "screen") > 0, 1)
        near = np.logical_or.reduce([np.roll(screen, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)])
        assert not (cells(target, "crack") > 0)[~near[1:-1, 1:-1]].any()
    assert np.mean([cells(t, "crack").any() for t in made]) > 0.8


@pytest.mark.parametrize(("label", "kind"), [("intact", None), ("liquid_damage", "water"), ("screen_broken", "crack")])
def test_of_a_rendered_phone_all_is_known(phones: PhotoTable, label: str, kind: str | None) -> None:
    made = [studio(phones).make(Plan("render", label), n).target for n in range(4)]
    assert all((t.state == DENSE).all() for t in made)
    assert any(cells(t, "device").any() for t in made)
    hurt = {k for t in made for k in HEAT[:-2] if cells(t, k).any()}
    assert kind in hurt if kind else not hurt


def test_of_any_other_table_no_place_is_known(phones: PhotoTable) -> None:
    own = Studio(phones, None, SIZE, 0)
    for n, kind in enumerate(("plain", "view")):
        target = own.make(Plan(kind, "intact", 0), n).target
        assert set(target.state) == {UNKNOWN}
        assert not target.mask.any()


def test_many_photos_are_not_all_held(phones: PhotoTable, monkeypatch: pytest.MonkeyPatch) -> None:
    from training.diagnosis import samples

    monkeypatch.setattr(samples, "KEPT", 2)
    made = studio(phones)
    for i in (0, 1, 2, 0, 1, 2):
        made.make(Plan("plain", ROWS[i].label, i), i)
        assert len(made._photos) <= 2
