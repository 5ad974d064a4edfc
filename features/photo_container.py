"""Photo bytes -> what the header says, and the same bytes without anything that is not picture.

JPEG, PNG and WebP are walked here, before any decoder sees them. Of each file only the parts that carry pixels are
kept, byte for byte: GPS, EXIF, XMP, ICC, comments, thumbnails, later frames and whatever was glued behind are gone
by construction, and so are the attacks that live in them (compressed text bombs, looping IFDs, second images). The
single fact taken from the metadata is the orientation.

A walker raises `ValueError` for a file that contradicts itself; `features.photo` says that to the caller.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

__all__ = ["Header", "exif_orientation", "read_jpeg", "read_png", "read_webp"]

# A walk costs about 1 µs a part. Real files have at most a few thousand (PNG in 8 KiB pieces: 2,560 at 20 MiB); a
# file of millions of empty parts is an attack on the walker itself.
MAX_PARTS: Final = 20_000
# Real progressive files have about 10 scans (the default script), special ones 30. Each scan of an empty 25-megapixel
# picture costs 25 ms and 10 bytes, so that without a limit a small file would keep a worker busy for hours.
MAX_SCANS: Final = 50

# Fixed at two bytes: with `\xff+` a run of 20 MiB of 0xFF would take quadratic time.
_MARKER: Final = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
_SOI, _EOI, _SOS, _APP1 = 0xD8, 0xD9, 0xDA, 0xE1
_SOF: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Baseline, extended and progressive Huffman. Lossless, hierarchical and arithmetic files come from no camera.
_SOF_READ: Final = frozenset({0xC0, 0xC1, 0xC2})
# Frame, tables, restart interval, line count, and the two segments that tell the colour space (JFIF, Adobe).
_JPEG_KEPT: Final = _SOF_READ | {0xC4, 0xDB, 0xDD, 0xDC, 0xE0, 0xEE}
_PNG_KEPT: Final = frozenset({b"PLTE", b"tRNS", b"IDAT"})
_WEBP_ALPHA, _WEBP_ANIMATED = 0x10, 0x02


@dataclass(frozen=True, slots=True)
class Header:
    """What a photo says of itself before it is decoded.

    Attributes
    ----------
    format : str
        ``JPEG``, ``PNG``, ``WebP`` or ``HEIC``.
    width, height : int
        As stored, before the orientation is applied.
    scalable : bool
        Whether the decoder can skip pixels, so that memory does not grow with the size: JPEG in a single scan.
    orientation : int
        EXIF 1 to 8; 1 where nothing (or nothing valid) is said.
    clean : bytes
        A file with the first picture and nothing else.
    """

    format: str
    width: int
    height: int
    scalable: bool
    orientation: int
    clean: bytes


def exif_orientation(exif: bytes) -> int:
    r"""Read the orientation from an EXIF block, and nothing else of it.

    Only the first directory is looked at and no pointer is followed, so a loop of directories cannot catch us.

    Examples
    --------
    >>> exif_orientation(b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0")
    6
    """
    exif = exif.removeprefix(b"Exif\0\0")
    if exif[:4] not in (b"II*\0", b"MM\0*"):
        return 1
    little = exif[:1] == b"I"

    def number(start: int, size: int) -> int:
        return int.from_bytes(exif[start : start + size], "little" if little else "big")

    directory = number(4, 4)
    for entry in range(directory + 2, min(directory + 2 + 12 * number(directory, 2), len(exif)), 12):
        if number(entry, 2) == 0x0112:
            value = number(entry + 8, {3: 2, 4: 4}.get(number(entry + 2, 2), 1))
            return value if 1 <= value <= 8 else 1
    return 1


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Give marker, start and end of each segment up to the end of the first image, entropy-coded data skipped."""
    at = 2
    for _ in range(MAX_PARTS):
        found = _MARKER.search(data, at)
        if found is None or data[found.end() - 1] == _EOI:
            return
        start, marker = found.start(), data[found.end() - 1]
        at = start + 2 + int.from_bytes(data[start + 2 : start + 4])
        if marker == _SOI or at < start + 4 or at > len(data):
            raise ValueError("a JPEG segment of impossible length")
        yield marker, start, at
    raise ValueError("too many JPEG segments")


def read_jpeg(data: bytes) -> Header:
    """Walk a JPEG up to its first scan (all scans if there are several); see `Header`."""
    kept, frame, orientation = [data[:2]], b"", 0
    walk = _jpeg_segments(data)
    for marker, start, end in walk:
        if marker == _SOS:
            break
        if marker in _SOF:
            if frame or marker not in _SOF_READ:
                raise ValueError("a second frame, or a coding that is not read")
            frame = data[start:end]
        if marker == _APP1 and not orientation and data[start + 4 : start + 10] == b"Exif\0\0":
            orientation = exif_orientation(data[start + 4 : end])
        if marker in _JPEG_KEPT:
            kept.append(data[start:end])
    else:
        raise ValueError("a JPEG without a scan")
    if len(frame) < 10:
        raise ValueError("a JPEG without a frame")
    # One scan that holds all components of a sequential frame can be decoded line by line; anything else makes
    # libjpeg keep the coefficients of the whole picture.
    scalable = frame[1] != 0xC2 and data[start + 4] == frame[9]
    if not scalable and sum(marker == _SOS for marker, _, _ in walk) >= MAX_SCANS:
        raise ValueError("too many scans")
    height, width = int.from_bytes(frame[5:7]), int.from_bytes(frame[7:9])
    return Header("JPEG", width, height, scalable, orientation or 1, b"".join([*kept, data[start:]]))


def _chunks(data: bytes, at: int, png: bool) -> Iterator[tuple[bytes, int, int, int]]:
    """Give kind, start, start of the content and end (without padding) of each chunk of a PNG or RIFF file."""
    for _ in range(MAX_PARTS):
        if at + 8 > len(data):
            return
        first, second = data[at : at + 4], data[at + 4 : at + 8]
        kind = second if png else first
        end = at + 8 + (int.from_bytes(first) + 4 if png else int.from_bytes(second, "little"))
        yield kind, at, at + 8, end
        at = end if png else end + (end - at & 1)
    raise ValueError("too many chunks")


def read_png(data: bytes) -> Header:
    """Walk a PNG (or the still picture of an animated one); see `Header`."""
    kept, orientation = [data[:33]], 1
    if data[8:16] != b"\0\0\0\x0dIHDR":
        raise ValueError("a PNG without a header")
    for kind, start, content, end in _chunks(data, 33, png=True):
        if kind == b"IEND":
            break
        if end > len(data):
            raise ValueError("a PNG that is cut off")
        if kind == b"eXIf":
            orientation = exif_orientation(data[content : end - 4])
        if kind in _PNG_KEPT:
            kept.append(data[start:end])
    kept.append(b"\0\0\0\0IEND\xaeB`\x82")
    width, height = int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    return Header("PNG", width, height, False, orientation, b"".join(kept))


def _webp_size(kind: bytes, content: bytes) -> tuple[int, int]:
    """Read the size from the first 10 bytes of a ``VP8X``, ``VP8L`` or ``VP8`` chunk."""
    if kind == b"VP8X":
        return 1 + int.from_bytes(content[4:7], "little"), 1 + int.from_bytes(content[7:10], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(content[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return int.from_bytes(content[6:8], "little") & 0x3FFF, int.from_bytes(content[8:10], "little") & 0x3FFF


def read_webp(data: bytes) -> Header:
    """Walk a WebP: the still picture, or the canvas and the first frame of an animated one; see `Header`."""
    data = data[: 8 + int.from_bytes(data[4:8], "little")]
    parts: dict[bytes, bytes] = {}
    width = height = 0
    orientation = 1
    for kind, start, content, end in _chunks(data, 12, png=False):
        if end > len(data):
            raise ValueError("a WebP that is cut off")
        if not width:
            width, height = _webp_size(kind, data[content : content + 10])
        if kind == b"EXIF":
            orientation = exif_orientation(data[content:end])
        elif kind in (b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"):
            parts.setdefault(kind, data[start:end] + b"\0" * (end - start & 1))
            if kind in (b"VP8 ", b"VP8L") and b"VP8X" not in parts:
                break  # the simple format: what follows is no part of it
    order = [b"VP8 ", b"VP8L"]
    if b"VP8X" in parts:
        flags = parts[b"VP8X"][8] & (_WEBP_ALPHA | _WEBP_ANIMATED)
        parts[b"VP8X"] = parts[b"VP8X"][:8] + bytes([flags]) + parts[b"VP8X"][9:]
        order = [b"VP8X", *([b"ANIM", b"ANMF"] if flags & _WEBP_ANIMATED else [b"ALPH", *order])]
    body = b"WEBP" + b"".join(parts.get(kind, b"") for kind in order)
    clean = b"RIFF" + len(body).to_bytes(4, "little") + body
    return Header("WebP", width, height, False, orientation, clean)
