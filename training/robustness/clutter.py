"""What stands around a request that nobody typed for us: order cards, signatures, forwarding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from training.robustness.words import language, words

__all__ = ["around", "forwarded", "pasted_order", "signature"]


def _digits(n: int, rng: Random) -> str:
    return "".join(rng.choice("0123456789") for _ in range(n))


def _drawn(text: str, fill: Mapping[str, Sequence[str]], rng: Random) -> dict[str, str]:
    """Draw what the templates name, anew for every ticket."""
    phone = rng.choice([f"138{_digits(8, rng)}", f"139****{_digits(4, rng)}"])
    return {
        "text": text,
        "quoted": "\n".join(f"> {line}" for line in text.split("\n")),
        "order": _digits(rng.randint(11, 16), rng),
        "date": f"20{rng.randint(22, 26)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
        "time": f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}",
        "amount": f"{rng.randint(9, 6999)}.{rng.choice(['00', '90', '99'])}",
        "count": str(rng.randint(1, 9)),
        "phone": phone,
        **{key: rng.choice(found) for key, found in fill.items()},
    }


def around(kind: str, text: str, rng: Random, table: Mapping[str, Any]) -> str:
    """Put a text into one of the templates of a kind: ``cards``, ``signatures`` or ``forwards``."""
    if not text.strip():
        return text
    speaks = language(text)
    template: str = rng.choice(table[kind][speaks])
    return template.format(**_drawn(text, table["fill"][speaks], rng))


def pasted_order(text: str, rng: Random) -> str:
    """Paste an order or product card of a shop's app before or after the request."""
    return around("cards", text, rng, words())


def signature(text: str, rng: Random) -> str:
    """Close with what a mail program adds."""
    return around("signatures", text, rng, words())


def forwarded(text: str, rng: Random) -> str:
    """Pass the request on, quoted, as a relative or a colleague does."""
    return around("forwards", text, rng, words())
