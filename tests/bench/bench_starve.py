"""How tickets fare while photos are looked at: ``python -m tests.bench.bench_starve [SECONDS] [ROUNDS]``.

One client sends tickets, one after another; quiet rounds take turns with rounds in which two others send a 12-megapixel
JPEG each, again and again. Printed are the 99th percentiles, and the median ratio over the rounds.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx
import numpy as np

from tests.bench.bench_photo import encoded, scene
from tests.conftest import running

SENDERS = 2


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


def photos(url: str, data: bytes, stop: threading.Event, done: list[float]) -> None:
    """Send photos until told to stop."""
    with httpx.Client(base_url=url, timeout=60) as client:
        while not stop.is_set():
            start = time.perf_counter()
            client.post("/diagnose", files={"photo": ("p.jpg", data, "image/jpeg")}).raise_for_status()
            done.append(time.perf_counter() - start)


def main(seconds: float, rounds: int) -> None:
    """Print a line for each round."""
    data = encoded(scene(), progressive=False)
    ratios = []
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "log") as url:
        tickets(url, 1)
        for _ in range(rounds):
            quiet = np.percentile(tickets(url, seconds), 99)
            stop, done = threading.Event(), list[float]()
            senders = [threading.Thread(target=photos, args=(url, data, stop, done)) for _ in range(SENDERS)]
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
