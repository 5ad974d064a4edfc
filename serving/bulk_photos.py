"""Diagnoses photo files: one case, one output line, in the same order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from features.errors import InputError
from features.photo import MAX_BYTES
from features.text import repair
from serving.bulk import open_target
from serving.photos import Diagnoses, Question, diagnose

__all__ = ["diagnose_files"]


def _bytes(paths: Sequence[Path], named: Callable[[int], str]) -> Iterator[bytes]:
    for number, path in enumerate(paths):
        try:
            with path.open("rb") as file:
                yield file.read(MAX_BYTES + 1)  # one more than is taken tells that it is too large
        except OSError as error:
            raise InputError(named(number), "missing") from error


def _line(model: Diagnoses, paths: Sequence[Path], asked: Question) -> dict[str, Any]:
    """Answer a case; ``file`` names the one photo, ``files`` those of a case of several."""
    named: Callable[[int], str] = "photo[{}]".format if len(paths) > 1 else lambda _: "photo"
    shown = [repair(str(path)) for path in paths]
    where: dict[str, Any] = {"files": shown} if len(paths) > 1 else {"file": shown[0]}
    try:
        found, _ = diagnose(model, _bytes(paths, named), asked, named)
    except InputError as error:
        return {**where, "error": error.as_dict("en")}
    return {**where, **found.as_dict()}


def diagnose_files(model: Diagnoses, cases: Sequence[Sequence[Path]], target: Path, asked: Question) -> tuple[int, int]:
    """Diagnose cases of photos into a file; ``-`` stands for standard output.

    Parameters
    ----------
    model : Diagnoses
    cases : sequence of sequence of Path
    target : Path
        JSON lines; it appears under its name only when it is whole.
    asked : Question
        The same for all.

    Returns
    -------
    tuple of int
        How many cases were answered, and how many could not be read.

    Raises
    ------
    OSError
        If the target cannot be written.
    """
    bad = 0
    with open_target(target) as out:
        for paths in cases:
            line = _line(model, paths, asked)
            bad += "error" in line
            out.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
    return len(cases) - bad, bad
