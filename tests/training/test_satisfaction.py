"""Where satisfaction comes from, and how it is judged."""

from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")

from training.context import changed_matters
from training.data.dialogues import load_fragments
from training.satisfaction import figures, load_rated
from training.satisfaction_run import write_card


def test_every_rated_turn_is_there_once_a_dialogue_and_in_three_classes() -> None:
    try:
        rated = load_rated()
    except FileNotFoundError:
        pytest.skip("the shared dialogues are not on this machine")
    assert {r.label for r in rated} == {0, 1, 2}
    assert {r.fine for r in rated if r.source == "jd"} == {None}
    assert {r.fine for r in rated if r.source == "posts"} == {0, 1, 2, 3, 4}
    assert len({r.dialogue for r in rated if r.source == "posts"}) == sum(r.source == "posts" for r in rated)


def test_labelled_fragments_are_found_in_their_dialogues() -> None:
    fragments = load_fragments()
    if not fragments:
        pytest.skip("the shared dialogues are not on this machine")
    assert len(fragments) == len({f.ticket.id for f in fragments}) == 129
    assert all(f.ticket.text and f.ticket.messages and f.ticket.id.startswith(f.dialogue) for f in fragments)
    changed = changed_matters(fragments, each=3)
    own = {f.dialogue: f.category for f in fragments}
    assert changed
    assert all(own[f.dialogue] != f.category for f in changed)


def test_figures_of_the_prior_alone_are_chance() -> None:
    labels = np.array([0, 1, 1, 1, 2])
    prior = np.array([0.2, 0.6, 0.2], np.float32)
    said = figures(np.tile(prior, (5, 1)), labels, prior)
    assert said["uar"] == pytest.approx(1 / 3)
    assert said["log_loss"] == pytest.approx(said["log_loss_of_prior"])


def test_the_card_says_how_the_comparison_differs() -> None:
    facts = {"metrics": {"all": {"n": 5.0, "uar": 0.5}}, "data": [{"name": "uss", "rows": 5, "sha256": "0" * 64}]}
    card = write_card({**facts, "knobs": {"folds": 5}})
    assert "HiGRU .339" in card
    assert "Not the same task" in card


def test_the_command_fits_dialogues_not_photos(monkeypatch: pytest.MonkeyPatch) -> None:
    from training import satisfaction_run, verbs

    monkeypatch.setattr(satisfaction_run, "fit_dialogues", lambda knobs: Path(knobs[0]))
    assert verbs._fitter("satisfaction")(Namespace(set=["seed=1"])) == ("satisfaction", Path("seed=1"))
