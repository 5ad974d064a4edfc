"""The slice table says what it says, on tickets that nobody saw; and promotion is refused where a slice loses."""

from __future__ import annotations

import copy
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from features.errors import ConfigError
from features.taxonomy import default_taxonomy, flat_taxonomy
from models.heads import Probabilities
from models.release import current_version, load_release, save_release, set_current
from models.triage import TriageModel
from training import promote as promotion
from training.answers import whole_answers
from training.config import load_config
from training.data import Row, load_table
from training.dataset import Dataset
from training.judge import answer_unseen, judge
from training.matrices import build, targets
from training.robustness.gate import FEWEST, GATED, MARGIN, check_slices, losses
from training.robustness.slices import REWRITES, UNTOUCHED, make_slices, sample
from training.robustness.table import held_out_slices, slice_figures, tabulate

TAXONOMY = default_taxonomy()
ENGLISH = {"chat_fragment-001": "the price fell by forty today, can I have the difference"}


def corpus(step: int = 12) -> tuple[Row, ...]:
    table = load_table("corpus")
    assert table is not None
    return table.rows[::step]


# --- the cases -----------------------------------------------------------------------------------------------------


def test_every_case_stands_beside_its_untouched_ticket() -> None:
    rows = corpus()
    cases = make_slices(rows, TAXONOMY, ENGLISH)
    assert [c.row for c in cases[: len(rows)]] == [replace(r, source=UNTOUCHED) for r in rows]
    for case in cases:
        origin = cases[case.origin]
        assert origin.origin == case.origin
        assert (case.row.id, case.row.category, case.row.tags, case.row.urgency) == (
            (origin.row.id, origin.row.category, origin.row.tags, origin.row.urgency)
        )
        assert case.row.text != origin.row.text or case is origin
        assert case.denied not in (case.row.tags or ())
    assert cases == make_slices(rows, TAXONOMY, ENGLISH)


def test_slices_are_all_there() -> None:
    names = Counter(c.row.source for c in make_slices(corpus(), TAXONOMY, ENGLISH))
    assert set(names) == {UNTOUCHED, *REWRITES, "english", "english_typos", "negation", "requests", "requests_negation"}
    assert names["english"] == 1
    assert names["requests_negation"] == 10 * names["requests"]


def test_another_taxonomy_knows_no_faults() -> None:
    rows = [Row("1", "where is my parcel", "t", "delivery"), Row("2", "发票金额不对", "t", "billing")]
    names = {c.row.source for c in make_slices(rows, flat_taxonomy(["billing", "delivery"]), {})}
    assert UNTOUCHED in names
    assert not names & {"negation", "requests", "requests_negation"}


def test_the_sample_hangs_on_names_alone() -> None:
    rows = corpus()
    picked = sample(rows, 50)
    assert picked == sorted(set(picked))
    assert len(picked) == 50
    relabelled = [replace(r, category="other", tags=(), text="x") for r in rows]
    assert sample(relabelled, 50) == picked
    assert sample(rows, 10**6) == list(range(len(rows)))
    backwards = {rows[::-1][i].id for i in sample(rows[::-1], 50)}
    assert backwards == {rows[i].id for i in picked}


# --- the figures ---------------------------------------------------------------------------------------------------


def perfect(cases: Any) -> tuple[Probabilities, Any]:
    target = targets([c.row for c in cases], TAXONOMY)
    c, t, u = target.sizes
    values = target.values
    level = u - values[:, c + t :].sum(axis=1).astype(int)
    urgency = np.eye(u + 1, dtype=np.float32)[level]
    return Probabilities(values[:, :c].copy(), values[:, c : c + t].copy(), urgency), values[:, c : c + t] > 0.5


def test_perfect_answers_have_perfect_figures() -> None:
    cases = make_slices(corpus(), TAXONOMY, {})
    p, tags = perfect(cases)
    for row in slice_figures(cases, p, tags, TAXONOMY).values():
        assert {row[k] for k in (*GATED, "invariance") if k in row} == {1.0}
        assert {row[f"{k}_change"] for k in ("category", "tags", "urgency")} == {0.0}


def test_one_wrong_answer_is_seen_where_it_is() -> None:
    cases = make_slices(corpus(), TAXONOMY, {})
    p, tags = perfect(cases)
    place = next(i for i, c in enumerate(cases) if c.row.source == "typos")
    p.category[place] = np.roll(p.category[place], 1)
    figures = slice_figures(cases, p, tags, TAXONOMY)
    n = figures["typos"]["n"]
    for key, want in (("category_accuracy", 1 - 1 / n), ("category_change", -1 / n), ("invariance", 1 - 1 / n)):
        assert figures["typos"][key] == pytest.approx(want)
    assert all(row["category_accuracy"] == 1.0 for name, row in figures.items() if name != "typos")


def test_a_denied_fault_counts_where_the_denial_won_its_tag() -> None:
    cases = make_slices(corpus(), TAXONOMY, {})
    p, tags = perfect(cases)
    keys = [t.key for t in TAXONOMY.tags]
    denials = [i for i, c in enumerate(cases) if c.row.source == "negation"]
    for i in denials[:10]:
        tags[i, keys.index(str(cases[i].denied))] = True
    for i in denials[:4]:  # had it before: not won by the denial
        tags[cases[i].origin, keys.index(str(cases[i].denied))] = True
    assert slice_figures(cases, p, tags, TAXONOMY)["negation"]["held"] == pytest.approx(1 - 6 / len(denials))


def test_figures_whose_truth_is_not_told_are_left_out() -> None:
    rows = [replace(r, tags=None, urgency=None) for r in corpus()]
    cases = [c for c in make_slices(rows, TAXONOMY, {}) if not c.row.source.startswith("requests")]
    p, tags = perfect([replace(c, row=replace(c.row, tags=(), urgency="p3")) for c in cases])
    figures = slice_figures(cases, p, tags, TAXONOMY)[UNTOUCHED]
    assert set(figures) == {"n", "category_accuracy", "category_change", "invariance"}


# --- held out ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run() -> Any:
    """A small run: data, target, held-out figures."""
    rows = corpus(8)
    data = Dataset(rows, np.ones(len(rows), np.float32), np.arange(len(rows)), ())
    config = load_config(["encoder=none", "landmarks=0", "folds=3"])
    target = targets(rows, TAXONOMY)
    judged = judge(build([r.text for r in rows], config), target, data, TAXONOMY, config)
    return SimpleNamespace(data=data, target=target, judged=judged)


def test_a_rows_own_text_is_answered_as_when_it_was_held_out(run: Any) -> None:
    held = run.judged.held
    p = answer_unseen(held, run.target, TAXONOMY, [run.data.rows[i].text for i in held.rows], held.fold)
    for now, then in ((p.category, held.p.category), (p.tags, held.p.tags), (p.urgency, held.p.urgency)):
        np.testing.assert_allclose(now, then, atol=1e-5)


def test_the_untouched_slice_is_the_runs_own_figures(run: Any) -> None:
    slices = held_out_slices(run.judged, run.target, run.data, TAXONOMY, {})
    untouched, whole = slices.figures[UNTOUCHED], run.judged.metrics["all"]
    assert untouched["n"] == len(run.data.rows)
    for key in ("category_accuracy", "tags_micro_f1", "urgency_accuracy"):
        assert untouched[key] == pytest.approx(whole[key], abs=1e-6)
    assert slices.figures["full_width"]["invariance"] == 1.0
    assert slices.figures["full_width"]["category_change"] == 0.0
    assert 0.3 < slices.figures["typos"]["invariance"] < 1.0
    assert slices.of == "corpus"


def test_tickets_of_other_sources_are_judged_in_english_by_what_did_not_see_them() -> None:
    rows = tuple(replace(r, source=f"{'read' if i % 3 else 'gold'}/x") for i, r in enumerate(corpus(8)))
    data = Dataset(rows, np.ones(len(rows), np.float32), np.arange(len(rows)), ())
    config = load_config(["encoder=none", "landmarks=0", "folds=3"])
    target = targets(rows, TAXONOMY)
    judged = judge(build([r.text for r in rows], config), target, data, TAXONOMY, config)
    others = [i for i, r in enumerate(rows) if r.source == "read/x"]
    same = {r.id: r.text for r in rows}
    figures = held_out_slices(judged, target, data, TAXONOMY, same).figures
    assert figures["posts"] == figures["posts_english"], "translated into themselves"
    assert figures["posts"]["n"] == len(others)
    assert figures["english"]["n"] == len(rows) - len(others)
    truth = target.values[others][:, :5].argmax(axis=1)
    right = judged.held.p.category[np.searchsorted(judged.held.rows, others)].argmax(axis=1) == truth
    assert figures["posts"]["category_accuracy"] == pytest.approx(right.mean())
    blank = held_out_slices(judged, target, data, TAXONOMY, {r.id: "-" for r in rows}).figures["posts_english"]
    assert blank["category_change"] < 0
    assert "posts" not in held_out_slices(judged, target, data, TAXONOMY, {}).figures


def test_a_fold_that_saw_the_row_would_answer_otherwise(run: Any) -> None:
    """The slices are of unseen tickets: the heads of another fold know them, and are surer of their labels."""
    held = run.judged.held
    texts = [run.data.rows[i].text for i in held.rows]
    truth = run.target.values[held.rows][:, :5].argmax(axis=1)
    unseen = answer_unseen(held, run.target, TAXONOMY, texts, held.fold).category[np.arange(len(texts)), truth]
    seen = answer_unseen(held, run.target, TAXONOMY, texts, (held.fold + 1) % 3).category[np.arange(len(texts)), truth]
    assert seen.mean() > unseen.mean() + 0.05


def test_what_a_release_says_is_plain_and_short(run: Any) -> None:
    said = held_out_slices(run.judged, run.target, run.data, TAXONOMY, {}).as_dict()
    assert json.loads(json.dumps(said)) == said
    assert set(said["figures"]) == set(said["digests"])
    assert all(len(d) == 12 for d in said["digests"].values())


def test_digests_are_of_the_texts() -> None:
    rows = corpus()
    cases = make_slices(rows, TAXONOMY, {})
    p, tags = perfect(cases)
    one = tabulate("corpus", cases, p, tags, TAXONOMY).digests
    other = [replace(c, row=replace(c.row, text=c.row.text + "!")) if c.row.source == "typos" else c for c in cases]
    two = tabulate("corpus", other, p, tags, TAXONOMY).digests
    assert {name for name in one if one[name] != two[name]} == {"typos"}


def test_whole_answers_are_the_models(small_model: TriageModel) -> None:
    from features.schema import Ticket

    rows = corpus(300)
    p, tags = whole_answers(small_model, rows)
    for i, answer in enumerate(small_model.answer([Ticket(r.id, r.text) for r in rows])):
        assert small_model.taxonomy.categories[int(p.category[i].argmax())].key == answer.category.key
        assert answer.urgency is not None
        assert small_model.taxonomy.urgency[int(p.urgency[i].argmax())].key == answer.urgency.level
        assert {small_model.taxonomy.tags[j].key for j in np.flatnonzero(tags[i])} == {t.key for t in answer.tags}


# --- the gate ------------------------------------------------------------------------------------------------------


def said(n: int = 900, digest: str = "a", **figures: float) -> dict[str, Any]:
    row = {"n": n, "category_accuracy": 0.8, "tags_micro_f1": 0.7, "urgency_accuracy": 0.75, "invariance": 0.8}
    return {"robustness": {"of": "gold", "figures": {"typos": row | figures}, "digests": {"typos": digest}}}


@pytest.mark.parametrize("figure", ["category_accuracy", "tags_micro_f1", "urgency_accuracy"])
def test_a_loss_beyond_the_margin_is_refused(figure: str) -> None:
    now = said(**{figure: 0.7})
    assert "none loses" in check_slices(now, said(**{figure: 0.7 - MARGIN}))
    with pytest.raises(ConfigError) as refused:
        check_slices(now, said(**{figure: 0.7 - MARGIN - 0.001}))
    for told in ("typos", figure, "0.700", f"{0.7 - MARGIN - 0.001:.3f}", str(MARGIN)):
        assert told in str(refused.value)


def test_what_is_held_against_denials_counts_and_invariance_does_not() -> None:
    with pytest.raises(ConfigError, match="held"):
        check_slices(said(held=0.9), said(held=0.9 - MARGIN - 0.01))
    assert "1 of 1" in check_slices(said(invariance=0.9), said(invariance=0.5))


@pytest.mark.parametrize(
    ("now", "new", "told"),
    [
        (None, said(), "no sound release answers"),
        ({"metrics": {}}, said(category_accuracy=0.1), "the release that answers has no slice figures"),
        (said(), {"metrics": {}}, "this release has no slice figures"),
        (said() | {"taxonomy": "1"}, said(category_accuracy=0.1) | {"taxonomy": "2"}, "other labels"),
        (said(), said(digest="b", category_accuracy=0.1), "0 of 1"),
        (said(n=FEWEST - 1), said(n=FEWEST - 1, category_accuracy=0.1), "0 of 1"),
    ],
)
def test_what_cannot_be_compared_is_promoted_with_a_notice(now: Any, new: Any, told: str) -> None:
    assert told in check_slices(now, new)


def test_of_the_written_requests_only_denials_are_judged() -> None:
    def of_requests(**figures: float) -> dict[str, Any]:
        table = said(360, **figures)["robustness"]
        return {"robustness": {k: {"requests_negation": v["typos"]} if k != "of" else v for k, v in table.items()}}

    now = of_requests(held=0.8)
    assert "1 of 1" in check_slices(now, of_requests(held=0.8, category_accuracy=0.5))
    with pytest.raises(ConfigError, match="requests_negation held"):
        check_slices(now, of_requests(held=0.7))


def test_all_losses_are_named() -> None:
    one, two = said()["robustness"], said(category_accuracy=0.5, urgency_accuracy=0.5)["robustness"]
    assert len(list(losses(one, two))) == 2
    assert list(losses(two, one)) == []


@pytest.fixture
def two_releases(
    small_store: Path, small_fit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, Path, Path]:
    """A store where one release answers, and another, worse on a slice, that waits."""
    monkeypatch.setattr(promotion, "registered", lambda name, version: "1")
    monkeypatch.setattr(
        promotion, "client", lambda: SimpleNamespace(set_registered_model_alias=lambda *arguments: None)
    )
    base = copy.deepcopy(load_release("triage", store=small_store))
    found = []
    for accuracy in (0.8, 0.6):
        facts = {"metrics": {}, "data": [], **said(category_accuracy=accuracy)}
        found.append(save_release("triage", base.tensors, TAXONOMY, base.config, facts, "#\n", {}, tmp_path / "all"))
    store = tmp_path / "store"
    promotion.promote("triage", found[0], "the first", store=store)
    return store, found[0], found[1]


def test_a_worse_release_does_not_get_to_answer(two_releases: tuple[Path, Path, Path]) -> None:
    store, better, worse = two_releases
    with pytest.raises(ConfigError, match=r"typos category_accuracy 0\.800 -> 0\.600"):
        promotion.promote("triage", worse, "it is newer", store=store)
    assert current_version("triage", store) == better.name
    assert [e["slices"] for e in promotion.read_ledger("triage", store)] == [
        "slices not compared: no sound release answers"
    ]


def test_the_way_back_is_open(two_releases: tuple[Path, Path, Path], tmp_path: Path) -> None:
    _, better, worse = two_releases
    # The release before was worse on the slice, and yet it may come back.
    other = tmp_path / "other"
    promotion.promote("triage", worse, "the first", store=other)
    assert "none loses" in promotion.promote("triage", better, "better", store=other)["slices"]
    assert "rollback" in promotion.rollback("triage", "a fault elsewhere", store=other)["slices"]
    assert current_version("triage", other) == worse.name


def test_a_damaged_release_bars_nobody(two_releases: tuple[Path, Path, Path]) -> None:
    store, better, worse = two_releases
    (store / "triage" / better.name / "card.md").write_text("changed")
    assert "not compared" in promotion.promote("triage", worse, "the other is damaged", store=store)["slices"]
    set_current("triage", worse.name, store)
