"""A photo in its square and back, and from a map to boxes and shares."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.places import PAD, REACH, SPECK, STRONGEST, Box, Floats, Frame, affected_share, boxes, letterbox, outline

SIDES = st.integers(1, 300)
SIZES = st.sampled_from([32, 64, 96, 128])
SHARE = st.floats(0, 1)
FRAMES = st.builds(lambda w, h, size: letterbox(blank(w, h), size)[1], SIDES, SIDES, SIZES)
# Few values, so that maps have pieces and ties; wide enough for pieces that lie apart.
CELLS = st.sampled_from([np.float32(v) for v in (0, 0, 0, 0.25, 0.5, 0.75, 1)])
SHAPES = st.tuples(st.integers(1, 14), st.integers(1, 14))
MAPS = SHAPES.flatmap(lambda shape: arrays(np.float32, shape, elements=CELLS))
THREE_MAPS = arrays(np.float32, (3, 6, 6), elements=CELLS)


def blank(width: int, height: int, colour: Any = 0) -> npt.NDArray[np.uint8]:
    return np.full((height, width, 3), colour, np.uint8)


def on(*cells: tuple[int, int], shape: tuple[int, int] = (16, 16)) -> Floats:
    heat = np.zeros(shape, np.float32)
    for y, x in cells:
        heat[y, x] = 0.9
    return heat


def square_of(frame: Frame, box: Box) -> Box:
    """Take a box from shares of the photo to shares of the square."""
    x0, x1 = ((frame.x + x * frame.width) / frame.size for x in box[::2])
    y0, y1 = ((frame.y + y * frame.height) / frame.size for y in box[1::2])
    return x0, y0, x1, y1


def rounded(found: set[Box]) -> set[tuple[float, ...]]:
    return {tuple(round(float(v), 6) for v in box) for box in found}


def slow_boxes(heat: Floats, threshold: float) -> list[Box]:
    """Join cells pair by pair, the obvious way."""
    pieces = [{(int(y), int(x))} for y, x in np.argwhere(heat >= threshold)]
    joined = True
    while joined:
        joined = False
        for one in pieces:
            for other in pieces:
                if one is not other and any(max(abs(a - c), abs(b - d)) <= REACH for a, b in one for c, d in other):
                    one |= other
                    pieces.remove(other)
                    joined = True
                    break
            if joined:
                break
    pieces.sort(key=lambda piece: (-len(piece), min(piece)))
    h, w = heat.shape
    out = []
    for piece in pieces:
        y, x = zip(*piece, strict=True)
        if len(piece) >= SPECK * len(pieces[0]):
            out.append((min(x) / w, min(y) / h, (max(x) + 1) / w, (max(y) + 1) / h))
    return out


@given(SIDES, SIDES, SIZES)
def test_letterbox_keeps_the_aspect_and_fills_the_square(width: int, height: int, size: int) -> None:
    square, frame = letterbox(blank(width, height), size)
    assert square.shape == (size, size, 3)
    assert max(frame.width, frame.height) == size
    scale = size / max(width, height)
    assert frame.width == pytest.approx(max(1, width * scale), abs=0.5)
    assert frame.height == pytest.approx(max(1, height * scale), abs=0.5)


@given(SIDES, SIDES, SIZES)
def test_letterbox_centres_the_photo_and_pads_the_rest(width: int, height: int, size: int) -> None:
    square, frame = letterbox(blank(width, height, (255, 0, 7)), size)
    within = np.zeros((size, size), bool)
    within[frame.y : frame.y + frame.height, frame.x : frame.x + frame.width] = True
    assert within.sum() == frame.width * frame.height > 0
    assert (square[within] == (255, 0, 7)).all()
    assert (square[~within] == PAD).all()
    assert 0 <= size - frame.width - 2 * frame.x <= 1
    assert 0 <= size - frame.height - 2 * frame.y <= 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (1, 5000), (5000, 1), (3, 5000), (20_000, 2)], ids=str)
def test_letterbox_of_extreme_shapes(shape: tuple[int, int]) -> None:
    square, frame = letterbox(blank(*shape, 200), 64)
    assert min(frame.width, frame.height) >= 1
    assert (square != PAD).any()


@pytest.mark.parametrize("shape", [(200, 90), (90, 200), (40, 20), (64, 64)], ids=str)
def test_letterbox_keeps_every_corner_in_its_place(shape: tuple[int, int]) -> None:
    width, height = shape
    photo = blank(width, height)
    photo[height // 2 :, :, 0] = photo[:, width // 2 :, 1] = 255
    square, frame = letterbox(photo, 64)
    bottom, right = frame.y + frame.height - 1, frame.x + frame.width - 1
    corners = [square[y, x, :2].tolist() for y in (frame.y, bottom) for x in (frame.x, right)]
    assert corners == [[0, 0], [0, 255], [255, 0], [255, 255]]


def test_a_photo_of_the_right_size_is_left_as_it_is() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    square, frame = letterbox(photo, 64)
    np.testing.assert_array_equal(square, photo)
    assert frame == Frame(0, 0, 64, 64, 64)


def test_letterbox_takes_views_and_what_cannot_be_written() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (50, 90, 3), np.uint8)
    photo.setflags(write=False)
    turned = photo.transpose(1, 0, 2)[::-1]
    np.testing.assert_array_equal(letterbox(turned, 64)[0], letterbox(turned.copy(), 64)[0])


@given(FRAMES, SHARE, SHARE, SHARE, SHARE)
def test_shares_undo_the_letterbox(frame: Frame, a: float, b: float, c: float, d: float) -> None:
    box = (min(a, c), min(b, d), max(a, c), max(b, d))
    assert frame.shares(square_of(frame, box)) == pytest.approx(box, abs=1e-6)


@given(FRAMES, st.lists(st.floats(-2, 3), min_size=4, max_size=4))
def test_shares_stay_on_the_photo(frame: Frame, edges: list[float]) -> None:
    (x0, x1), (y0, y1) = sorted(edges[:2]), sorted(edges[2:])
    left, top, right, bottom = frame.shares((x0, y0, x1, y1))
    assert 0 <= left <= right <= 1
    assert 0 <= top <= bottom <= 1


@given(FRAMES, st.sampled_from([4, 8, 16, 32]))
def test_nothing_is_seen_in_the_margins(frame: Frame, cells: int) -> None:
    heat = np.ones((2, cells, cells), np.float32)
    within = frame.inside(heat)
    side = frame.size / cells
    for y in range(cells):
        for x in range(cells):
            wide = min((x + 1) * side, frame.x + frame.width) - max(x * side, frame.x)
            tall = min((y + 1) * side, frame.y + frame.height) - max(y * side, frame.y)
            assert (within[:, y, x] == (wide > 0 and tall > 0)).all()
    assert (heat == 1).all(), "a copy is given"


@given(FRAMES, st.integers(0, 15), st.integers(0, 15))
def test_what_lies_inside_has_an_extent_on_the_photo(frame: Frame, y: int, x: int) -> None:
    for box, _ in boxes(frame.inside(on((y, x))[None])[0], 0.5):
        left, top, right, bottom = frame.shares(box)
        assert left < right
        assert top < bottom


@given(MAPS, st.sampled_from([0.25, 0.5, 0.6]))
def test_boxes_agree_with_the_slow_way(heat: Floats, threshold: float) -> None:
    assert [box for box, _ in boxes(heat, threshold, most=heat.size)] == slow_boxes(heat, threshold)


@given(MAPS, st.integers(1, 4))
def test_boxes_are_sure_lie_on_the_map_and_are_few(heat: Floats, most: int) -> None:
    found = boxes(heat, 0.5, most)
    assert len(found) <= most
    assert bool(found) == bool((heat >= 0.5).any())
    for (x0, y0, x1, y1), sure in found:
        assert 0 <= x0 < x1 <= 1
        assert 0 <= y0 < y1 <= 1
        assert 0.5 <= sure <= 1


@given(MAPS)
def test_a_mirrored_map_has_mirrored_boxes(heat: Floats) -> None:
    straight, mirrored = ({box for box, _ in boxes(m, 0.5, most=m.size)} for m in (heat, heat[:, ::-1]))
    assert rounded(straight) == rounded({(1 - x1, y0, 1 - x0, y1) for x0, y0, x1, y1 in mirrored})


def test_the_largest_comes_first() -> None:
    large, small = [(2, x) for x in range(6)], [(12, x) for x in range(3)]
    for cells in (large + small, small + large):
        assert [box for box, _ in boxes(on(*cells), 0.5)] == [
            (0, 2 / 16, 6 / 16, 3 / 16),
            (0, 12 / 16, 3 / 16, 13 / 16),
        ]


@pytest.mark.parametrize("way", [(0, 1), (1, 0), (1, 1), (1, -1)], ids=str)
@pytest.mark.parametrize("far", range(1, 2 * REACH + 2))
def test_pieces_within_reach_are_one_damage(way: tuple[int, int], far: int) -> None:
    heat = on((8, 8), (8 + far * way[0], 8 + far * way[1]))
    assert len(boxes(heat, 0.5)) == (1 if far <= REACH else 2)


def test_a_long_thin_crack_is_one_damage() -> None:
    [(box, _)] = boxes(on(*((i, i) for i in range(0, 16, REACH))), 0.5)
    assert box == (0, 0, 15 / 16, 15 / 16)


@pytest.mark.parametrize(("cells", "pieces"), [(1, 1), (2, 2)])
def test_specks_are_left_out(cells: int, pieces: int) -> None:
    large = [(y, x) for y in range(4) for x in range(5)]
    speck = [(15, 15 - i) for i in range(cells)]
    assert len(boxes(on(*large, *speck), 0.5)) == pieces


def test_the_strongest_cells_tell_how_sure() -> None:
    heat = np.full((1, 9), 0.5, np.float32)
    heat[0, :STRONGEST] = 0.6, 0.7, 0.8, 0.9
    [(_, sure)] = boxes(heat, 0.5)
    assert sure == pytest.approx(0.75)


def test_nothing_is_outlined_where_nothing_is() -> None:
    assert boxes(on(), 0.5) == []
    assert outline(on()) is None


def test_the_outline_is_that_of_the_largest() -> None:
    assert outline(on((1, 1), (10, 10), (10, 11))) == (10 / 16, 10 / 16, 12 / 16, 11 / 16)


@given(THREE_MAPS)
def test_a_share_is_a_share(maps: Floats) -> None:
    assert 0 <= affected_share(maps[0], maps[1:], 0.5) <= 1


@given(THREE_MAPS, arrays(np.float32, (4, 6, 6), elements=CELLS))
def test_more_damage_is_no_smaller_share(maps: Floats, more: Floats) -> None:
    damage, screen, device = maps
    grown = np.maximum.accumulate([damage, *more])
    for less, greater in pairwise(affected_share(d, (screen, device), 0.5) for d in grown):
        assert less <= greater


@pytest.mark.parametrize(
    ("screen", "device", "share"),
    [(4, 4, 0.5), (4, 6, 0.5), (0, 4, 0.5), (1, 6, 2 / 6), (0, 0, 0.0), (1, 1, 0.0)],
)
def test_the_share_is_of_the_first_ground_that_is_seen(screen: int, device: int, share: float) -> None:
    """Grounds are rows of cells from the left, too few cells are none; damage is two cells on the left."""
    grounds = [on(*((0, x) for x in range(n)), shape=(6, 6)) for n in (screen, device)]
    assert affected_share(on((0, 0), (0, 1), shape=(6, 6)), grounds, 0.5) == pytest.approx(share)


def test_damage_beside_the_screen_is_none_of_it() -> None:
    screen = on(*((0, x) for x in range(6)), shape=(6, 6))
    assert affected_share(1 - screen, (screen, np.ones((6, 6), np.float32)), 0.5) == 0
    assert affected_share(screen, (screen, screen), 0.5) == 1
