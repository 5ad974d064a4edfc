"""Triages a file: one ticket an input line, one answer an output line, in the same order."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from features.errors import InputError
from serving.answers import Answers, answer_each
from serving.contract import MAX_BODY_BYTES

__all__ = ["CHUNK", "open_target", "read_lines", "triage_file", "triage_lines"]

# Large enough that a call's fixed cost does not count, small enough that memory stays that of the server.
CHUNK: Final = 256
STANDARD: Final = Path("-")


def read_lines(source: BinaryIO, limit: int = MAX_BODY_BYTES) -> Iterator[tuple[int, object]]:
    """Read JSON lines; blank ones are left out, and a bad one is its `InputError`.

    Parameters
    ----------
    source : binary file
    limit : int
        Bytes a line; of a longer one no more is held in memory.

    Yields
    ------
    tuple of int and object
        The line's number, from 1, and what it holds. ``{"ticket": {...}}``, the body of ``POST /triage``, counts as
        the ticket.
    """
    number = 0
    while line := source.readline(limit + 1):
        number += 1
        if len(line) > limit:
            while line and not line.endswith(b"\n"):
                line = source.readline(limit)
            yield number, InputError(f"line {number}", "too_long", limit=f"{limit} bytes")
        elif text := line.removeprefix(b"\xef\xbb\xbf").strip():
            yield number, _parsed(text)


def _parsed(text: bytes) -> object:
    try:
        item = json.loads(text)
    except (ValueError, RecursionError):
        return InputError("line", "not_json")
    inner = item.get("ticket") if isinstance(item, dict) and "text" not in item else None
    return inner if isinstance(inner, dict) else item


def triage_lines(model: Answers, lines: Iterable[tuple[int, object]]) -> Iterator[tuple[str, bool]]:
    """Answer in chunks.

    Yields
    ------
    tuple of str and bool
        The answer as JSON, and whether the line could be read.
    """
    lines = iter(lines)
    while chunk := list(islice(lines, CHUNK)):
        numbers, items = zip(*chunk, strict=True)
        for number, answer in zip(numbers, answer_each(model, items, ["ticket"] * len(items), "en"), strict=True):
            bad = "error" in answer
            yield json.dumps(answer | {"line": number} if bad else answer, ensure_ascii=False), not bad


@contextmanager
def _source(path: Path) -> Iterator[BinaryIO]:
    if path == STANDARD:
        yield sys.stdin.buffer
    else:
        with path.open("rb") as file:
            yield file


@contextmanager
def open_target(path: Path) -> Iterator[BinaryIO]:
    """Open a file that appears under its name only when it is whole."""
    if path == STANDARD:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        unfinished = Path(file.name)
        try:
            yield file  # type: ignore[misc]  # a wrapper that has every method of one
            file.flush()
            unfinished.chmod(0o666 & ~_umask())
            unfinished.replace(path)
        except BaseException:
            unfinished.unlink()
            raise


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def triage_file(model: Answers, source: Path, target: Path) -> tuple[int, int]:
    """Triage a file into another; ``-`` stands for the standard streams.

    Parameters
    ----------
    model : Answers
    source, target : Path
        JSON lines. The target may be the source.

    Returns
    -------
    tuple of int
        How many lines were answered, and how many could not be read.

    Raises
    ------
    OSError
        If a file cannot be read or written; the target is then as it was.
    """
    answered = bad = 0
    with _source(source) as lines, open_target(target) as out:
        for answer, fine in triage_lines(model, read_lines(lines)):
            out.write(answer.encode() + b"\n")
            answered, bad = answered + fine, bad + (not fine)
    return answered, bad
