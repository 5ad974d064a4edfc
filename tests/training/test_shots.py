"""Few rows a class: what is drawn, what it is tested on, and the learning curve of a table."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import ConfigError
from training.data import Row, content_key, read_csv_table
from training.shots.draw import draw, known, set_apart
from training.shots.run import sizes

LABELS = {
    "billing": ["the invoice shows {} too much", "card charged twice on {}", "发票金额{}不对"],
    "delivery": ["parcel of {} is late", "the courier never came on {}", "快递{}一直没到"],
    "login": ["cannot sign in since {}", "password of {} is refused", "登录{}失败"],
}
DAYS = ["monday", "tuesday", "friday", "sunday", "march", "april", "june", "july", "august", "october"]
SETTINGS = [f"--set={s}" for s in ("encoder=none", "landmarks=0", "folds=2", "min_df=1")]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("shots") / "mails.csv"
    with found.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        rows.writerows((t.format(d), label) for label, texts in LABELS.items() for t in texts for d in DAYS)
        rows.writerow(["the invoice shows monday too much", "billing"])
        rows.writerow(["a lone question", "rare"])
    return found


@pytest.fixture(scope="module")
def rows(path: Path) -> tuple[Row, ...]:
    return read_csv_table(path, "text", "label").rows


@given(shots=st.integers(2, 40), seed=st.integers(0, 50))
def test_a_draw(rows: tuple[Row, ...], shots: int, seed: int) -> None:
    drawn, rest = draw(rows, shots, seed)
    counts = Counter(r.category for r in drawn)
    assert counts == {**dict.fromkeys(LABELS, min(shots, 30)), "rare": 1}
    assert (drawn, rest) == draw(rows, shots, seed)
    texts = [content_key(r.text) for r in drawn]
    assert len(texts) == len(set(texts))
    assert not set(texts) & {content_key(r.text) for r in rest}


def test_another_seed_draws_others(rows: tuple[Row, ...]) -> None:
    assert draw(rows, 5, 0)[0] != draw(rows, 5, 1)[0]


def test_what_is_set_apart_shares_no_text(rows: tuple[Row, ...]) -> None:
    learnt, test = set_apart(rows, 3, 0)
    assert len(learnt) + len(test) == len(rows)
    assert not {content_key(r.text) for r in learnt} & {content_key(r.text) for r in test}


def test_only_known_categories_are_tested(rows: tuple[Row, ...]) -> None:
    assert {r.category for r in known(rows, {"login"})} == {"login"}
    with pytest.raises(ConfigError, match="no row to test on"):
        known(rows, {"weather"})


@pytest.mark.parametrize("text", ["", "1", "ten", "10,,20", "-5", "10;20", "0"])
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(ConfigError, match="--shots"):
        sizes(text)


def test_sizes() -> None:
    assert sizes("10, 20,all") == [10, 20, None]


@pytest.fixture
def main(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run in a folder of our own."""
    from training import track

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.setattr(track, "CANDIDATES", tmp_path / "candidates")
    return tmp_path


def run(*arguments: object) -> int:
    from training.__main__ import main as command

    return command([str(a) for a in arguments])


def test_the_curve_is_logged_and_more_rows_are_not_worse(main: Path, path: Path) -> None:
    from training.track import client

    assert run("curve", "triage", "--data", path, "--shots", "2,all", "--draws", 2, *SETTINGS) == 0
    [experiment] = [e for e in client().search_experiments() if e.name.endswith("mails-curve")]
    [logged] = client().search_runs([experiment.experiment_id])
    names = {a.path for a in client().list_artifacts(logged.info.run_id)}
    assert {"curve.json", "curve.png"} <= names
    table = json.loads(Path(client().download_artifacts(logged.info.run_id, "curve.json", str(main))).read_text())
    few, every = (sum(table[k]["category_accuracy"]) / len(table[k]["category_accuracy"]) for k in ("2", "all"))
    assert every >= few
    assert every > 0.8
    assert len(table["2"]["category_accuracy"]) == 2


def test_a_fit_of_few_rows_says_how_it_does_on_the_others(
    main: Path, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("fit", "triage", "--data", path, "--shots", 4, *SETTINGS) == 0
    assert "test" in capsys.readouterr().out
    [release] = (main / "candidates" / "mails").iterdir()
    facts = json.loads((release / "release.json").read_text())
    assert facts["data"][0]["rows"] <= 13


def test_few_rows_of_no_table(main: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("fit", "triage", "--shots", 5) == 2
    assert "--data" in capsys.readouterr().err
