"""Photos from somebody who means no good, or whose program is broken: named files, all made here by code.

`corpus` gives ``{name: (bytes, expected)}``; expected is ``ok``, the rule of the `InputError`, or ``any`` where both
are right (what a decoder makes of damage differs between its versions).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from functools import lru_cache

from photo_corpus_bad import DAMAGED, PARTS, PIXELS
from photo_makers import (
    animated,
    box,
    chunk,
    exif,
    in_jpeg,
    interlaced,
    png,
    png_of,
    png_with_exif,
    resized,
    riff,
    save,
    scene,
    segment,
    vp8_of,
    vp8x,
    zeros,
)
from PIL import Image

Cases = dict[str, tuple[bytes, str]]


def _plain() -> Iterator[tuple[str, bytes, str]]:
    image = scene()
    yield "jpeg", save(image), "ok"
    yield "jpeg progressive", save(image, progressive=True), "ok"
    yield "jpeg 4:4:4", save(image, subsampling=0), "ok"
    yield "jpeg restart markers", save(image, restart_marker_blocks=1), "ok"
    yield "jpeg grey", save(image.convert("L")), "ok"
    yield "jpeg quality 1", save(image, quality=1), "ok"
    cmyk = save(image.convert("CMYK"))
    adobe = cmyk.index(b"\xff\xee")
    yield "jpeg CMYK with the Adobe marker", cmyk, "ok"
    yield "jpeg CMYK without the Adobe marker", cmyk[:adobe] + cmyk[adobe + 16 :], "ok"
    yield "jpeg RGB with an Adobe marker", save(image, keep_rgb=True), "ok"
    yield "webp", save(image, "WEBP"), "ok"
    yield "webp lossless", save(image, "WEBP", lossless=True), "ok"
    yield "webp alpha", save(image.convert("RGBA"), "WEBP"), "ok"
    yield "heic", save(image, "HEIF"), "ok"
    yield "heic alpha", save(image.convert("RGBA"), "HEIF"), "ok"
    yield "heic grey", save(image.convert("L"), "HEIF"), "ok"
    yield "heic in tiles", save(scene(600, 400), "HEIF", tile_size=128), "ok"
    for size in ((1, 1), (2, 1), (1, 3000), (3000, 1), (20_000, 1), (17, 13)):
        for form in ("JPEG", "PNG", "WEBP"):
            if size[0] < 16_384 or form != "WEBP":  # WebP itself ends there
                yield f"{form} {size[0]}x{size[1]}", save(scene(*size), form), "ok"
    yield "JPEG 30,000x1", save(scene(30_000, 1)), PIXELS
    yield "PNG 30,000x1", save(scene(30_000, 1), "PNG"), PIXELS
    yield "PNG 1x30,000", save(scene(1, 30_000), "PNG"), PIXELS
    yield "heic 1x1", save(scene(1, 1), "HEIF"), "any"


def _png_types() -> Iterator[tuple[str, bytes, str]]:
    for colour, depths in {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}.items():
        for depth in depths:
            yield f"png colour {colour} depth {depth}", png_of(depth, colour), "ok"
    for colour, depth in ((0, 3), (0, 32), (1, 8), (2, 4), (3, 16), (4, 4), (5, 8), (6, 1), (7, 8)):
        data = png(8, 8, depth, colour, zlib.compress(bytes(999)))
        yield f"png impossible colour {colour} depth {depth}", data, DAMAGED
    yield "png interlaced", interlaced(), "ok"
    yield "png grey with a transparent value", png_of(8, 0, chunk(b"tRNS", b"\0\x10")), "ok"
    yield "png 16-bit grey with a transparent value", png_of(16, 0, chunk(b"tRNS", b"\0\x10")), "ok"
    yield "png RGB with a transparent value", png_of(8, 2, chunk(b"tRNS", bytes(6))), "ok"
    yield "png palette with alpha", png_of(4, 3, chunk(b"tRNS", bytes(range(16)))), "ok"
    yield "png palette with too much alpha", png_of(1, 3, chunk(b"tRNS", bytes(256))), "any"
    yield "png palette without a palette", png(8, 8, 8, 3, zlib.compress(bytes(72))), "any"
    yield "png palette beyond its end", png(8, 8, 8, 3, zlib.compress(b"\0\xff" * 72), chunk(b"PLTE", b"abc")), "any"


def _orientations() -> Iterator[tuple[str, bytes, str]]:
    image = scene()
    for value in range(1, 9):
        yield f"jpeg orientation {value}", in_jpeg(save(image), segment(0xE1, b"Exif\0\0" + exif(value))), "ok"
        yield f"png orientation {value}", png_with_exif(exif(value, ">")), "ok"
        yield f"webp orientation {value}", save(image, "WEBP", exif=exif(value)), "ok"
    blocks = {
        "orientation 0": exif(0),
        "orientation 9": exif(9),
        "orientation 65,535": exif(65_535),
        "orientation as a long": exif(6, ">", 4),
        "orientation as text": exif(6, "<", 2),
        "a loop of directories": exif(3)[:-4] + struct.pack("<I", 8),
        "a directory at the end of the world": b"II*\0\xff\xff\xff\xff",
        "a directory upon itself": b"II*\0\0\0\0\0",
        "65,535 entries": b"II*\0\x08\0\0\0\xff\xff" + bytes(4000),
        "no order of bytes": b"XX*\0" + bytes(60),
        "rubbish": bytes(range(256)) * 20,
        "nothing": b"",
        "GPS": exif(6, "<", 3, b"GPS 48.137154 11.576124" * 9),
    }
    for name, block in blocks.items():
        yield f"jpeg EXIF with {name}", in_jpeg(save(image), segment(0xE1, b"Exif\0\0" + block)), "ok"
        yield f"png EXIF with {name}", png_with_exif(block), "ok"
        yield f"webp EXIF with {name}", riff(vp8x(96, 64, 8), (b"EXIF", block), vp8_of(save(image, "WEBP"))), "ok"


def _metadata() -> Iterator[tuple[str, bytes, str]]:
    jpeg, plain = save(scene()), save(scene(), "PNG")
    mb = 2**20
    bomb = zeros(60 * mb)
    inserted = {
        "zTXt of 60 MiB": chunk(b"zTXt", b"Comment\0\0" + bomb),
        "iTXt of 60 MiB": chunk(b"iTXt", b"Comment\0\1\0\0\0" + bomb),
        "iCCP of 60 MiB": chunk(b"iCCP", b"icc\0\0" + bomb),
        "fifty zTXt of 60 MiB": chunk(b"zTXt", b"Comment\0\0" + bomb) * 50,
        "iCCP that is rubbish": chunk(b"iCCP", b"icc\0\0rubbish"),
        "tEXt of 5 MiB": chunk(b"tEXt", b"Comment\0" + bytes(5 * mb)),
        "15,000 tiny chunks": chunk(b"tEXt", b"a\0b") * 15_000,
        "an unknown chunk": chunk(b"evIl", bytes(99)),
        "an sRGB, a gAMA and a pHYs": chunk(b"sRGB", b"\0") + chunk(b"gAMA", bytes(4)) + chunk(b"pHYs", bytes(9)),
        "a chunk with a wrong checksum": chunk(b"tEXt", b"a\0b")[:-1] + b"\0",
    }
    for name, part in inserted.items():
        yield f"png with {name}", plain[:33] + part + plain[33:], "ok"
        yield f"png with {name} after the picture", plain[:-12] + part + plain[-12:], "ok"
    yield "png with a million chunks", plain[:33] + chunk(b"tEXt", b"") * 1_000_000 + plain[33:], DAMAGED
    icc = [segment(0xE2, b"ICC_PROFILE\0" + bytes([i, 255]) + bytes(65_000)) for i in range(1, 256)]
    segments = {
        "an ICC profile of 16 MiB": icc,
        "an ICC profile that is rubbish": [segment(0xE2, b"ICC_PROFILE\0\1\1rubbish")],
        "ICC parts out of order": [icc[4], icc[0], icc[0]],
        "a comment of 64 KiB": [segment(0xFE, bytes(65_000))],
        "10,000 comments": [segment(0xFE, b"x")] * 10_000,
        "XMP": [segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>&lol;</x:xmpmeta>")],
        "an index of many pictures": [segment(0xE2, b"MPF\0" + exif(3))],
        "a broken index of many pictures": [segment(0xE2, b"MPF\0II*\0\xff\xff\xff\xff")],
        "a Photoshop block": [segment(0xED, b"Photoshop 3.0\0008BIM" + b"\xff" * 50)],
        "a short JFIF": [segment(0xE0, b"JFIF\0")],
        "a short Adobe marker": [segment(0xEE, b"Adobe")],
        "two EXIF blocks": [segment(0xE1, b"Exif\0\0" + exif(o)) for o in (1, 6)],
        "a scan inside a comment": [segment(0xFE, jpeg[jpeg.index(b"\xff\xda") :][:500])],
        "a frame inside a comment": [segment(0xFE, resized(jpeg, 60_000, 60_000)[:600])],
    }
    for name, parts in segments.items():
        yield f"jpeg with {name}", in_jpeg(jpeg, *parts), "any" if "short" in name else "ok"
    yield "jpeg with 4 million comments", in_jpeg(jpeg, segment(0xFE, b"") * 4_000_000), DAMAGED
    webp = vp8_of(save(scene(), "WEBP"))
    yield "webp with an ICC profile of 5 MiB", riff(vp8x(96, 64, 32), (b"ICCP", bytes(5 * mb)), webp), "ok"
    yield "webp with 10,000 chunks", riff(vp8x(96, 64, 0), *[(b"junk", b"")] * 10_000, webp), "ok"
    yield "webp with a million chunks", riff(vp8x(96, 64, 0), *[(b"junk", b"")] * 1_000_000, webp), DAMAGED
    yield "heic with EXIF", save(scene(), "HEIF", exif=exif(6)), "ok"
    yield "heic with rubbish EXIF", save(scene(), "HEIF", exif=bytes(999)), "any"


def _glued() -> Iterator[tuple[str, bytes, str]]:
    tails = {"a ZIP": b"PK\x03\x04" + bytes(999), "HTML": b"<script>alert(1)</script>", "a PDF": b"%PDF-1.7\n",
             "a film": box(b"ftyp", b"mp42\0\0\0\0") + bytes(10**6), "another JPEG": save(scene(9, 9))}  # fmt: skip
    files = {"jpeg": save(scene()), "png": save(scene(), "PNG"), "webp": save(scene(), "WEBP")}
    for kind, data in files.items():
        for name, tail in tails.items():
            yield f"{kind} with {name} behind", data + tail, "ok"
    yield "jpeg with HTML in a comment", in_jpeg(files["jpeg"], segment(0xFE, b"<script>alert(1)</script>")), "ok"
    yield "jpeg with PHP in EXIF", in_jpeg(files["jpeg"], segment(0xE1, b"Exif\0\0<?php system('id')?>")), "ok"
    yield "webp, animated", animated("WEBP"), "ok"
    yield "png, animated", animated("PNG"), "ok"
    frames = [Image.new("RGB", (16, 16), (i, 255 - i, 0)) for i in range(200)]
    yield "webp, animated, 200 frames", save(frames[0], "WEBP", save_all=True, append_images=frames[1:]), "ok"


@lru_cache(maxsize=1)
def corpus() -> Cases:
    """Give every file with what is expected of it."""
    cases: Cases = {}
    for part in (_plain, _png_types, _orientations, _metadata, _glued, *PARTS):
        for name, data, expected in part():
            assert name not in cases, name
            cases[name] = (data, expected)
    return cases
