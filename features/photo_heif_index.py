"""The index of a HEIC file: what libheif would accept and should not is refused before it runs.

libheif refuses a coded picture that is larger than its declared size, so that declared sizes can be trusted. It accepts
a huge picture cropped to a small one, metadata that point at the same bytes again and again, and a grid of the same
large tile many times over (10 KB that took it 25 seconds).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final

__all__ = ["check_heic"]

# Real files have a few hundred boxes where they are walked here (a 48-megapixel photo: 200 tiles).
MAX_BOXES: Final = 5_000
# Tiles reach over the edge and a gain map comes on top: a 48-megapixel iPhone photo decodes 63.
TILED: Final = 1.5
_INDEX: Final = frozenset({b"iloc", b"ipco", b"ipma", b"iref"})


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Give kind, start of the content and end of each box between two places."""
    for _ in range(MAX_BOXES):
        if start + 8 > end:
            return
        size, head = int.from_bytes(data[start : start + 4]), 8
        if size == 1:
            size, head = int.from_bytes(data[start + 8 : start + 16]), 16
        stop = start + size if size else end
        if stop < start + head or stop > end:
            raise ValueError("a box of impossible length")
        yield data[start + 4 : start + 8], start + head, stop
        start = stop
    raise ValueError("too many boxes")


def _located(box: bytes) -> int:
    """Add up the bytes that an ``iloc`` box points at."""
    version = box[0]
    offset_size, length_size, base_size = box[4] >> 4, box[4] & 15, box[5] >> 4
    index_size = box[5] & 15 if version else 0
    wide = 4 if version == 2 else 2
    at, total = 6 + wide, 0
    for _ in range(int.from_bytes(box[6:at])):
        at += wide + (2 if version else 0) + 2 + base_size
        extents = int.from_bytes(box[at : at + 2])
        at += 2
        for _ in range(extents):
            at += index_size + offset_size
            total += int.from_bytes(box[at : at + length_size])
            at += length_size
        if at > len(box):
            raise ValueError("an item index that is cut off")
    return total


def _numbers(data: bytes, size: int) -> list[int]:
    return [int.from_bytes(data[i : i + size]) for i in range(0, len(data) - size + 1, size)]


def _made_of(box: bytes) -> dict[int, list[int]]:
    """Read from an ``iref`` box which items (tiles, layers) each derived item is made of."""
    wide = 4 if box[0] else 2
    parts: dict[int, list[int]] = {}
    for kind, at, _ in _boxes(box, 4, len(box)):
        if kind == b"dimg":
            count = int.from_bytes(box[at + wide : at + wide + 2])
            first = at + wide + 2
            parts.setdefault(int.from_bytes(box[at : at + wide]), []).extend(
                _numbers(box[first : first + count * wide], wide)
            )
    return parts


def _declared(box: bytes) -> list[int]:
    """Read from an ``ipco`` box how many pixels each property declares: 0 for those that are no size."""
    return [
        int.from_bytes(box[at + 4 : at + 8]) * int.from_bytes(box[at + 8 : at + 12]) if kind == b"ispe" else 0
        for kind, at, _ in _boxes(box, 0, len(box))
    ]


def _sizes(box: bytes, declared: list[int]) -> dict[int, int]:
    """Read from an ``ipma`` box the pixels of each item, by the properties that belong to it."""
    item, index = (4 if box[0] else 2), (2 if box[3] & 1 else 1)
    at, sizes = 8, {}
    for _ in range(min(int.from_bytes(box[4:8]), MAX_BOXES)):
        first, count = at + item + 1, int.from_bytes(box[at + item : at + item + 1])
        mine = [i & (0x7FFF if index == 2 else 0x7F) for i in _numbers(box[first : first + count * index], index)]
        sizes[int.from_bytes(box[at : at + item])] = max((declared[i - 1] for i in mine if i), default=0)
        at = first + count * index
    return sizes


def _index(data: bytes) -> dict[bytes, bytes]:
    """Collect the boxes that say where items are, how large, and what they are made of; each at most once."""
    parts: dict[bytes, bytes] = {}
    for kind, start, end in _boxes(data, 0, len(data)):
        if kind == b"meta":
            inner = [*_boxes(data, start + 4, end)]
            inner += [box for name, at, stop in inner if name == b"iprp" for box in _boxes(data, at, stop)]
            for name, at, stop in inner:
                if name in _INDEX and parts.setdefault(name, data[at:stop]) != data[at:stop]:
                    raise ValueError("two indexes")
    return parts


def check_heic(data: bytes, max_pixels: int) -> None:
    """Refuse a file that would cost more than its size tells.

    Parameters
    ----------
    data : bytes
    max_pixels : int
        That may be decoded, tiles that reach over the edge apart.

    Raises
    ------
    ValueError, LookupError, RecursionError
        It says which; a loop of items ends in the last.
    """
    parts = _index(data)
    if _located(parts[b"iloc"]) > len(data):
        raise ValueError("items that overlap")
    declared = _declared(parts[b"ipco"])
    sizes = _sizes(parts[b"ipma"], declared)
    made_of = _made_of(parts[b"iref"]) if b"iref" in parts else {}

    @cache
    def work(item: int) -> int:
        return sum(map(work, made_of[item])) if item in made_of else sizes.get(item, 0)

    if max([*declared, *map(work, made_of)], default=0) > max_pixels * TILED:
        raise ValueError("too many pixels to decode")
