"""What the verbs of ``python -m training`` do: the wiring of pure functions to files, MLflow and the terminal."""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from features.errors import ConfigError
from features.taxonomy import default_taxonomy, flat_taxonomy
from models.churn import ChurnModel
from models.release import STORE, Release, list_versions, load_release
from models.triage import TriageModel
from training import corpus as corpus_figures
from training import held, track
from training import promote as promotion
from training.ablation import ablation
from training.answers import whole_answers
from training.audit.review import read_review
from training.config import HERE, load_config
from training.data import Row, Table, load_table, read_csv_table
from training.dataset import gather
from training.matrices import targets
from training.metrics import score
from training.robustness.run import answered_slices
from training.robustness.table import held_out_slices, translations
from training.shots import run as few
from training.triage import fit as fit_triage
from training.triage_run import check_release, log_fit, save

__all__ = [
    "ablate",
    "audit",
    "compare",
    "context",
    "corpus",
    "curve",
    "evaluate",
    "fit",
    "knobs",
    "promote",
    "robustness",
    "rollback",
    "simulate",
]

log = logging.getLogger(__name__)

SEEN = ", on which it was trained: these figures flatter it"


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
    config = load_config([*_encoder_knobs(arguments), *arguments.set])
    table, test, config = few.chosen(arguments, _own_table(arguments), config)
    name = asked or (track.name_of(table.name) if table else arguments.name)
    data = gather(config, table, read_review(arguments.reviewed) if arguments.reviewed else None)
    taxonomy = flat_taxonomy(sorted({str(r.category) for r in data.rows})) if table else default_taxonomy()
    started = time.perf_counter()
    knobs = {**config.as_dict(), "rows": len(data.rows), **({"reviewed": data.review.digest} if data.review else {})}
    knobs |= {k: v for k in ("shots", "tune") if (v := getattr(arguments, k))}
    with track.run(name, {**knobs, "data": {t.name: t.digest for t in data.tables}}) as run:
        fitted = fit_triage(data, taxonomy, config)
        slices = held_out_slices(fitted.judged, fitted.target, data, taxonomy, translations())
        release = save(name, fitted, slices, data, taxonomy, config, run)
        model = TriageModel(load_release(name, folder=release))
        check_release(model, fitted, data)
        tested = {"test": evaluate_rows(model, test)["all"]} if test else {}
        track.log_figures(tested, {}, {})
        log_fit(fitted, slices, data, taxonomy, time.perf_counter() - started)
        number = track.log_release(name, release)
    _print_metrics({**fitted.judged.metrics, **tested})
    _print_metrics(slices.figures, "slice")
    log.info("release %s/%s, registered as version %s, run %s", name, release.name, number, run)
    _promoted(name, release, arguments.promote)


def _fitter(name: str) -> Callable[[argparse.Namespace], tuple[str, Path]]:
    if name == "churn":
        from training.churn.run import fit_churn

        return fit_churn
    if name == "satisfaction":
        from training.satisfaction_run import fit_dialogues

        return lambda arguments: (name, fit_dialogues(arguments.set))
    from training.diagnosis.run import fit_photos  # torch takes seconds to import: not for tickets

    return fit_photos


def _encoder_knobs(arguments: argparse.Namespace) -> list[str]:
    """Turn ``--encoder`` and ``--fine-tune`` into knobs: one is fine-tuned, or is used as it is.

    A release carries one network: beside one that is fine-tuned the packaged encoder reads.
    """
    if arguments.fine_tune:
        return [f"fine_tune={json.dumps(arguments.encoder or 'e5-small')}", "encoder=use-multilingual-3"]
    return [f"encoder={json.dumps(arguments.encoder)}"] if arguments.encoder else []


def _promoted(name: str, release: Path, why: str | None) -> None:
    if why:
        _print(promotion.promote(name, release, why))
    else:
        log.info("let it answer: python -m training promote %s --version %s --why …", name, release.name)


def _own_table(arguments: argparse.Namespace) -> Table | None:
    """Read the caller's own tickets, where there are any."""
    return read_csv_table(arguments.data, arguments.text, arguments.label or "label") if arguments.data else None


def curve(arguments: argparse.Namespace) -> None:
    """Print the learning curve of a table.

    Raises
    ------
    ConfigError
        If there is no table.
    """
    if (table := _own_table(arguments)) is None:
        raise ConfigError("a curve is of a table: --data")
    points = few.curve(arguments, table, load_config([*_encoder_knobs(arguments), *arguments.set]))
    _print_metrics({p.name: p.as_row() for p in points}, "shots")


def ablate(arguments: argparse.Namespace) -> None:
    """Judge variants of a recipe on the same folds."""
    _print_metrics(ablation(arguments.variants, arguments.set), "variant")


def evaluate(arguments: argparse.Namespace) -> None:
    """Score a saved release with the code that answers; says so where the rows were trained on."""
    release = load_release(arguments.name, folder=_folder(arguments.name, arguments.version))
    if "maps" in release.config:  # of places in photos
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
    p, tags = whole_answers(model, rows)
    figures = score(p, targets(rows, model.taxonomy), np.arange(len(rows)), [r.source for r in rows], tags)
    for row in figures.values():  # a level's own probability is not part of an answer
        for name in ("urgency_ece", "urgent_in_top_fifth"):
            row.pop(name, None)
    return figures


def robustness(arguments: argparse.Namespace) -> None:
    """Print how a release bears tickets that are written in another way: held out, and by what it answers."""
    model = TriageModel(load_release(arguments.name, folder=_folder(arguments.name, arguments.version)))
    if fitted := model.manifest.get("robustness"):
        print(f"heads on held-out tickets of {fitted['of']}, taken when the release was fitted:")
        _print_metrics(fitted["figures"], "slice")
    slices, seen = answered_slices(arguments.name, model, _own_table(arguments))
    print(f"what the release answers to tickets of {slices.of}{SEEN if seen else ''}:")
    _print_metrics(slices.figures, "slice")


def audit(arguments: argparse.Namespace) -> None:
    """Write the labels that are likely wrong into a file to review."""
    from training.audit.run import audit_labels  # cleanlab takes seconds to import: not for every verb

    path, found = audit_labels(arguments, _own_table(arguments))
    _print({"review": str(path), "suspects": found})


def _folder(name: str, version: str | None) -> Path | None:
    """Find a version in the store, or among the candidates."""
    for store in (STORE, track.CANDIDATES):
        if version and version in list_versions(name, store):
            return store / name / version
    if version:
        raise ConfigError(f"there is no release {name}/{version}")
    return None


def compare(arguments: argparse.Namespace) -> None:
    """Print two releases' held-out figures side by side; of two runs' held-out answers with intervals."""
    if all(v.endswith(".json") for v in arguments.versions):
        one, two = (held.Told.read(Path(v)) for v in arguments.versions)
        print(held.markdown(one, two, default_taxonomy()))
        return
    a, b = (load_release(arguments.name, folder=_folder(arguments.name, v)).manifest for v in arguments.versions)
    print(f"{'':42}{arguments.versions[0]:>14}{arguments.versions[1]:>14}{'change':>10}")
    for source in a["metrics"]:
        for key, before in a["metrics"][source].items():
            after = b["metrics"].get(source, {}).get(key)
            if after is not None and key != "n":
                print(f"{source + ' ' + key:42}{before:14.4f}{after:14.4f}{after - before:+10.4f}")


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


def context(_: argparse.Namespace) -> None:
    """Print what earlier messages are worth to the category of real last messages."""
    from training.context import context_figures

    _print_metrics(context_figures(), "read")


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


def _print_metrics(metrics: Mapping[str, Mapping[str, float]], of: str = "source") -> None:
    found = dict.fromkeys(k for row in metrics.values() for k in row)
    keys = [k for k in found if k != "n" and not k.endswith(("_low", "_high"))]
    width = max(map(len, [of, *metrics]))
    print(f"{of:{width}} {'n':>6} " + " ".join(f"{k:>{max(8, len(k))}}" for k in keys))
    for source, row in metrics.items():
        told = {k: v for k, v in row.items() if v is not None and v == v}  # neither absent nor NaN
        cells = (f"{told[k]:>{max(8, len(k))}.3f}" if k in told else " " * max(8, len(k)) for k in keys)
        print(f"{source:{width}} {row['n']:6.0f} " + " ".join(cells))
