"""How tickets fare while photos are looked at: ``python -m tests.bench.bench_starve [SECONDS] [ROUNDS]``.

One client sends tickets, one after another; quiet rounds take turns with rounds in which two others send photos, again
and again: the most costly ones that are legal, of each kind of file. Printed are the 99th percentiles, and the median
ratio over the rounds.
"""

from __future__ import annotations

import io
import itertools
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import httpx
import numpy as np
import pillow_heif
from PIL import Image

from features.photo import MAX_BYTES, MAX_PIXELS, MAX_PIXELS_WHOLE
from tests.bench.bench_photo import scene
from tests.conftest import running

SENDERS = 2
# How each kind is written, and its cap of pixels.
KINDS = {
    "baseline": ("JPEG", {"quality": 88}, MAX_PIXELS),
    "progressive": ("JPEG", {"quality": 88, "progressive": True}, MAX_PIXELS_WHOLE["JPEG"]),
    "png": ("PNG", {"compress_level": 1}, MAX_PIXELS_WHOLE["PNG"]),
    "webp": ("WEBP", {"quality": 80, "method": 0}, MAX_PIXELS_WHOLE["WebP"]),
    "heic": ("HEIF", {"quality": 50}, MAX_PIXELS_WHOLE["HEIC"]),
}


def worst() -> dict[str, bytes]:
    """Give a photo of each kind with as many pixels as are legal, or as few less as its bytes need."""
    pillow_heif.register_heif_opener()
    image, out = scene(), {}
    for name, (kind, options, pixels) in KINDS.items():
        while name not in out:
            part = (pixels / (image.width * image.height)) ** 0.5
            file = io.BytesIO()
            size = int(image.width * part), int(image.height * part)
            image.resize(size, Image.Resampling.BILINEAR).save(file, kind, **options)
            if file.tell() <= MAX_BYTES:
                out[name] = file.getvalue()
                print(f"{name:12} {size[0]} x {size[1]}, {file.tell() / 2**20:.1f} MiB")
            pixels *= 0.8
    return out


def tickets(url: str, seconds: float) -> list[float]:
    """Send tickets for some time; give how long each took."""
    took = []
    with httpx.Client(base_url=url, timeout=30) as client:
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            start = time.perf_counter()
            client.post("/triage", json={"ticket": {"text": "手机屏幕碎了，想问一下保修能不能换屏"}}).raise_for_status()
            took.append(time.perf_counter() - start)
            time.sleep(0.01)
    return took


def photos(url: str, files: Sequence[bytes], stop: threading.Event, done: list[float]) -> None:
    """Send photos until told to stop."""
    with httpx.Client(base_url=url, timeout=60) as client:
        for data in itertools.cycle(files):
            if stop.is_set():
                return
            start = time.perf_counter()
            client.post("/diagnose", files={"photo": ("p", data, "image/jpeg")}).raise_for_status()
            done.append(time.perf_counter() - start)


def main(seconds: float, rounds: int) -> None:
    """Print a line for each round."""
    files = list(worst().values())
    ratios = []
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "log") as url:
        tickets(url, 1)
        for _ in range(rounds):
            quiet = np.percentile(tickets(url, seconds), 99)
            stop, done = threading.Event(), list[float]()
            senders = [threading.Thread(target=photos, args=(url, files, stop, done)) for _ in range(SENDERS)]
            for sender in senders:
                sender.start()
            busy = np.percentile(tickets(url, seconds), 99)
            stop.set()
            for sender in senders:
                sender.join()
            ratios.append(busy / quiet)
            took = statistics.median(done) if done else float("nan")
            print(f"p99 quiet {quiet * 1e3:.1f} ms, beside {len(done)} photos ({took:.2f} s each) {busy * 1e3:.1f} ms: "
                  f"{ratios[-1]:.2f}x")  # fmt: skip
    print(f"median {statistics.median(ratios):.2f}x")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0, int(sys.argv[2]) if len(sys.argv) > 2 else 5)
