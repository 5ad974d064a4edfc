"""The whole corpus of hostile photos against a real server with the released diagnosis."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).parent))

from photo_corpus import corpus

from tests.conftest import running

GROWTH_MIB = 64


def children() -> set[int]:
    """Give the processes that this one started."""
    own = Path(f"/proc/{os.getpid()}/task")
    return {int(pid) for task in own.iterdir() for pid in (task / "children").read_text().split()}


def resident_mib(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_no_file_breaks_the_server_or_fills_its_memory(tmp_path: Path) -> None:
    cases, before = corpus(), children()
    wrong = {}
    with running(tmp_path / "log") as url, httpx.Client(base_url=url, timeout=60) as http:
        [pid] = children() - before

        def send() -> None:
            for name, (data, expected) in cases.items():
                answer = http.post("/diagnose", files={"photo": (name, data, "image/jpeg")})
                read, refused = answer.status_code == 200, 400 <= answer.status_code < 500
                fits = {"ok": read, "any": read or refused}.get(expected, refused)
                if not fits:
                    wrong[name] = (expected, answer.status_code, answer.text[:80])

        send()  # the first time allocators grow to what the largest legal photo takes
        held = resident_mib(pid)
        send()
        grown = resident_mib(pid) - held
        assert http.post("/triage", json={"ticket": {"text": "屏幕碎了"}}).status_code == 200
    assert wrong == {}
    assert grown <= GROWTH_MIB
