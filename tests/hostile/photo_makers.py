"""Parts of photos, right and wrong, to build hostile files from; see `photo_corpus`."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pillow_heif
from PIL import Image


def scene(width: int = 96, height: int = 64) -> Image.Image:
    """Give a picture with edges whose four corners differ: red, green, blue, white."""
    y, x = np.mgrid[:height, :width]
    pixels = np.stack([x * 255 // max(1, width - 1), y * 255 // max(1, height - 1), (x ^ y) % 256], -1).astype(np.uint8)
    corners = [((0, 0), (255, 0, 0)), ((0, 1), (0, 255, 0)), ((1, 0), (0, 0, 255)), ((1, 1), (255, 255, 255))]
    h, w = max(1, height // 4), max(1, width // 4)
    for (down, right), colour in corners:
        pixels[down * (height - h) : down * (height - h) + h, right * (width - w) : right * (width - w) + w] = colour
    return Image.fromarray(pixels)


def save(image: Image.Image, form: str = "JPEG", **options: object) -> bytes:
    """Encode with Pillow, or with pillow-heif for HEIF."""
    out = io.BytesIO()
    if form == "HEIF":
        pillow_heif.from_pillow(image).save(out, **options)
    else:
        image.save(out, form, **options)
    return out.getvalue()


def exif(orientation: int, order: str = "<", kind: int = 3, more: bytes = b"") -> bytes:
    """Give an EXIF block with an orientation, and whatever comes after."""
    value = struct.pack(order + ("HH" if kind == 3 else "I"), *((orientation, 0) if kind == 3 else (orientation,)))
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, 1)
    return head + struct.pack(order + "HHI", 0x0112, kind, 1) + value + b"\0\0\0\0" + more


def segment(marker: int, content: bytes) -> bytes:
    """Give a JPEG segment."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def in_jpeg(data: bytes, *parts: bytes) -> bytes:
    """Put segments at the beginning of a JPEG."""
    return data[:2] + b"".join(parts) + data[2:]


def resized(data: bytes, width: int, height: int) -> bytes:
    """Make a JPEG lie about its size."""
    at = next(i for m in (b"\xff\xc0", b"\xff\xc2") if (i := data.find(m)) > 0)
    return data[: at + 5] + struct.pack(">HH", height, width) + data[at + 9 :]


def chunk(kind: bytes, content: bytes) -> bytes:
    """Give a PNG chunk."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, depth: int, colour: int, body: bytes, *extra: bytes, interlace: int = 0) -> bytes:
    """Give a PNG of given header and image data, with chunks between them."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(extra) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def png_of(depth: int, colour: int, *extra: bytes, width: int = 40, height: int = 30) -> bytes:
    """Give a PNG of any colour type and depth, with a gradient."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    rng = np.random.default_rng(depth * 10 + colour)
    line = (width * channels * depth + 7) // 8
    rows = b"".join(b"\0" + rng.integers(0, 256, line, np.uint8).tobytes() for _ in range(height))
    palette = (chunk(b"PLTE", rng.integers(0, 256, 3 * 2**depth, np.uint8).tobytes()),) if colour == 3 else ()
    return png(width, height, depth, colour, zlib.compress(rows), *palette, *extra)


def zeros(count: int) -> bytes:
    """Compress many zeros without holding them."""
    packer = zlib.compressobj(1)
    parts = [packer.compress(bytes(2**20)) for _ in range(count >> 20)]
    return b"".join([*parts, packer.compress(bytes(count & 0xFFFFF)), packer.flush()])


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """Give a WebP of chunks."""
    body = b"WEBP" + b"".join(k + struct.pack("<I", len(c)) + c + b"\0" * (len(c) & 1) for k, c in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def vp8x(width: int, height: int, flags: int) -> tuple[bytes, bytes]:
    """Give the extended header of a WebP."""
    return b"VP8X", bytes([flags, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")


def box(kind: bytes, content: bytes) -> bytes:
    """Give an ISO box."""
    return struct.pack(">I", len(content) + 8) + kind + content


def patched(data: bytes, mark: bytes, skip: int, new: bytes) -> bytes:
    """Overwrite bytes at a distance after the first occurrence of a mark."""
    at = data.index(mark) + skip
    return data[:at] + new + data[at + len(new) :]


def interlaced() -> bytes:
    """Give an 8x8 grey interlaced PNG: seven passes of 1x1, 1x1, 2x1, 2x2, 4x2, 4x4, 8x4."""
    passes = ((1, 1), (1, 1), (2, 1), (2, 2), (4, 2), (4, 4), (8, 4))
    rows = b"".join((b"\0" + bytes(range(100, 100 + w))) * h for w, h in passes)
    return png(8, 8, 8, 0, zlib.compress(rows), interlace=1)


def png_with_exif(block: bytes) -> bytes:
    """Give a PNG with an eXIf chunk."""
    data = save(scene(), "PNG")
    return data[:33] + chunk(b"eXIf", block) + data[33:]


def vp8_of(simple: bytes) -> tuple[bytes, bytes]:
    """Give the coded picture of a simple WebP."""
    return simple[12:16], simple[20 : 20 + int.from_bytes(simple[16:20], "little")]


def animated(form: str) -> bytes:
    """Give three frames, of which the first is `scene`."""
    frames = [scene(), scene().transpose(Image.Transpose.FLIP_LEFT_RIGHT), Image.new("RGB", (96, 64), "red")]
    return save(frames[0], form, save_all=True, append_images=frames[1:], duration=50)


def heic_grid(tile: int, side: int, width: int, height: int, extent: int | None = None) -> bytes:
    """Give a HEIC that shows the same tile side x side times; `extent` is a lie about the bytes of the tile."""
    one = save(Image.new("RGB", (tile, tile)), "HEIF")
    at = one.index(b"hvcC") - 4
    codec = one[at : at + int.from_bytes(one[at : at + 4])]
    coded = one[one.index(b"mdat") + 4 :]

    def full(kind: bytes, content: bytes, version: int = 0) -> bytes:
        return box(kind, bytes([version, 0, 0, 0]) + content)

    def meta(base: int) -> bytes:
        items = [full(b"infe", struct.pack(">HH", i, 0) + k + b"\0", 2) for i, k in ((1, b"hvc1"), (2, b"grid"))]
        places = struct.pack(">HHHII", 1, 0, 1, base, extent or len(coded))
        places += struct.pack(">HHHII", 2, 0, 1, base + len(coded), 8)
        sizes = [full(b"ispe", struct.pack(">II", *size)) for size in ((tile, tile), (width, height))]
        owned = struct.pack(">I", 2) + b"\0\1\2\x81\2" + b"\0\2\1\3"
        tiles = struct.pack(">HH", 2, side * side) + b"\0\1" * (side * side)
        return full(
            b"meta",
            full(b"hdlr", bytes(4) + b"pict" + bytes(13))
            + full(b"pitm", b"\0\2")
            + full(b"iinf", b"\0\2" + b"".join(items))
            + full(b"iref", box(b"dimg", tiles))
            + full(b"iloc", b"\x44\0\0\2" + places)
            + box(b"iprp", box(b"ipco", codec + b"".join(sizes)) + full(b"ipma", owned)),
        )

    head = box(b"ftyp", b"heic\0\0\0\0mif1heic")
    shape = bytes([0, 0, side - 1, side - 1]) + struct.pack(">HH", width, height)
    return head + meta(len(head) + len(meta(0)) + 8) + box(b"mdat", coded + shape)
