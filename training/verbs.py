"""What the verbs of ``python -m training`` do: the wiring of pure functions to files, MLflow and the terminal."""

from __future__ import annotations

import argparse
import getpass
import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from features.errors import ConfigError, ReleaseError
from features.schema import Ticket
from features.taxonomy import Taxonomy, default_taxonomy, flat_taxonomy
from features.text import normalize
from models.churn import ChurnModel
from models.heads import Probabilities
from models.release import STORE, Release, list_versions, load_release, save_release
from models.triage import TriageModel
from training import corpus as corpus_figures
from training import promote as promotion
from training import track
from training.card import write_card
from training.config import HERE, TriageConfig, load_config
from training.data import Row, Table, load_table, read_csv_table
from training.dataset import Dataset, family, gather
from training.judge import judge
from training.matrices import build, targets
from training.metrics import score
from training.plots import confusion_plot, reliability_plot
from training.triage import Fitted
from training.triage import fit as fit_triage

__all__ = ["ablate", "compare", "corpus", "evaluate", "fit", "knobs", "promote", "rollback", "simulate"]

log = logging.getLogger(__name__)

CANDIDATES = track.ROOT / "var" / "releases"


def fit(arguments: argparse.Namespace) -> None:
    """Fit, log, register; promote only if asked.

    Raises
    ------
    ConfigError
        At once, if no release may have the name that is asked for.
    """
    asked = arguments.release_name
    if asked is not None and track.name_of(asked) != asked:
        raise ConfigError(f"--as {asked}: {track.NAMES}")
    if arguments.name != "triage":
        name, release = _fitter(arguments.name)(arguments)
        _print_metrics(load_release(name, folder=release).manifest["metrics"])
        _promoted(name, release, arguments.promote)
        return
    config = load_config(arguments.set)
    table = _own_table(arguments)
    name = asked or (track.name_of(table.name) if table else arguments.name)
    data = gather(config, table)
    taxonomy = flat_taxonomy(sorted({str(r.category) for r in data.rows})) if table else default_taxonomy()
    started = time.perf_counter()
    knobs = {**config.as_dict(), "rows": len(data.rows)}
    with track.run(name, {**knobs, "data": {t.name: t.digest for t in data.tables}}) as run:
        fitted = fit_triage(data, taxonomy, config)
        release = _save(name, fitted, data, taxonomy, config, run)
        check_release(TriageModel(load_release(name, folder=release)), fitted, data)
        _log(fitted, taxonomy, time.perf_counter() - started)
        number = track.log_release(name, release)
    _print_metrics(fitted.judged.metrics)
    log.info("release %s/%s, registered as version %s, run %s", name, release.name, number, run)
    _promoted(name, release, arguments.promote)


def _fitter(name: str) -> Callable[[argparse.Namespace], tuple[str, Path]]:
    if name == "churn":
        from training.churn.run import fit_churn

        return fit_churn
    from training.diagnosis.run import fit_photos  # torch takes seconds to import: not for tickets

    return fit_photos


def _promoted(name: str, release: Path, why: str | None) -> None:
    if why:
        _print(promotion.promote(name, release, why))
    else:
        log.info("let it answer: python -m training promote %s --version %s --why …", name, release.name)


def _own_table(arguments: argparse.Namespace) -> Table | None:
    """Read the caller's own tickets, where there are any."""
    return read_csv_table(arguments.data, arguments.text, arguments.label or "label") if arguments.data else None


def check_release(model: TriageModel, fitted: Fitted, data: Dataset, tickets: int = 200) -> None:
    """See that the saved release, by the code that answers, says what the heads said when they were fitted.

    Raises
    ------
    ReleaseError
        If a probability differs by more than half precision explains.
    """
    some = np.arange(0, len(data.rows), max(1, len(data.rows) // tickets))
    answered = model.probabilities([normalize(data.rows[i].text) for i in some]).category
    apart = float(np.abs(answered - fitted.own(some).category).max())
    if apart > 0.02:
        raise ReleaseError(f"the saved release differs from what was fitted by {apart:.3f}")


def _facts(fitted: Fitted, data: Dataset, config: TriageConfig) -> dict[str, Any]:
    used = Counter(family(r.source) for r in data.rows)
    tables = [{"name": t.name, "rows": used.get(t.name, len(t.rows)), "sha256": t.digest} for t in data.tables]
    return {
        "metrics": _rounded(fitted.judged.metrics),
        "labels": _rounded(fitted.judged.labels),
        "autonomy": _rounded(fitted.judged.autonomy),
        "data": tables,
        "encoder": fitted.config["encoder"],
        "knobs": config.as_dict(),
    }


def _rounded(table: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, Any]]:
    """Four digits, and JSON has no NaN."""
    return {k: {x: None if v != v else round(v, 4) for x, v in row.items()} for k, row in table.items()}


def _save(name: str, fitted: Fitted, data: Dataset, taxonomy: Taxonomy, config: TriageConfig, run: str) -> Path:
    facts = _facts(fitted, data, config)
    who = {"run": run, "created": datetime.now(UTC).isoformat(timespec="seconds"), "by": getpass.getuser()}
    return save_release(name, fitted.tensors, taxonomy, fitted.config, facts, write_card(name, facts), who, CANDIDATES)


def _log(fitted: Fitted, taxonomy: Taxonomy, seconds: float) -> None:
    judged, target = fitted.judged, fitted.target
    held = judged.held
    names = [c.key for c in taxonomy.categories]
    plots = {
        "reliability.png": reliability_plot(held.p, target, held.rows),
        "confusion.png": confusion_plot(held.p, target, held.rows, names),
    }
    tables = {"labels.json": _rounded(judged.labels), "autonomy.json": _rounded(judged.autonomy)}
    track.log_figures({**judged.metrics, "run": {"seconds": seconds}}, {**tables, "errors.json": judged.errors}, plots)


def ablate(arguments: argparse.Namespace) -> None:
    """Leave out one thing at a time, on the same folds; every variant is a run in MLflow."""
    variants: dict[str, list[str]] = yaml.safe_load((HERE / "ablation.yaml").read_text(encoding="utf-8"))
    table = {}
    for variant, overrides in variants.items():
        config = load_config([*arguments.set, *overrides])
        data, taxonomy = gather(config), default_taxonomy()
        with track.run(f"{arguments.name}-ablation", {**config.as_dict(), "variant": variant}):
            matrices = build([r.text for r in data.rows], config)
            judged = judge(matrices, targets(data.rows, taxonomy), data, taxonomy, config)
            track.log_figures(judged.metrics, {}, {})
        table[variant] = {**judged.metrics["all"], "n": float(len(data.rows))}
        log.info("%s: %s", variant, {k: round(v, 3) for k, v in table[variant].items()})
    _print_metrics(table)


def evaluate(arguments: argparse.Namespace) -> None:
    """Score a saved release with the code that answers; says so where the rows were trained on."""
    release = load_release(arguments.name, folder=_folder(arguments.name, arguments.version))
    if release.network:
        from training.diagnosis.evaluate import evaluate_photos

        _print_metrics(evaluate_photos(release, arguments))
        return
    if release.config.get("kind") == "churn":
        _evaluate_churn(release, arguments)
        return
    model = TriageModel(release)
    source = arguments.source or "gold"
    table = _own_table(arguments) or load_table(source)
    if table is None:
        raise ConfigError(f"the source {source} is not on this machine")
    _warn_of_own_rows(model.manifest, table.digest)
    rows = [r for r in table.rows if r.category in {c.key for c in model.taxonomy.categories}]
    started = time.perf_counter()
    figures = evaluate_rows(model, rows)
    _print_metrics(figures)
    log.info("%d tickets in %.1f s", len(rows), time.perf_counter() - started)


def _evaluate_churn(release: Release, arguments: argparse.Namespace) -> None:
    from training.churn.run import evaluate_churn, own_table

    model, customers = ChurnModel(release), own_table(arguments)
    _warn_of_own_rows(model.manifest, customers.digest)
    _print_metrics(evaluate_churn(model, customers))


def _warn_of_own_rows(manifest: Mapping[str, Any], digest: str) -> None:
    if digest in {d["sha256"] for d in manifest["data"]}:
        log.warning("the release was trained on these very rows: this is no estimate of accuracy")


def evaluate_rows(model: TriageModel, rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Score whole answers, rules included, against labelled rows, in all and by source."""
    taxonomy = model.taxonomy
    answers = model.answer([Ticket(r.id, r.text) for r in rows])
    place = [{x.key: i for i, x in enumerate(part)} for part in (taxonomy.categories, taxonomy.tags, taxonomy.urgency)]
    p = Probabilities(*(np.zeros((len(rows), max(1, len(k))), np.float32) for k in place))
    tags = np.zeros((len(rows), len(place[1])), np.bool_)
    for i, answer in enumerate(answers):
        p.category[i, place[0][answer.category.key]] = answer.category.probability
        tags[i, [place[1][t.key] for t in answer.tags]] = True
        if answer.urgency:
            p.urgency[i, place[2][answer.urgency.level]] = answer.urgency.score
    figures = score(p, targets(rows, taxonomy), np.arange(len(rows)), [r.source for r in rows], tags)
    for row in figures.values():  # a level's own probability is not part of an answer
        for name in ("urgency_ece", "urgent_in_top_fifth"):
            row.pop(name, None)
    return figures


def _folder(name: str, version: str | None) -> Path | None:
    """Find a version in the store, or among the candidates."""
    for store in (STORE, CANDIDATES):
        if version and version in list_versions(name, store):
            return store / name / version
    if version:
        raise ConfigError(f"there is no release {name}/{version}")
    return None


def compare(arguments: argparse.Namespace) -> None:
    """Print two releases' held-out figures side by side."""
    one, two = (load_release(arguments.name, folder=_folder(arguments.name, v)).manifest for v in arguments.versions)
    print(f"{'':42}{arguments.versions[0]:>14}{arguments.versions[1]:>14}{'change':>10}")
    for source in one["metrics"]:
        for key, a in one["metrics"][source].items():
            b = two["metrics"].get(source, {}).get(key)
            if b is not None and key != "n":
                print(f"{source + ' ' + key:42}{a:14.4f}{b:14.4f}{b - a:+10.4f}")


def promote(arguments: argparse.Namespace) -> None:
    """Promote a release."""
    folder = _folder(arguments.name, arguments.version)
    if folder is None:
        raise ConfigError("say which: --version")
    _print(promotion.promote(arguments.name, folder, arguments.why))


def rollback(arguments: argparse.Namespace) -> None:
    """Bring back what answered before."""
    _print(promotion.rollback(arguments.name, arguments.why))


def corpus(_: argparse.Namespace) -> None:
    """Print the corpus's figures."""
    own, real = load_table("corpus"), load_table("gold")
    _print(corpus_figures.report(own.rows if own else (), real.rows if real else ()))


def simulate(arguments: argparse.Namespace) -> None:
    """Compare orders of answering on the same days, and log the run."""
    from training.config import load_queue_config
    from training.queue.report import simulate as let_happen

    config = load_queue_config(arguments.set)
    with track.run("queue", config.as_dict()):
        told = let_happen(config, arguments.out)
        track.log_figures(told.metrics, {}, {"queue.png": told.plot})
    print(told.text)
    log.info("table and plot: %s", arguments.out)


def knobs(arguments: argparse.Namespace) -> None:
    """Print the page of knobs."""
    print((HERE / f"{arguments.name}.yaml").read_text(encoding="utf-8"))


def _print(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=1))


def _print_metrics(metrics: Mapping[str, Mapping[str, float]]) -> None:
    found = dict.fromkeys(k for row in metrics.values() for k in row)
    keys = [k for k in found if k != "n" and not k.endswith(("_low", "_high"))]
    width = max(map(len, metrics))
    print(f"{'source':{width}} {'n':>6} " + " ".join(f"{k:>{max(8, len(k))}}" for k in keys))
    for source, row in metrics.items():
        cells = (f"{row[k]:>{max(8, len(k))}.3f}" if row.get(k) is not None else " " * max(8, len(k)) for k in keys)
        print(f"{source:{width}} {row['n']:6.0f} " + " ".join(cells))
