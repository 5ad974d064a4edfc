"""Tickets shown a second time in other words: the same labels, and never those of a ticket that is held out."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.config import load_config
from training.data import Row, content_key, load_table, translated_posts
from training.dataset import Dataset, gather
from training.robustness.taught import SOURCE, WAYS, rewritten
from training.robustness.words import words


@pytest.fixture(scope="module")
def rows() -> tuple[Row, ...]:
    table = load_table("corpus")
    assert table is not None
    return table.rows[::3]


@pytest.fixture(scope="module")
def data() -> Dataset:
    return gather(
        load_config(["weights.gold=0", "weights.read=0", "weights.corpus=1", "rewritten=0.5", "rewritten_weight=0.5"])
    )


def test_labels_stay_and_words_change(rows: tuple[Row, ...]) -> None:
    found = list(rewritten(rows, 1.0, 0))
    assert len(found) > 0.85 * len(rows)  # some ways find nothing to do in some texts
    for i, row in found:
        assert (row.category, row.tags, row.urgency) == (rows[i].category, rows[i].tags, rows[i].urgency)
        assert row.text != rows[i].text
        way = row.source.removeprefix(f"{SOURCE}/")
        if way in ("cards", "forwards", "signatures"):
            assert all(line in row.text for line in rows[i].text.split("\n"))
    drawn = Counter(row.source.split("/")[1] for _, row in found)
    assert set(drawn) == set(WAYS)
    assert drawn["cards"] == max(drawn.values())


def test_a_fault_is_denied_only_where_the_ticket_has_none(rows: tuple[Row, ...]) -> None:
    said = {f: [*zh_en["zh"], *zh_en["en"]] for f, zh_en in words("taught")["negated_faults"].items()}
    seen = 0
    for i, row in rewritten(rows, 1.0, 0):
        if row.source == f"{SOURCE}/denials":
            added = row.text.replace(rows[i].text, "")
            (fault,) = {f for f, clauses in said.items() if any(added.strip("，, ") == c for c in clauses)}
            assert fault not in (row.tags or ())
            seen += 1
    assert seen > 50


def test_posts_are_learnt_in_english_too_but_for_those_of_gold() -> None:
    if not translated_posts():
        pytest.skip("the translated posts are not on this machine")
    data = gather(load_config(["rewritten=0", "translated_weight=0.5"]))
    assert data.origin is not None
    english = [i for i, r in enumerate(data.rows) if r.source == "translated"]
    assert len(english) > 1000
    for i in english:
        row, post = data.rows[i], data.rows[int(data.origin[i])]
        assert (row.category, row.tags, row.urgency) == (post.category, post.tags, post.urgency)
        assert post.source == "read/stc3"
        assert data.weight[i] == 0.5 * data.weight[data.origin[i]]
    judging = load_table("gold_english")
    assert judging is not None
    assert not {content_key(data.rows[i].text) for i in english} & {content_key(r.text) for r in judging.rows}
    none = gather(load_config(["rewritten=0", "translated_weight=0"]))
    assert not [r for r in none.rows if r.source == "translated"]


def test_the_share_is_kept_and_the_seed_decides(rows: tuple[Row, ...]) -> None:
    found = list(rewritten(rows, 0.25, 0))
    assert 0.15 * len(rows) < len(found) < 0.35 * len(rows)
    assert found == list(rewritten(rows, 0.25, 0))
    assert {i for i, _ in found} != {i for i, _ in rewritten(rows, 0.25, 1)}
    assert not list(rewritten(rows, 0.0, 0))


def test_a_release_is_judged_by_other_pastings_than_it_was_taught() -> None:
    for kind in ("cards", "signatures", "forwards"):
        for speaks in ("zh", "en"):
            judged, taught = words()[kind][speaks], words("taught")[kind][speaks]
            assert not set(judged) & set(taught)
    judged, taught = words()["negated_faults"], words("taught")["negated_faults"]
    assert judged.keys() == taught.keys()
    for fault in judged:
        for speaks in ("zh", "en"):
            assert not set(judged[fault][speaks]) & set(taught[fault][speaks])
    for speaks in ("zh", "en"):
        judged, taught = words()["fill"][speaks], words("taught")["fill"][speaks]
        assert all(not set(judged[k]) & set(taught[k]) for k in judged)


@given(share=st.floats(0, 1), seed=st.integers(0, 99))
def test_what_is_held_out_is_not_learnt_in_other_words(data: Dataset, share: float, seed: int) -> None:
    held = data.judged[np.random.default_rng(seed).random(len(data.judged)) < share]
    learnt = data.unseen(held)
    assert data.origin is not None
    assert not set(data.origin[learnt].tolist()) & set(held.tolist())
    assert len(learnt) == int((~np.isin(data.origin, held)).sum())


def test_rewritten_rows_stand_behind_all_others_and_count_less(data: Dataset) -> None:
    assert data.origin is not None
    copies = np.flatnonzero(data.origin != np.arange(len(data.rows)))
    assert len(copies)
    assert copies.min() > data.judged.max()
    assert (data.weight[copies] == 0.5 * data.weight[data.origin[copies]]).all()
