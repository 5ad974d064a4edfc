"""``python -m serving triage``: the same answers as over HTTP, in order, whole or not at all."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from features.errors import InputError
from features.schema import Ticket, Triage
from serving.bulk import CHUNK, read_lines, triage_file, triage_lines

Run = Callable[..., Any]
LINES = [
    '{"id": 1, "text": "屏幕碎了，能保修吗？", "extra": 1}',
    '{"ticket": {"id": "two", "text": "Where is my parcel?"}}',
    "not json",
    '{"id": "four"}',
    "",
    "\ufeff" + '{"text": "half an emoji \\ud83d"}',
    "[" * 100_000,
    '{"id": "eight", "text": "' + "很" * 5000 + '"}',
]


def test_order_bad_lines_and_equality_with_http(run_cli: Run, tmp_path: Path, http: httpx.Client) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("\n".join(LINES), encoding="utf-8")
    done = run_cli("triage", source, "--out", target)
    assert done.returncode == 1, done.stderr
    answers = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert [a["ticket_id"] for a in answers] == ["1", "two", "", "four", "", "", "eight"]
    assert [a.get("line") for a in answers] == [None, None, 3, 4, None, 7, None]
    assert answers[2]["error"]["rule"] == answers[5]["error"]["rule"] == "not_json"
    assert answers[3]["error"]["field"] == "ticket.text"
    for line, answer in ((LINES[0], answers[0]), (LINES[7], answers[6])):
        assert http.post("/triage", json={"ticket": json.loads(line)}).json() == answer
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_standard_streams(run_cli: Run) -> None:
    done = run_cli("triage", "-", "--out", "-", stdin=LINES[0] + "\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["ticket_id"] == "1"


@pytest.mark.parametrize(
    "arguments",
    [
        ["triage", "nowhere.jsonl", "--out", "-"],
        ["triage", "-", "--out", "nowhere/out.jsonl"],
        ["triage", "-", "--out", "-", "--release", "ffffffffffff"],
        ["triage", "-"],
        ["sing"],
        ["up", "--host", "0.0.0.0", "--port", "0"],
        ["up", "--port", "99999"],
        ["up", "--host", "no.such.host.invalid", "--port", "0"],
    ],
)
def test_what_cannot_be_done_says_so(run_cli: Run, arguments: list[str]) -> None:
    done = run_cli(*arguments)
    assert done.returncode == 2
    assert done.stderr
    assert "Traceback" not in done.stderr


class Broken:
    """Answers the first chunk, and breaks."""

    calls = 0

    def answer(self, tickets: Sequence[Ticket]) -> list[Triage]:
        raise MemoryError


def test_output_is_whole_or_as_it_was(tmp_path: Path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"text": "a"}\n')
    target.write_text("before")
    with pytest.raises(MemoryError):
        triage_file(Broken(), source, target)
    assert target.read_text() == "before"
    assert len(list(tmp_path.iterdir())) == 2


class Counting:
    """Refuses nothing, and notes how many tickets it is given at once."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def answer(self, tickets: Sequence[Ticket]) -> list[Triage]:
        self.sizes.append(len(tickets))
        return []


def test_memory_is_bounded_by_the_chunk() -> None:
    taken = 0

    def lines() -> Any:
        nonlocal taken
        for number in range(1, 10 * CHUNK):
            taken += 1
            yield number, InputError("line", "not_json")

    next(triage_lines(Counting(), lines()))
    assert taken == CHUNK


def test_a_line_too_long_is_skipped_not_held() -> None:
    source = io.BytesIO(b'{"text": "' + b"x" * 500 + b'"}\n{"text": "fits"}\n' + b"y" * 300)
    first, second, third = read_lines(source, limit=100)
    assert isinstance(first[1], InputError)
    assert second == (2, {"text": "fits"})
    assert isinstance(third[1], InputError)
