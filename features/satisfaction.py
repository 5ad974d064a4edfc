"""What of a dialogue speaks for a customer's satisfaction beside the words of the last message."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from features.context import closes, said_before, substance
from features.schema import Ticket
from features.signals import find_signals, load_signals, signal_vector
from features.taxonomy import Label, Taxonomy
from features.text import normalize

__all__ = ["SATISFACTION", "course", "courses"]

SATISFACTION: Final = Taxonomy(
    1,
    (
        Label("dissatisfied", "不满意", "Dissatisfied"),
        Label("neutral", "一般", "Neutral"),
        Label("satisfied", "满意", "Satisfied"),
    ),
)


def course() -> int:
    """Tell how many numbers describe the course of a dialogue."""
    return 2 * len(load_signals()) + 5


def courses(tickets: list[Ticket]) -> npt.NDArray[np.float32]:
    """Describe the course of dialogues, ``(n, course())``.

    Words of urgency in the last message and before it; whether it closes, whether it tells nothing; logarithms of its
    length and of how many messages of the customer and of the agent came before.
    """
    return np.array([_course(t) for t in tickets], np.float32).reshape(len(tickets), course())


def _course(ticket: Ticket) -> npt.NDArray[np.float32]:
    normal, agent = normalize(ticket.text), sum(m.sender == "agent" for m in ticket.messages)
    before = ";".join(said_before(ticket)[-_RECENT:])
    counts = np.log1p([len(normal), len(ticket.messages) - agent, agent])
    told = [closes(normal), substance(normal) == 0, *counts]
    return np.concatenate([*(signal_vector(find_signals(n)) for n in (normal, before)), told]).astype(np.float32)


_RECENT: Final = 4  # messages before the last one whose words of urgency still count
