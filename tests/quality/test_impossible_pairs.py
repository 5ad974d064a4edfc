"""Whatever comes in, an answer keeps to the taxonomy and its numbers are probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.schema import Ticket, Triage
from features.text import normalize
from models.triage import TriageModel
from tests.bench.hostile_texts import hostile_texts
from tests.bench.impossible_pairs import count_faults, faults

SURROGATES = st.text(st.characters(), max_size=200) | st.text(st.characters(categories=["Cs", "Lo", "Nd"]), max_size=30)


def answered(model: TriageModel, texts: list[str]) -> list[Triage]:
    return model.answer([Ticket(str(i), t) for i, t in enumerate(texts)])


@pytest.fixture(scope="module")
def texts(released: TriageModel) -> list[str]:
    return list(hostile_texts(released, 1000, seed=1))


def test_no_impossible_pair(released: TriageModel) -> None:
    """The full count is ``python -m tests.bench.impossible_pairs``."""
    assert not count_faults(released, 2000)[0]


def test_the_hostile_texts_reach_every_category(released: TriageModel, texts: list[str]) -> None:
    found = {a.category.key for a in answered(released, texts)}
    assert found == {c.key for c in released.taxonomy.categories}


def test_probabilities(released: TriageModel, texts: list[str]) -> None:
    p = released.probabilities([normalize(t) for t in texts])
    for part in (p.category, p.tags, p.urgency):
        assert np.isfinite(part).all()
        assert ((part >= 0) & (part <= 1)).all()
    np.testing.assert_allclose(p.category.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(p.urgency.sum(axis=1), 1, atol=1e-5)


def test_a_ticket_alone_and_in_a_batch(released: TriageModel, texts: list[str]) -> None:
    some = texts[::5]
    for text, together in zip(some, answered(released, some), strict=True):
        [alone] = answered(released, [text])
        one, other = ({x.key: x.probability for x in (a.category, *a.alternatives, *a.tags)} for a in (alone, together))
        for key in one.keys() & other.keys():
            assert one[key] == pytest.approx(other[key], abs=1e-3)
        gap = alone.category.probability - alone.alternatives[0].probability
        assert alone.category.key == together.category.key or gap < 1e-3
        floor = float(released._tag_floor)
        odd = {t.key for t in alone.tags} ^ {t.key for t in together.tags}
        assert all(abs((one | other)[key] - floor) < 1e-3 for key in odd) or gap < 1e-3
        assert alone.urgency is not None
        assert together.urgency is not None
        assert alone.urgency.score == pytest.approx(together.urgency.score, abs=1e-3)


def test_the_same_every_time(released: TriageModel, texts: list[str]) -> None:
    assert answered(released, texts[:50]) == answered(released, texts[:50])


@settings(max_examples=200, deadline=None)
@given(text=SURROGATES)
def test_any_text_at_all(small_model: TriageModel, text: str) -> None:
    [answer] = answered(small_model, [text])
    allowed = {t.key: t.categories for t in small_model.taxonomy.tags}
    assert not faults(answer, allowed, small_model.taxonomy.ancestors)
    answer.as_dict()["category"]["reasons"][0]["message"].encode()
