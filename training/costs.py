"""What a release costs where it answers: milliseconds a short ticket, megabytes on disk."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from features.schema import Ticket
from models.triage import TriageModel

__all__ = ["costs"]

# A fragment of a chat, as half of the tickets are.
SHORTEST, LONGEST = 6, 14
TURNS: Final = 60
FIRST: Final = 10  # answers that warm up


def costs(model: TriageModel, folder: Path, texts: Sequence[str]) -> dict[str, float]:
    """Time whole answers to short tickets, one by one, and weigh the release's folder.

    Parameters
    ----------
    model : TriageModel
    folder : Path
        Of its release; the encoder's own package (`features.encoder`) comes on top.
    texts : sequence of str
        Tickets to choose short ones from.

    Returns
    -------
    dict
        ``ms``, the median, and ``megabytes``; nothing is timed where no text is short.
    """
    short = [t for t in texts if SHORTEST <= len(t) <= LONGEST][:TURNS]
    spent = []
    for text in short:
        start = time.perf_counter()
        model.answer([Ticket("1", text)])
        spent.append(time.perf_counter() - start)
    size = sum(f.stat().st_size for f in folder.iterdir())
    told = {"ms": 1e3 * statistics.median(spent[FIRST:])} if len(spent) > FIRST else {}
    return {**told, "megabytes": size / 1e6}
