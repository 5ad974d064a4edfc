"""``fit diagnosis``: photos in, a registered release out, with all that a run logs."""

from __future__ import annotations

import argparse
import csv
import logging
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from features.cases import CONDITIONS
from features.errors import ConfigError, ReleaseError
from features.photo import read_photo
from features.taxonomy import Label, Taxonomy, flat_taxonomy
from models.photo_network import PhotoNetwork
from models.places import letterbox
from models.release import load_release, save_release
from models.session import open_session
from training import track
from training.config import DiagnosisConfig, load_diagnosis_config
from training.data import data_root
from training.diagnosis.card import write_card
from training.diagnosis.fit import Fits, Lesson, fit_all, fold_masks, lesson, source_masks
from training.diagnosis.judge import figures
from training.diagnosis.manifest import PhotoTable, of_phones_and_parcels, read_photos
from training.diagnosis.marks import Marks, read_marks
from training.diagnosis.pictures import confusion_by_source, curve_plot, worst_errors
from training.diagnosis.verdict import Drawn, Verdict, read_drawn, verdict
from training.facts import made_by, rounded

__all__ = ["check_release", "fit_photos", "own_photos"]

log = logging.getLogger(__name__)

HERE: Final = Path(__file__).parents[1] / "data"
PICTURES: Final = track.ROOT / "var" / "pictures"
# Conditions whose sources are held out one after another: what a new kind of customer's photo will meet.
LEFT_OUT: Final = ("intact", "screen_broken")
# Photos that the eight-bit network takes its ranges from, and that it is compared on.
RANGES: Final = 64


def _reread() -> dict[str, str]:
    with (HERE / "photo_labels.csv").open(encoding="utf-8", newline="") as file:
        return {row["path"]: row["condition"] for row in csv.DictReader(file)}


def own_photos(arguments: argparse.Namespace) -> tuple[PhotoTable, dict[str, Marks] | None, dict[str, Drawn]]:
    """Find the photos: the caller's, or the shared ones of phones and parcels with what was drawn on them."""
    if arguments.data:
        return read_photos(arguments.data, arguments.label or "condition", arguments.source), None, {}
    root = data_root() / "photos"
    if not (root / "manifest.csv").is_file():
        raise ConfigError("the shared photos are not here: set AFTERSIGHT_DATA, or give --data")
    table = read_photos(root / "manifest.csv")
    table = of_phones_and_parcels(table.kept(r for r in table.rows if r.source != "vds_cars"), _reread())
    return table, read_marks(root / "boxes.json", HERE / "phone_corners.csv"), read_drawn(root / "boxes.json")


def _masks(at: Lesson, config: DiagnosisConfig) -> tuple[dict[str, npt.NDArray[np.bool_]], npt.NDArray[np.bool_]]:
    """Give what networks are judged on, and what the released one must not see: an official split, or folds."""
    split = np.array([r.split for r in at.table.rows])
    if (split == "test").any() and (split == "train").any() and not at.phones:
        official = split != "train"
        return {"official": official}, official
    return fold_masks(at, config), np.zeros(len(split), bool)


def _sources(at: Lesson) -> dict[str, npt.NDArray[np.bool_]]:
    """Give the sources to leave out whole; one that shows a single object is left out by the folds already."""
    masks = source_masks(at, LEFT_OUT)
    return {name: mask for name, mask in masks.items() if len(np.unique(at.group[mask])) > 1}


def fit_photos(arguments: argparse.Namespace) -> tuple[str, Path]:
    """Fit, judge, export, log and register; gives the release's name and folder."""
    config = load_diagnosis_config(arguments.set)
    table, marks, drawn = own_photos(arguments)
    name = arguments.release_name or ("diagnosis" if marks is not None else track.name_of(table.name))
    conditions = list(CONDITIONS) if marks is not None else sorted({r.label for r in table.rows})
    taxonomy = flat_taxonomy(conditions)
    shares: Mapping[str, float] | None = None
    if marks is not None:
        taxonomy = Taxonomy(1, tuple(Label(k, zh, en) for k, (_, zh, en) in CONDITIONS.items()))
        shares = config.shares
    started = time.perf_counter()
    with track.run(name, {**config.as_dict(), "photos": len(table.rows), "data": {table.name: table.digest}}) as run:
        at = lesson(table, marks, conditions, config, PICTURES)
        masks, release = _masks(at, config)
        away = _sources(at) if marks is not None else {}
        fits = fit_all(at, {**masks, **away}, release, config, shares)
        judged = verdict(at, [fits.held[k] for k in masks], drawn, config)
        sources = _left_out(at, fits, masks, judged)
        networks = _networks(fits, at, config)
        folder = _save(name, at, config, judged, sources, networks, taxonomy, run)
        _log(at, fits, judged, sources, networks, time.perf_counter() - started)
        number = track.log_release(name, folder, track.PHOTOS)
    log.info("release %s/%s, registered as version %s, run %s", name, folder.name, number, run)
    return name, folder


def _left_out(at: Lesson, fits: Fits, masks: Mapping[str, Any], judged: Verdict) -> dict[str, dict[str, float]]:
    """Judge each source by the network that never saw it, with the calibration of the folds."""
    out: dict[str, dict[str, float]] = {}
    for key, held in fits.held.items():
        if key in masks:
            continue
        truth = at.truth[held.rows]
        p = judged.calibration.apply(held.logits)
        told = figures(p, truth, at.conditions, [at.table.rows[r].source for r in held.rows])
        for label in LEFT_OUT:
            if label in told:
                damaged = np.isin(p.argmax(axis=1), [at.conditions.index("screen_broken")])
                here = truth == at.conditions.index(label)
                told[label]["called_broken"] = float(damaged[here].mean())
                out[f"{key}/{label}"] = told[label]
    return out


def _networks(fits: Fits, at: Lesson, config: DiagnosisConfig) -> dict[str, bytes]:
    """Export the released network in full precision and in eight bits."""
    from training.diagnosis.export import eight_bits, to_onnx
    from training.diagnosis.network import Network

    network = Network(len(at.conditions), at.cache.state.shape[1])
    network.load_state_dict(fits.weights)
    full = to_onnx(network.eval(), config.size)
    some = np.linspace(0, len(at.table.rows) - 1, RANGES).astype(int)
    return {"fp32": full, "int8": eight_bits(full, _squares(at.table, some, config.size))}


def _squares(table: PhotoTable, rows: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.uint8]:
    return np.stack([letterbox(read_photo(table.data(int(i))).pixels, size)[0] for i in rows])


def _loss_of_eight_bits(
    at: Lesson, held: Verdict, networks: Mapping[str, bytes], size: int, most: int = 400
) -> dict[str, float]:
    """Compare the two networks on the same photos: accuracy of each, and how often they agree."""
    rows = np.unique(np.linspace(0, len(at.table.rows) - 1, most).astype(int))
    answers = {}
    for key, network in networks.items():
        session = open_session(network)
        logits = [session.run(["logits"], {"photo": _squares(at.table, rows[[i]], size)})[0] for i in range(len(rows))]
        answers[key] = held.calibration.apply(np.concatenate(logits)).argmax(axis=1)
    truth = at.truth[rows]
    right = {f"{k}_accuracy_seen": float((a == truth).mean()) for k, a in answers.items()}
    return {**right, "agreement": float((answers["fp32"] == answers["int8"]).mean()), "n": float(len(rows)),
            **{f"{k}_megabytes": len(v) / 1e6 for k, v in networks.items()}}  # fmt: skip


def _save(
    name: str,
    at: Lesson,
    config: DiagnosisConfig,
    judged: Verdict,
    sources: Mapping[str, dict[str, float]],
    networks: Mapping[str, bytes],
    taxonomy: Taxonomy,
    run: str,
) -> Path:
    used = Counter(r.source for r in at.table.rows)
    facts = {
        "metrics": rounded(judged.metrics),
        "autonomy": rounded(judged.autonomy),
        "left_out": rounded(sources),
        "places": rounded({"crack": judged.places})["crack"],
        "eight_bits": rounded({"x": _loss_of_eight_bits(at, judged, networks, config.size)})["x"],
        "data": [{"name": at.table.name, "rows": len(at.table.rows), "sha256": at.table.digest, "sources": dict(used)}],
        "knobs": config.as_dict(),
    }
    k = len(judged.config["maps"])
    tensors = {
        "scale": np.array([judged.calibration.scale], np.float32),
        "bias": judged.calibration.bias,
        "map_scale": np.ones(k, np.float32),
        "map_bias": np.zeros(k, np.float32),
    }
    folder = save_release(
        name,
        tensors,
        taxonomy,
        judged.config,
        facts,
        write_card(name, facts),
        made_by(run),
        track.CANDIDATES,
        networks["fp32"],
    )
    check_release(folder, name, at, judged)
    return folder


def check_release(folder: Path, name: str, at: Lesson, judged: Verdict, photos: int = 60) -> None:
    """See that the saved release, by the code that answers, knows the photos it was fitted on.

    Raises
    ------
    ReleaseError
        If it knows fewer of them than of photos held out: something was lost on the way.
    """
    network = PhotoNetwork(load_release(name, folder=folder))
    rows = np.unique(np.linspace(0, len(at.table.rows) - 1, photos).astype(int))
    answers = [int(network.look(read_photo(at.table.data(int(i))).pixels).p.argmax()) for i in rows]
    right = float((np.array(answers) == at.truth[rows]).mean())
    if right < judged.metrics["all"]["accuracy"] - 0.1:
        raise ReleaseError(f"the saved release is right on {right:.0%} of photos it was fitted on")


def _log(
    at: Lesson,
    fits: Fits,
    judged: Verdict,
    sources: Mapping[str, dict[str, float]],
    networks: Mapping[str, bytes],
    seconds: float,
) -> None:
    import mlflow

    for point in fits.curve:
        step = int(point["pictures"])
        mlflow.log_metrics({f"loss/{k}": v for k, v in point.items() if k != "pictures"}, step=step)
    sheet, errors = worst_errors(judged.p, judged.held, at)
    plots = {
        "curve.png": curve_plot(fits.curve),
        "confusion_by_source.png": confusion_by_source(judged.p, judged.held, at),
    }
    known = {k: {x: v for x, v in row.items() if v == v} for k, row in {**judged.metrics, **sources}.items()}
    places = {"places": {k: v for k, v in judged.places.items() if v == v}} if judged.places else {}
    tables = {"autonomy.json": rounded(judged.autonomy), "errors.json": errors}
    track.log_figures({**known, **places, "run": {"seconds": seconds}}, tables, plots)
    mlflow.log_image(sheet, "worst_errors.png")
    for key, network in networks.items():
        track.log_bytes(network, f"networks/{key}.onnx")
