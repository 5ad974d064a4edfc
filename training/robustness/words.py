"""The words that rewriting is made of, from ``words.yaml``, and what of a text it must leave alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any, Final

from features.strict_yaml import load_strict

__all__ = ["HAN", "Rewrite", "editable", "language", "negations", "words"]

# A text and a source of chance to the same request in other words; the text itself where there is nothing to rewrite.
Rewrite = Callable[[str, Random], str]

HAN: Final = re.compile(r"[\u3400-\u9fff]")
# What software wrote or looks up: links, placeholders, names, numbers.
_WRITTEN_BY_SOFTWARE: Final = r"https?://\S+|www\.\S+|\[[^\[\]\s]{1,45}\]|@[\w\-·]+|\d+"


@lru_cache(maxsize=2)
def words(page: str = "words") -> dict[str, Any]:
    """Give the tables of ``words.yaml``, by which releases are judged, or of ``taught.yaml``."""
    table: dict[str, Any] = load_strict(Path(__file__).with_name(f"{page}.yaml").read_text(encoding="utf-8"))
    return table


@lru_cache(maxsize=1)
def _negation() -> str:
    latin = [w for w in words()["negation"] if w.isascii()]
    other = [w for w in words()["negation"] if not w.isascii()]
    return rf"[{''.join(other)}]|\b(?:{'|'.join(latin)})\b|\b\w+n['’]t\b"


def negations(text: str) -> list[str]:
    """Give the words that turn a sentence round, in order: rewriting must make none and break none."""
    return re.findall(_negation(), text.lower())


def editable(text: str) -> list[int]:
    """Give the places of letters that a hand may slip on: no negation, and nothing that software wrote."""
    kept = re.finditer(rf"{_WRITTEN_BY_SOFTWARE}|{_negation()}", text, re.IGNORECASE)
    fixed = {i for match in kept for i in range(*match.span())}
    return [i for i, char in enumerate(text) if char.isalpha() and i not in fixed]


def language(text: str) -> str:
    """Tell which half of a table fits a text: ``zh`` or ``en``."""
    return "zh" if HAN.search(text) else "en"
