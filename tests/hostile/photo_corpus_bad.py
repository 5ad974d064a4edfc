"""Photos that should be refused, or that only look right: bombs, lies, cuts and foreign formats; see `photo_corpus`."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from photo_makers import (
    animated,
    box,
    chunk,
    heic_grid,
    in_jpeg,
    patched,
    png,
    resized,
    riff,
    save,
    scene,
    segment,
    vp8_of,
    vp8x,
    zeros,
)

DAMAGED, FORMAT, PIXELS = "photo_damaged", "photo_format", "photo_pixels"


def _bombs() -> Iterator[tuple[str, bytes, str]]:
    jpeg, progressive = save(scene()), save(scene(), progressive=True)
    yield "png bomb of 50,000x50,000", png(50_000, 50_000, 8, 2, zlib.compress(bytes(999))), PIXELS
    yield "png bomb of 2^31-1", png(2**31 - 1, 2**31 - 1, 16, 6, b""), PIXELS
    yield "png bomb of 2^32-1", png(2**32 - 1, 1, 1, 0, b""), PIXELS
    yield "png bomb of 5,001x5,000", png(5_001, 5_000, 8, 2, zeros(2**20)), PIXELS
    yield "png of 16 megapixels of zeros", png(4_000, 4_000, 1, 0, zeros(4_000 * 501)), "ok"
    yield "png with more data than its size", png(8, 8, 8, 2, zeros(40 * 2**20)), "any"
    yield "png of no width", png(0, 8, 8, 2, zlib.compress(bytes(99))), DAMAGED
    yield "jpeg bomb of 65,535x65,535", resized(jpeg, 65_535, 65_535), PIXELS
    yield "jpeg bomb of 20,000x20,000", resized(jpeg, 20_000, 20_000), PIXELS
    yield "jpeg that lies: 8,000x8,000", resized(jpeg, 8_000, 8_000), DAMAGED
    yield "jpeg that lies: 8x8", resized(jpeg, 8, 8), "any"
    yield "jpeg of no height", resized(jpeg, 96, 0), DAMAGED
    yield "progressive that lies: 5,000x5,000", resized(progressive, 5_000, 5_000), DAMAGED
    yield "progressive bomb of 6,000x6,000", resized(progressive, 6_000, 6_000), PIXELS
    scan = progressive[progressive.rindex(b"\xff\xda") :].removesuffix(b"\xff\xd9")
    yield "progressive with 1,000 scans", resized(progressive[:-2] + scan * 1_000, 4_000, 4_000), DAMAGED
    yield "progressive with 30,000 scans", progressive[:-2] + scan * 30_000, DAMAGED
    simple = save(scene(), "WEBP")
    yield "webp bomb in VP8", patched(simple, b"\x9d\x01\x2a", 3, struct.pack("<HH", 16_383, 16_383)), PIXELS
    yield "webp that lies: 4,999x4,999", patched(simple, b"\x9d\x01\x2a", 3, struct.pack("<HH", 4_999, 4_999)), "any"
    lossless = save(scene(), "WEBP", lossless=True)
    yield "webp bomb in VP8L", patched(lossless, b"VP8L", 9, b"\xff\xff\xff\x0f"), PIXELS
    yield "webp bomb in VP8X", riff(vp8x(2**24, 2**24, 0), vp8_of(simple)), PIXELS
    big = vp8_of(patched(simple, b"\x9d\x01\x2a", 3, struct.pack("<HH", 16_383, 16_383)))
    yield "webp small outside, huge inside", riff(vp8x(96, 64, 0), big), DAMAGED
    frame = bytes(6) + b"\xfe\x3f\0\xfe\x3f\0" + bytes(4)
    huge = frame + big[0] + struct.pack("<I", len(big[1])) + big[1]
    yield "webp animation, huge frame", riff(vp8x(96, 64, 2), (b"ANIM", bytes(6)), (b"ANMF", huge)), DAMAGED
    heic = save(scene(), "HEIF")
    for width, height in ((60_000, 60_000), (2**32 - 1, 1), (7_000, 7_000), (8, 8), (0, 0)):
        lie = patched(heic, b"ispe", 8, struct.pack(">II", width, height))
        yield f"heic that lies: {width}x{height}", lie, "any"
    yield "heic too tall", heic_grid(64, 2, 64, 20_001), PIXELS
    yield "heic whose items overlap", heic_grid(64, 1, 64, 64, extent=10_000), DAMAGED
    yield "heic grid", heic_grid(64, 3, 180, 180), "ok"
    # 10 KB that take libheif 25 seconds, and 6 minutes with 1,000 tiles
    yield "heic grid of the same large tile 900 times", heic_grid(2_048, 30, 5_000, 5_000), DAMAGED
    grid = save(scene(256, 256), "HEIF", tile_size=128)
    yield "heic grid that lies", patched(grid, b"ispe", 8, struct.pack(">II", 4_000, 4_000)), "any"


def _cut() -> Iterator[tuple[str, bytes, str]]:
    files = {
        "jpeg": save(scene(320, 240)),
        "progressive": save(scene(320, 240), progressive=True),
        "png": save(scene(), "PNG"),
        "webp": save(scene(), "WEBP"),
        "animated webp": animated("WEBP"),
        "heic": save(scene(320, 240), "HEIF"),
    }
    for name, data in files.items():
        for length in (1, 2, 3, 4, 8, 11, 12, 13, 16, 20, 24, 30, 33, 41):
            yield f"{name} cut to {length}", data[:length], "any"
        for percent in (10, 30, 50, 70, 85, 98):
            yield f"{name} cut to {percent} %", data[: len(data) * percent // 100], "any"
        yield f"{name} without the last byte", data[:-1], "any"
    jpeg = files["jpeg"]
    for marker in (0xC0, 0xC4, 0xDB, 0xDA):
        at = jpeg.index(bytes([0xFF, marker]))
        for more in (0, 1, 2, 3, 5, 9):
            yield f"jpeg cut {more} after marker {marker:02x}", jpeg[: at + more], "any"
        yield f"jpeg without marker {marker:02x}", jpeg[:at] + jpeg[at + 2 :], "any"
        yield f"jpeg with marker {marker:02x} of length 0", jpeg[: at + 2] + b"\0\0" + jpeg[at + 4 :], DAMAGED
        yield f"jpeg with marker {marker:02x} of length 65,535", jpeg[: at + 2] + b"\xff\xff" + jpeg[at + 4 :], "any"
    yield "jpeg without its end", jpeg[:-2], "ok"
    for kind in (b"ispe", b"iloc", b"hvcC", b"ipma", b"pitm", b"iinf", b"mdat"):
        at = files["heic"].index(kind)
        yield f"heic cut in {kind.decode()}", files["heic"][: at + 6], DAMAGED
        yield f"heic without {kind.decode()}", files["heic"].replace(kind, b"free"), "any"
        yield f"heic with an endless {kind.decode()}", patched(files["heic"], kind, -4, b"\x7f\xff\xff\xff"), DAMAGED


def _broken() -> Iterator[tuple[str, bytes, str]]:
    jpeg, plain, webp = save(scene()), save(scene(), "PNG"), save(scene(), "WEBP")
    idat = plain.index(b"IDAT") + 4
    yield "png with rubbish for data", png(40, 30, 8, 2, bytes(range(256)) * 8), DAMAGED
    yield "png with an empty IDAT", png(40, 30, 8, 2, b""), DAMAGED
    yield "png with a flipped bit", plain[: idat + 40] + bytes([plain[idat + 40] ^ 4]) + plain[idat + 41 :], DAMAGED
    yield "png with too few rows", png(40, 30, 8, 2, zlib.compress(bytes(121 * 9))), "any"
    yield "png with filter 9", png(8, 8, 8, 0, zlib.compress(b"\x09" * 72)), "any"
    yield "png with two headers", plain[:33] + plain[8:33] + plain[33:], "ok"
    yield "png without a header", plain[:8] + plain[33:], DAMAGED
    yield "png with an empty header", plain[:8] + chunk(b"IHDR", b"") + plain[33:], DAMAGED
    yield "png with a negative chunk", plain[:33] + b"\xff\xff\xff\xfftEXt" + plain[33:], DAMAGED
    yield "png of an iPhone's own kind", plain[:8] + chunk(b"CgBI", bytes(4)) + plain[8:], DAMAGED
    yield "png without an end", plain[:-12], "ok"
    middle = len(jpeg) * 2 // 3
    yield "jpeg with rubbish in the scan", jpeg[:middle] + bytes(range(256)) + jpeg[middle:], "any"
    yield "jpeg with NUL bytes in the scan", jpeg[:middle] + bytes(300) + jpeg[middle + 300 :], "any"
    yield "jpeg of 1 MiB of FF", b"\xff\xd8" + b"\xff" * 2**20, DAMAGED
    yield "jpeg of 1 MiB of FFD8", b"\xff\xd8" * 2**19, DAMAGED
    yield "jpeg of two frames", in_jpeg(jpeg, segment(0xC0, bytes([8, 0, 8, 0, 8, 1, 1, 0x11, 0]))), DAMAGED
    for marker, name in ((0xC3, "lossless"), (0xC9, "arithmetic"), (0xC5, "hierarchical")):
        yield f"jpeg {name}", jpeg.replace(b"\xff\xc0", bytes([0xFF, marker])), DAMAGED
    frame = jpeg.index(b"\xff\xc0")
    for what, at, value in (("12 bits", 4, 12), ("0 components", 9, 0), ("9 components", 9, 9), ("sampling 0", 11, 0)):
        yield f"jpeg with {what}", jpeg[: frame + at] + bytes([value]) + jpeg[frame + at + 1 :], DAMAGED
    yield "jpeg without tables", b"\xff\xd8" + jpeg[frame:], "any"
    yield "jpeg that is only a header", b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xd9", DAMAGED
    yield "webp with rubbish inside", webp[:40] + bytes(range(256)) + webp[296:], "any"
    yield "webp of length 0", webp[:4] + bytes(4) + webp[8:], DAMAGED
    yield "webp of endless length", webp[:4] + b"\xff\xff\xff\xff" + webp[8:], "ok"
    yield "webp of no chunk", riff(), DAMAGED
    yield "webp of an unknown chunk", riff((b"evil", bytes(99))), DAMAGED
    yield "webp animation of no frame", riff(vp8x(96, 64, 2), (b"ANIM", bytes(6))), DAMAGED
    yield "webp animation that is still", riff(vp8x(96, 64, 2), (b"ANIM", bytes(6)), vp8_of(webp)), DAMAGED
    yield "webp with a frame too short", riff(vp8x(96, 64, 2), (b"ANIM", bytes(6)), (b"ANMF", bytes(9))), DAMAGED


def _others() -> Iterator[tuple[str, bytes, str]]:
    for form in ["GIF", "TIFF", "BMP", "ICO", "PPM", "PCX", "TGA", "JPEG2000", "DDS", "SGI", "PDF", "EPS", "AVIF"]:
        yield f"{form} by another name", save(scene(), form), FORMAT
    yield "GIF, animated", animated("GIF"), FORMAT
    texts = {
        "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        "HTML": b"<!doctype html><script>alert(1)</script>",
        "MP4": box(b"ftyp", b"isom\0\0\0\0isommp42") + bytes(99),
        "QuickTime": box(b"ftyp", b"qt  \0\0\0\0qt  ") + bytes(99),
        "ZIP": b"PK\x03\x04" + bytes(99),
        "PDF": b"%PDF-1.7\n",
        "a program": b"\x7fELF" + bytes(99),
        "a pickle": b"\x80\x04\x95" + bytes(99),
        "ImageMagick": b"push graphic-context\nfill 'url(https://x/|id)'\n",
        "JSON": b'{"photo": "https://169.254.169.254/"}',
        "one byte": b"\xff",
        "one NUL": b"\0",
        "NUL bytes": bytes(100_000),
        "spaces": b" " * 1000,
        "base64 of a JPEG": b"/9j/4AAQSkZJRgABAQAAAQABAAD",
        "a JPEG after a NUL": b"\0" + save(scene()),
        "a JPEG after a line": b"\r\n" + save(scene()),
        "a WAV": b"RIFF\x24\0\0\0WAVEfmt " + bytes(40),
        "brands without pictures": box(b"ftyp", b"mif1\0\0\0\0mif1miaf"),
    }
    for name, data in texts.items():
        yield name, data, FORMAT
    yield "empty", b"", "missing"
    yield "a magic number of HEIC and nothing", box(b"ftyp", b"heic\0\0\0\0heic"), DAMAGED
    yield "HEIC, an empty index", box(b"ftyp", b"heic\0\0\0\0heic") + box(b"meta", bytes(4)), DAMAGED
    yield "HEIC, 100,000 boxes", box(b"ftyp", b"heic\0\0\0\0heic") + box(b"free", b"") * 100_000, DAMAGED
    yield "too many bytes", save(scene()) + bytes(20 * 2**20), "photo_bytes"


PARTS = (_bombs, _cut, _broken, _others)
