"""CPU time of a /triage request: our server beside a raw twin with the same model, one after the other, keep-alive.

python -m tests.bench.bench_http [REQUESTS [ROUNDS]]
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).parents[2]))

from training.data import load_table

ROOT = Path(__file__).parents[2]
TICK = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@contextmanager
def started(*command: str) -> Iterator[tuple[int, httpx.Client]]:
    """Start a server, wait for its first answer: its process id, and a client that keeps its connection."""
    port = free_port()
    environ = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    arguments = [sys.executable, "-m", *command, str(port)]
    process = subprocess.Popen(arguments, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            for _ in range(600):
                try:
                    client.post("/triage", json={"ticket": {"text": "预热"}}).raise_for_status()
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            yield process.pid, client
    finally:
        process.terminate()
        process.wait(20)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def spent(pid: int, client: httpx.Client, texts: list[str]) -> float:
    """CPU milliseconds a request."""
    before = cpu_seconds(pid)
    for n, text in enumerate(texts):
        client.post("/triage", json={"ticket": {"id": str(n), "text": text}}).raise_for_status()
    return (cpu_seconds(pid) - before) / len(texts) * 1000


def main() -> None:
    requests, rounds = (int(a) for a in [*sys.argv[1:3], *["500", "3"][len(sys.argv) - 1 :]])
    table = load_table("gold") or load_table("corpus")
    assert table is not None
    texts = list(islice(cycle(r.text for r in table.rows), requests))
    found: dict[str, list[float]] = {"ours": [], "raw twin": []}
    with started("serving", "up", "--port") as ours, started("tests.bench.raw_twin") as twin:
        for pid, client in (ours, twin):
            spent(pid, client, texts[:50])
        for _ in range(rounds):
            found["ours"].append(spent(*ours, texts))
            found["raw twin"].append(spent(*twin, texts))
    for name, each in found.items():
        print(f"{name:10} {statistics.median(each):7.3f} ms of CPU a request  {[round(x, 3) for x in each]}")
    print(f"ratio      {statistics.median(found['ours']) / statistics.median(found['raw twin']):7.2f}")


if __name__ == "__main__":
    main()
