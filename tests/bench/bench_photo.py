"""Time to read a 12-megapixel photo, against decoding it whole and resizing it: ``python tests/bench/bench_photo.py``.

The photo is made here: blurred noise at several scales has about the bytes and the edges of a real one. The two ways
take turns, so that what else the machine does hits both, and the median of the turns counts.
"""

from __future__ import annotations

import io
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2]))

from features.photo import read_photo
from features.photo_quality import assess

SIZE = (4000, 3000)
LONG_SIDE = 1280


def scene() -> Image.Image:
    """Give 12 megapixels with structure at all scales, as photos have."""
    rng = np.random.default_rng(7)
    total = np.zeros((SIZE[1], SIZE[0], 3), np.float32)
    for size, strength in ((8, 70), (40, 30), (200, 14), (1000, 7), (4000, 3)):
        noise = rng.normal(128, 40, (size * 3 // 4, size, 3)).clip(0, 255).astype(np.uint8)
        total += (
            (np.asarray(Image.fromarray(noise).resize(SIZE, Image.Resampling.BICUBIC), np.float32) - 128)
            * strength
            / 40
        )
    return Image.fromarray((total + 128).clip(0, 255).astype(np.uint8))


def encoded(image: Image.Image, progressive: bool) -> bytes:
    """Give the photo as a phone would store it."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=88, progressive=progressive)
    return out.getvalue()


def whole(data: bytes) -> npt.NDArray[np.uint8]:
    """Read it the plain way: every pixel is decoded, then most are thrown away."""
    image = Image.open(io.BytesIO(data)).convert("RGB")
    return np.asarray(image.resize((LONG_SIDE, LONG_SIDE * 3 // 4), Image.Resampling.BICUBIC))


def medians(data: bytes, turns: int = 15) -> tuple[float, float]:
    """Give the median seconds of `whole` and of `read_photo`, in turns."""
    ways: list[Callable[[bytes], object]] = [whole, read_photo]
    seconds: list[list[float]] = [[], []]
    for _ in range(turns):
        for way, times in zip(ways, seconds, strict=True):
            start = time.perf_counter()
            way(data)
            times.append(time.perf_counter() - start)
    return statistics.median(seconds[0]), statistics.median(seconds[1])


def main() -> None:
    """Print one line for each kind of JPEG, and the time of the quality gate."""
    image = scene()
    for name, progressive in (("baseline", False), ("progressive", True)):
        data = encoded(image, progressive)
        slow, fast = medians(data)
        size = f"{len(data) / 2**20:.1f} MiB"
        print(f"{name:12} {size}: whole {slow * 1e3:.0f} ms, read_photo {fast * 1e3:.0f} ms, {slow / fast:.2f}x")
    photo = read_photo(encoded(image, progressive=False))
    start = time.perf_counter()
    for _ in range(20):
        assess(photo)
    print(f"assess       {(time.perf_counter() - start) / 20 * 1e3:.1f} ms")


if __name__ == "__main__":
    main()
