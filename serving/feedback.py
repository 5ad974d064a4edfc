"""What customers say of an answer: one line of JSON each, only ever added to. Words are masked, photos are not kept."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from features.cases import CONDITIONS
from features.entities import mask
from features.errors import InputError
from features.text import MAX_CHARS, repair

__all__ = ["STATE", "Feedback"]

STATE: Final = "AFTERSIGHT_STATE"
_HERE: Final = Path(__file__).parents[1] / "var"
MAX_NOTE: Final = 2000
# Half a million messages; a file beyond that was filled by somebody's program, and must not fill the disk.
MAX_FILE_BYTES: Final = 256 * 2**20


class Feedback:
    """A file of messages.

    Parameters
    ----------
    state : Path or None
        The folder; by default ``AFTERSIGHT_STATE``, or ``var`` in the checkout.
    """

    def __init__(self, state: Path | None = None) -> None:
        self.path = (state or Path(os.environ.get(STATE) or _HERE)) / "feedback" / "photos.jsonl"

    def record(self, kind: str, said: Mapping[str, str]) -> str:
        """Add a message.

        Parameters
        ----------
        kind : {'wrong', 'human'}
        said : mapping of str to str
            The form: ``case``, ``condition``, ``rule``, ``release``, ``right``, ``text``, ``note``.

        Returns
        -------
        str
            The case.

        Raises
        ------
        InputError
            If the form is not one of ours, or there is no room.
        """
        case = said.get("case", "")
        if not re.fullmatch(r"[0-9A-Z]{4}-[0-9A-Z]{4}", case):
            raise InputError("case", "invalid", expected="ABCD-2345")
        row = {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "kind": kind,
            "case": case,
            "condition": _one_of(said.get("condition")),
            "right": _one_of(said.get("right")),
            "rule": _plain(said.get("rule")),
            "release": _plain(said.get("release")),
            "language": "zh" if said.get("language") == "zh" else "en",
            "text": mask(repair(said.get("text", "")[:MAX_CHARS])),
            "note": mask(repair(said.get("note", "")[:MAX_NOTE])),
        }
        self._append(json.dumps(row, ensure_ascii=False).encode() + b"\n")
        return case

    def _append(self, line: bytes) -> None:
        """Write a line in one call: lines of several processes do not mix."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            if os.fstat(handle).st_size + len(line) > MAX_FILE_BYTES:
                raise InputError("", "busy")
            os.write(handle, line)
        finally:
            os.close(handle)


def _one_of(key: str | None) -> str | None:
    return key if key in CONDITIONS else None


def _plain(key: str | None) -> str | None:
    """Keep a name of ours; what a stranger wrote into a hidden field is dropped."""
    return key if key and re.fullmatch(r"[a-z0-9_/-]{1,80}", key) else None
