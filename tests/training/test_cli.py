"""``python -m training`` from a table to a release that answers, and back."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from features.schema import Ticket
from models.release import current_version, list_versions, load_release
from models.triage import TriageModel

SETTINGS = ["--set", "encoder=none", "--set", "landmarks=0", "--set", "folds=2", "--set", "min_df=1"]
TEXTS = {
    "billing": ["the invoice shows a wrong amount {}", "why was my card charged twice {}", "发票金额不对 {}"],
    "delivery": ["where is my parcel {}", "the courier never came {}", "快递一直没到 {}"],
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store, an MLflow database and a folder for candidates of our own, while this module runs."""
    from training import promote, verbs

    root = tmp_path_factory.mktemp("cli")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setattr(sys, "path", sys.path.copy())
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{root / 'mlflow.db'}")
        patch.setattr(verbs, "STORE", root / "store")
        patch.setattr(verbs, "CANDIDATES", root / "candidates")
        verb = {v: partial(getattr(promote, v), store=root / "store") for v in ("promote", "rollback")}
        patch.setattr(verbs, "promotion", SimpleNamespace(**verb))
        yield root / "store"


def run(*arguments: object) -> int:
    from training.__main__ import main

    return main([str(a) for a in arguments])


def table(path: Path, extra: int) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["body", "queue"])
        for queue, texts in TEXTS.items():
            rows.writerows([text.format("abcdefghijklmnop"[n] * 3), queue] for text in texts for n in range(8 + extra))
    return path


@pytest.fixture(scope="module")
def versions(store: Path) -> list[str]:
    """Two releases fitted from two tables by the command, neither promoted."""
    found: list[str] = []
    for extra in (0, 4):
        path = table(store.parent / "tickets.csv", extra)
        assert run("fit", "triage", "--data", path, "--text", "body", "--label", "queue", *SETTINGS) == 0
        found += [v for v in list_versions("tickets", store.parent / "candidates") if v not in found]
    assert len(found) == 2
    assert not store.exists()
    return found


def champion() -> Any:
    from training.track import CHAMPION, client

    return client().get_model_version_by_alias("tickets", CHAMPION)


def ledger(store: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (store / "tickets" / "ledger.jsonl").read_text().splitlines()]


def test_a_run_is_logged_whole(versions: list[str]) -> None:
    from training.track import client

    found = {v.tags["release"]: v for v in client().search_model_versions("name='tickets'")}
    assert set(found) == set(versions)
    logged = client().get_run(found[versions[0]].run_id)
    assert logged.data.params["encoder"] == "none"
    assert {"rows", "data.tickets", "ridge"} <= set(logged.data.params)
    assert {"category_accuracy", "category_ece"} <= set(logged.data.metrics)
    assert {"reliability.png", "confusion.png", "errors.json"} <= {
        a.path for a in client().list_artifacts(found[versions[0]].run_id)
    }


def test_promotion_and_rollback(store: Path, versions: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    one, two = versions
    assert run("promote", "tickets", "--version", one, "--why", "  ") == 2
    assert "say why" in capsys.readouterr().err
    assert not store.exists()
    assert run("rollback", "tickets", "--why", "nothing yet") == 2
    for version in versions:
        assert run("promote", "tickets", "--version", version, "--why", f"try {version}") == 0
        assert current_version("tickets", store) == version
        assert champion().tags["release"] == version
    assert run("rollback", "tickets", "--why", "worse") == 0
    assert current_version("tickets", store) == one
    assert champion().tags["release"] == one
    lines = ledger(store)
    assert [(e["from"], e["to"], e["why"]) for e in lines] == [
        (None, one, f"try {one}"),
        (one, two, f"try {two}"),
        (two, one, "worse"),
    ]
    assert all(e["by"] and e["when"] for e in lines)


def test_the_registered_model_answers_as_the_release(store: Path, versions: list[str]) -> None:
    import mlflow
    import pandas as pd

    assert run("promote", "tickets", "--version", versions[1], "--why", "for the test of pyfunc") == 0
    texts = ["where is my parcel", "发票金额不对", "", "完全无关"]
    frame = pd.DataFrame({"id": list("abcd"), "text": texts})
    told = mlflow.pyfunc.load_model("models:/tickets@champion").predict(frame)
    model = TriageModel(load_release("tickets", store=store))
    answers = model.answer([Ticket(i, t) for i, t in zip("abcd", texts, strict=True)])
    assert [json.loads(a) for a in told["answer"]] == [json.loads(json.dumps(a.as_dict())) for a in answers]
    assert told["category"].tolist() == [a.category.key for a in answers]
    assert told["category"].tolist()[:2] == ["delivery", "billing"]


def test_a_changed_ledger_stops_everything(
    store: Path, versions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("promote", "tickets", "--version", versions[0], "--why", "a line more") == 0
    path = store / "tickets" / "ledger.jsonl"
    before, honest = current_version("tickets", store), path.read_text()
    lines = honest.splitlines(keepends=True)
    for forged in (honest.replace('"by": "', '"by": "not '), "".join(lines[1:]), "".join(lines[::-1]), "{\n" + honest):
        path.write_text(forged)
        assert run("promote", "tickets", "--version", versions[1], "--why", "x") == 2
        assert "ledger.jsonl" in capsys.readouterr().err
        assert run("rollback", "tickets", "--why", "x") == 2
    path.write_text(honest)
    assert current_version("tickets", store) == before


def test_what_is_not_registered_is_not_promoted(store: Path, small_store: Path) -> None:
    from features.errors import ConfigError
    from training import promote

    folder = small_store / "triage" / current_version("triage", small_store)
    with pytest.raises(ConfigError, match="not registered"):
        promote.promote("triage", folder, "because")
    assert not (store / "triage").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["fit", "triage", "--data", "nowhere.csv"],
        ["fit", "triage", "--set", "rigde=1"],
        ["promote", "tickets", "--version", "0" * 12, "--why", "x"],
        ["promote", "../triage", "--version", "0" * 12, "--why", "x"],
        ["rollback", "nobody", "--why", "x"],
        ["evaluate", "nobody"],
        ["compare", "tickets", "0" * 12, "1" * 12],
    ],
)
def test_a_mistake_is_one_sentence(store: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert "Traceback" not in told


def test_evaluate_and_compare(store: Path, versions: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    path = table(store.parent / "new.csv", 1)
    data = ["--data", path, "--text", "body", "--label", "queue"]
    assert run("evaluate", "tickets", "--version", versions[1], *data) == 0
    assert "category_accuracy" in capsys.readouterr().out
    assert run("compare", "tickets", *versions) == 0
    assert versions[0] in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["knobs", "corpus"])
def test_verbs_that_only_tell(verb: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any) -> None:
    monkeypatch.setenv("AFTERSIGHT_DATA", str(tmp_path))
    assert run(verb) == 0
    assert len(capsys.readouterr().out) > 100
