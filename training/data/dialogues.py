"""Real dialogues of the shared data, turn by turn; what was labelled in them stands here as ids and labels."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from typing import Any, Final

from features.schema import Message, Ticket
from training.data import HERE, data_root

__all__ = ["FILES", "LABELS", "Fragment", "jd_dialogues", "jd_turn", "load_fragments", "post_turn", "posts"]

LABELS: Final = HERE / "context_labels.csv"
FILES: Final = {"uss": "jddc_satisfaction/dialogues.json", "stc3": "stc3/dialogues_cn.json"}


@dataclass(frozen=True, slots=True)
class Fragment:
    """A customer's turn in a dialogue, with all that was said before it.

    Attributes
    ----------
    ticket : Ticket
        Its text is the turn.
    dialogue : str
        ``uss-valid-076``, ``stc3-3567106165348772``: how the ids of that dialogue's rows begin.
    category : str
        Of the matter at that turn, labelled by reading the whole dialogue.
    """

    ticket: Ticket
    dialogue: str
    category: str


def jd_dialogues() -> list[dict[str, Any]]:
    """Read the JD after-sales dialogues, or raise `FileNotFoundError`."""
    path = data_root() / "text" / FILES["uss"]
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return found


def posts() -> list[dict[str, Any]]:
    """Read the micro-blog dialogues with service desks, or raise `FileNotFoundError`."""
    path = data_root() / "text" / FILES["stc3"]
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return found


def jd_turn(turns: list[dict[str, Any]], last: int) -> tuple[str, tuple[Message, ...]]:
    """Cut a JD dialogue at a turn of the customer's: that turn, and what was said before."""
    spoken = [(who, str(turn[key])) for turn in turns[:last] for who, key in (("customer", "user"), ("agent", "agent"))]
    return str(turns[last]["user"]), tuple(Message(who, text) for who, text in spoken if text)


def post_turn(turns: list[dict[str, Any]], last: int) -> tuple[str, tuple[Message, ...]]:
    """Cut a micro-blog dialogue at a turn of the customer's: that turn, and what was said before."""
    said = [("customer" if t["sender"] == "customer" else "agent", "；".join(t["utterances"])) for t in turns]
    return said[last][1], tuple(Message(who, text) for who, text in said[:last] if text)


def load_fragments() -> list[Fragment]:
    """Load the labelled turns with their dialogues; empty where the dialogues are not on this machine."""
    try:
        jd = {f"uss-{d['dialogue_id']}": d["turns"] for d in jd_dialogues()}
        blog = {f"stc3-{d['id']}": d["turns"] for d in posts()}
    except FileNotFoundError:
        return []
    with LABELS.open(encoding="utf-8", newline="") as file:
        labels = list(csv.DictReader(file))
    fragments = []
    for row in labels:
        dialogue, _, turn = row["id"].rpartition("-")
        cut, turns = (jd_turn, jd) if dialogue in jd else (post_turn, blog)
        text, messages = cut(turns[dialogue], int(turn))
        fragments.append(Fragment(Ticket(row["id"], text, messages=messages), dialogue, row["category"]))
    return fragments
