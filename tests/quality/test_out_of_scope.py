"""Texts that no after-sales desk can act on: the released model says so instead of guessing, and acts on none."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.schema import Ticket, Triage
from features.strict_yaml import load_strict
from models.triage import TriageModel

TEXTS: dict[str, list[str]] = load_strict(Path(__file__).with_name("out_of_scope.yaml").read_text(encoding="utf-8"))
# Shares that must be left to a person. A request to another trade reads like one to a shop: the hardest.
ABSTAINED = {"chit-chat": 0.7, "news": 0.9, "code": 0.9, "other trade": 0.5}
# Of all 120 texts, over all kinds: what would be acted on as a request.
ACTED_ON = 2


@pytest.fixture(scope="module")
def answers(released: TriageModel) -> dict[str, list[Triage]]:
    return {kind: released.answer([Ticket(str(i), t) for i, t in enumerate(texts)]) for kind, texts in TEXTS.items()}


def test_every_kind_has_texts_in_both_languages() -> None:
    assert set(TEXTS) == set(ABSTAINED)
    for texts in TEXTS.values():
        assert len(texts) == len(set(texts)) == 30


@pytest.mark.parametrize("kind", ABSTAINED)
def test_it_abstains(answers: dict[str, list[Triage]], kind: str) -> None:
    left = [a.decision.actions["category"] == "abstain" for a in answers[kind]]
    assert sum(left) >= ABSTAINED[kind] * len(left)


def test_hardly_any_is_acted_on(answers: dict[str, list[Triage]]) -> None:
    acted = [
        a
        for found in answers.values()
        for a in found
        if a.decision.actions["category"] == "automate" and a.category.key != "other"
    ]
    assert len(acted) <= ACTED_ON


def test_a_reason_is_given(answers: dict[str, list[Triage]]) -> None:
    for found in answers.values():
        for a in found:
            if a.decision.actions["category"] != "automate":
                assert a.decision.reasons["category"].message
