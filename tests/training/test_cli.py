"""``python -m training`` from a table to a release that answers, and back."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from features.schema import Ticket
from models.release import current_version, list_versions, load_release
from models.triage import TriageModel
from tests.training.own_store import own_store

SETTINGS = ["--set", "encoder=none", "--set", "landmarks=0", "--set", "folds=2", "--set", "min_df=1"]
TEXTS = {
    "billing": ["the invoice shows a wrong amount {}", "why was my card charged twice {}", "发票金额不对 {}"],
    "delivery": ["where is my parcel {}", "the courier never came {}", "快递一直没到 {}"],
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store, an MLflow database and a folder for candidates of our own, while this module runs."""
    with own_store(tmp_path_factory.mktemp("cli")) as store:
        yield store


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
        ["fit", "triage", "--reviewed", "nowhere.csv"],
        ["audit", "triage", "--data", "nowhere.csv"],
        ["robustness", "nobody"],
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


def test_a_release_tells_how_it_bears_other_writing(versions: list[str], store: Path) -> None:
    folder = store.parent / "candidates" / "tickets" / versions[0]
    told = json.loads((folder / "release.json").read_text())["robustness"]
    assert {"untouched", "typos", "pasted_order"} <= set(told["figures"])
    assert {"n", "category_accuracy", "category_change", "invariance"} == set(told["figures"]["typos"])
    assert "| pasted_order |" in (folder / "card.md").read_text()


def test_robustness_of_a_saved_release(store: Path, versions: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    from training.track import client

    path = table(store.parent / "tickets.csv", 4)
    data = ["--data", path, "--text", "body", "--label", "queue"]
    assert run("robustness", "tickets", "--version", versions[1], *data) == 0
    told = capsys.readouterr().out
    assert "held-out tickets" in told
    assert "on which it was trained" in told
    assert told.count("code_mixing") == 2
    experiment = client().get_experiment_by_name("aftersight-tickets-robustness")
    logged = client().search_runs([experiment.experiment_id])[0].data
    assert logged.params["release"] == versions[1]
    assert logged.metrics["slice-full_width/invariance"] == 1.0
    new = table(store.parent / "other.csv", 6)
    assert run("robustness", "tickets", "--version", versions[1], "--data", new, *data[2:]) == 0
    assert "trained" not in capsys.readouterr().out


def test_from_an_audit_to_a_fit(store: Path, versions: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A label made wrong is found, accepted, and right in the next run; another row is dropped."""
    path, out = table(store.parent / "wrong.csv", 4), store.parent / "review.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[3] = lines[3].replace(",billing", ",delivery")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    data = ["--data", path, "--text", "body", "--label", "queue", *SETTINGS]
    assert run("audit", "triage", *data, "--out", out) == 0
    assert json.loads(capsys.readouterr().out)["suspects"] == {"wrong category": 1}
    assert lines[3].split(",")[0] not in out.read_text(encoding="utf-8-sig")
    assert run("audit", "triage", *data, "--out", out) == 2
    assert "is there already" in capsys.readouterr().err
    found = out.read_text(encoding="utf-8-sig")
    assert found.splitlines()[1].startswith("wrong-2,wrong,category,delivery,billing,0.")
    out.write_text(f"{found.rstrip()}accept\nwrong-5,wrong,category,billing,,,drop\n", encoding="utf-8")
    assert run("fit", "triage", *data, "--reviewed", out) == 0
    (version,) = list_versions("wrong", store.parent / "candidates")
    manifest = json.loads((store.parent / "candidates" / "wrong" / version / "release.json").read_text())
    assert (manifest["reviewed"]["accept"], manifest["reviewed"]["drop"]) == (1, 1)
    assert manifest["metrics"]["all"]["n"] == len(lines) - 2
    out.write_text(out.read_text(encoding="utf-8").replace("accept", "perhaps"), encoding="utf-8")
    assert run("fit", "triage", *data, "--reviewed", out) == 2
    assert "review.csv, line 2: decision" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["knobs", "corpus"])
def test_verbs_that_only_tell(verb: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any) -> None:
    monkeypatch.setenv("AFTERSIGHT_DATA", str(tmp_path))
    assert run(verb) == 0
    assert len(capsys.readouterr().out) > 100
