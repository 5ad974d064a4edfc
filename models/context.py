"""Which words of a ticket are read: its own where they tell the matter, else together with what was said before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from features.context import ENOUGH, closes, own_words, said_before, substance, together
from features.schema import Ticket
from features.signals import find_signals
from features.taxonomy import Taxonomy
from features.text import normalize
from models.heads import Probabilities
from models.silence import NO_REQUEST
from models.space import Floats

__all__ = ["Reading", "read_in_context", "settled"]

# Own words are believed where their category is likelier than not. Measured beside .4, .6 and .7, which do no better.
BELIEVED: Final = 0.5


@dataclass(frozen=True, slots=True)
class Reading:
    """What is read of a ticket.

    Attributes
    ----------
    normal : str
        Normalised.
    closed : bool
        Whether the last message is thanks and nothing else: what was asked before waits on no answer.
    """

    normal: str
    closed: bool = False


def read_in_context(
    tickets: Sequence[Ticket], probabilities: Callable[[list[str]], Probabilities], taxonomy: Taxonomy
) -> list[Reading]:
    """Choose what is read of each ticket; without a title and messages it is the text.

    Parameters
    ----------
    tickets : sequence of Ticket
    probabilities : callable
        Of normalised texts; asked for those alone that have messages before them and tell enough by themselves.
    taxonomy : Taxonomy
    """
    own = [own_words(t) for t in tickets]
    before = [said_before(t) for t in tickets]
    telling = [i for i, said in enumerate(before) if said and substance(own[i]) >= ENOUGH]
    believed = set()
    if telling:
        p = probabilities([own[i] for i in telling]).category
        keys = [c.key for c in taxonomy.categories]
        believed = {i for i, row in zip(telling, p, strict=True) if _believed(row, keys)}
    return [_reading(t, own[i], before[i], believed=i in believed) for i, t in enumerate(tickets)]


def _reading(ticket: Ticket, own: str, before: list[str], *, believed: bool) -> Reading:
    if not before:
        return Reading(own)
    read = own if believed else together(own, before)
    return Reading(_with_danger(read, before), closed=read != own and closes(normalize(ticket.text)))


def _believed(p: Floats, keys: list[str]) -> bool:
    best = int(p.argmax())
    return bool(p[best] >= BELIEVED) and keys[best] != NO_REQUEST


def _with_danger(read: str, before: list[str]) -> str:
    """Keep what was said of danger: another question does not put out a fire."""
    danger = [m for m in before if m not in read and any(h.signal.forces for h in find_signals(m))]
    return ";".join([*danger, read])


def settled(p: Probabilities, readings: Sequence[Reading]) -> Probabilities:
    """Let nothing wait where the last word was thanks: the lowest urgency, by definition; `p` is left as it is."""
    closed = np.array([r.closed for r in readings], np.bool_)
    if not closed.any() or not p.urgency.shape[1]:
        return p
    urgency = p.urgency.copy()
    urgency[closed] = 0.0
    urgency[closed, -1] = 1.0
    return Probabilities(p.category, p.tags, urgency)
