"""``python -m training fit diagnosis`` from a folder of photos to a registered release that answers."""

from __future__ import annotations

import io
import json
import pickle
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from features.errors import InputError
from features.photo import read_photo
from models.photo_network import PhotoNetwork
from models.release import _NAME, list_versions, load_release

KNOBS = ["size=64", "pictures=48", "batch=8", "folds=2", "views=1", "workers=1"]
SETTINGS = [word for knob in KNOBS for word in ("--set", knob)]
TINTS = {"blue": (0, 0, 150), "red": (150, 0, 0)}
PHOTOS = 12


def noise(label: str, seed: int, side: int = 80) -> npt.NDArray[np.uint8]:
    """A picture that is like no other but for its colour."""
    grains = np.random.default_rng((seed, *label.encode())).integers(0, 100, (side, side, 3), np.uint8)
    return grains + np.array(TINTS[label], np.uint8)


def encoded(pixels: npt.NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def mugs(root: Path, labels: tuple[str, ...] = tuple(TINTS), photos: int = PHOTOS) -> Path:
    for label in labels:
        (root / label).mkdir(parents=True)
        for seed in range(photos):
            (root / label / f"{seed}.png").write_bytes(encoded(noise(label, seed)))
    return root


def run(*arguments: object) -> int:
    from training.__main__ import main

    return main([str(a) for a in arguments])


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where all is kept that this module makes: photos, pictures, candidates, MLflow."""
    from training import track, verbs
    from training.diagnosis import run as run_photos

    folder = tmp_path_factory.mktemp("photo_cli")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "path", sys.path.copy())
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
        patch.setenv("AFTERSIGHT_DATA", str(folder / "no shared photos"))
        patch.setattr(track, "CANDIDATES", folder / "candidates")
        patch.setattr(verbs, "STORE", folder / "store")
        patch.setattr(run_photos, "PICTURES", folder / "pictures")
        yield folder


@pytest.fixture(scope="module")
def release(root: Path) -> Path:
    """The folder of a release, fitted by the command."""
    assert run("fit", "diagnosis", "--data", mugs(root / "mugs"), *SETTINGS) == 0
    [version] = list_versions("mugs", root / "candidates")
    return root / "candidates" / "mugs" / version


@pytest.fixture(scope="module")
def logged(release: Path) -> Any:
    from training.track import client

    [version] = client().search_model_versions("name='mugs'")
    return version


def test_the_release_names_the_labels_and_tells_them_apart(release: Path) -> None:
    network = PhotoNetwork(load_release("mugs", folder=release))
    assert network.conditions == ["blue", "red"]
    assert network.size == 64
    for label in TINTS:
        p = [network.look(read_photo(encoded(noise(label, 100 + seed))).pixels).p for seed in range(4)]
        assert np.mean([x[network.conditions.index(label)] for x in p]) > 0.5


def test_the_release_tells_what_it_was_made_from(release: Path) -> None:
    manifest = load_release("mugs", folder=release).manifest
    assert manifest["data"][0]["rows"] == 2 * PHOTOS
    assert set(manifest["metrics"]) == {"all", *TINTS}
    assert manifest["metrics"]["all"]["n"] == 2 * PHOTOS
    assert manifest["knobs"]["pictures"] == 48
    assert manifest["left_out"] == {}
    card = (release / "card.md").read_text(encoding="utf-8")
    assert "# mugs" in card
    assert manifest["data"][0]["sha256"][:12] in card


def test_the_run_is_logged_whole(release: Path, logged: Any) -> None:
    from training.track import client

    assert logged.tags["release"] == release.name
    made = client().get_run(logged.run_id)
    assert made.info.status == "FINISHED"
    assert {"size", "photos", "data.mugs", "seed"} <= set(made.data.params)
    assert {"accuracy", "ece", "blue/accuracy", "loss/decision", "loss/heat", "run/seconds"} <= set(made.data.metrics)
    files = {a.path for a in client().list_artifacts(logged.run_id)}
    assert {"autonomy.json", "confusion_by_source.png", "curve.png", "errors.json", "networks"} <= files
    networks = {Path(a.path).name: a.file_size for a in client().list_artifacts(logged.run_id, "networks")}
    assert set(networks) == {"fp32.onnx", "int8.onnx"}
    assert networks["int8.onnx"] < 0.5 * networks["fp32.onnx"]


def test_the_registered_model_answers_as_the_release(release: Path, logged: Any) -> None:
    import mlflow
    import pandas as pd

    data = [encoded(noise("red", 50)), b"not a photo", encoded(noise("blue", 51)), b""]
    told = mlflow.pyfunc.load_model(f"models:/mugs/{logged.version}").predict(pd.DataFrame({"photo": data}))
    assert list(told.columns) == ["condition", "probability", "answer"]
    network = PhotoNetwork(load_release("mugs", folder=release))
    for i in (0, 2):
        p = network.look(read_photo(data[i]).pixels).p
        assert told["condition"][i] == network.conditions[int(p.argmax())]
        assert told["probability"][i] == pytest.approx(p.max(), abs=1e-4)
        answer = json.loads(told["answer"][i])
        assert [answer[c] for c in network.conditions] == pytest.approx(p, abs=1e-4)
    for i, rule in ((1, "photo_format"), (3, "missing")):
        assert told["condition"][i] == ""
        assert np.isnan(told["probability"][i])
        assert json.loads(told["answer"][i])["rule"] == rule


def test_nothing_is_written_but_where_it_belongs(release: Path, root: Path) -> None:
    assert {p.name for p in root.iterdir()} == {"candidates", "mlartifacts", "mlflow.db", "mugs", "pictures"}
    assert [p.name for p in (root / "candidates").iterdir()] == ["mugs"]


def test_pictures_were_made_in_another_process_as_they_are_here(release: Path, root: Path) -> None:
    import torch

    from training.diagnosis.cache import _opened
    from training.diagnosis.manifest import read_photos
    from training.diagnosis.network import Backbone
    from training.diagnosis.samples import Studio, plan_generic

    table = read_photos(root / "mugs")
    plans, studio = plan_generic(table, 1), Studio(table, None, 64, 0)
    [folder] = (root / "pictures").iterdir()
    cache, lower = _opened(folder), Backbone().lower
    assert len(cache.lower) == len(plans)
    for i in (0, 1, len(plans) - 1):
        x = torch.from_numpy(studio.make(plans[i], i).pixels.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
        with torch.no_grad():
            slow = lower(x)[0].permute(1, 2, 0).numpy()
        kept = cache.lower[i].astype(np.float32)  # made in bfloat16
        assert np.corrcoef(kept.ravel(), slow.ravel())[0, 1] > 0.99


class Here:
    """A pool that works in this process."""

    def imap(self, work: Callable[[Any], Any], tasks: Iterable[Any], chunksize: int) -> Iterator[Any]:
        return map(work, tasks)


def test_the_same_again_is_the_same_release(release: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from training.diagnosis import fit, learn

    context = SimpleNamespace(Pool=lambda *_: nullcontext(Here()))
    monkeypatch.setattr(fit, "multiprocessing", SimpleNamespace(get_context=lambda _: context))
    monkeypatch.setattr(learn, "fit_network", None)
    before = {p: p.stat().st_mtime_ns for p in (root / "pictures").rglob("*.*")}
    assert run("fit", "diagnosis", "--data", root / "mugs", *SETTINGS) == 0
    assert list_versions("mugs", root / "candidates") == [release.name]
    assert {p: p.stat().st_mtime_ns for p in (root / "pictures").rglob("*.*")} == before, "nothing is made twice"


@pytest.fixture
def early(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test fail that comes to making pictures, which may take hours."""
    from training.diagnosis import run as run_photos

    monkeypatch.setattr(run_photos, "lesson", None)


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert run("fit", "diagnosis", *arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert "Traceback" not in err
    return err


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (None, "no .*mugs.csv"),
        ("", "mugs.csv.*path and condition"),
        ("file,condition\na.png,x\n", "mugs.csv.*path and condition"),
        ("path,state\na.png,x\n", "mugs.csv.*path and condition"),
        ("path,condition\na.png,x\nb.png,y\n", "a.png is listed and not there"),
        ("path,condition\na.png,x\n", "at least two labels"),
    ],
)
def test_a_table_that_cannot_be_learnt_from(
    early: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, named: str
) -> None:
    if content is not None:
        (tmp_path / "mugs.csv").write_text(content)
    assert re.search(named, told(capsys, "--data", tmp_path / "mugs.csv"))


def test_a_folder_of_one_label(early: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "mugs: needs photos of at least two labels" in told(capsys, "--data", mugs(tmp_path / "mugs", ("red",), 2))


@pytest.mark.parametrize(
    ("knob", "named"),
    [
        ("picture=48", "unknown knob 'picture'"),
        ("size=65", "multiple of 32"),
        ("size=32", "size must be between 64 and 1024"),
        ("folds=1", "folds must be between"),
        ("batch=many", "batch must be of type int"),
        ("shares.whole=1", "unknown knob 'shares.whole'"),
    ],
)
def test_a_knob_that_cannot_be_set(
    early: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], knob: str, named: str
) -> None:
    assert named in told(capsys, "--data", mugs(tmp_path / "mugs", photos=1), "--set", knob)


def test_without_the_shared_photos_it_says_what_to_give(early: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--data" in told(capsys)


def test_a_source_that_is_not_there(early: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "two labels" in told(capsys, "--data", mugs(tmp_path / "mugs", photos=1), "--source", "nobody")


def test_a_column_may_be_called_label(early: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mugs.csv").write_text("path,label\na.png,x\n")
    assert "at least two labels" in told(capsys, "--data", tmp_path / "mugs.csv", "--label", "label")


@pytest.mark.parametrize("name", ["../escaped", "Mugs", "2024", "a" * 50])
def test_a_name_that_no_release_may_have_is_said_at_once(
    early: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert name in told(capsys, "--data", mugs(tmp_path / "mugs", photos=1), "--as", name)


@pytest.mark.parametrize("folder", ["mugs (2)", "red+blue", "2024", "My Mugs", "杯子"])
def test_a_folder_may_have_any_name(
    early: None, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    from training import track

    asked: list[str] = []
    begin = track.run

    def spied(name: str, knobs: Any) -> Any:
        asked.append(name)
        return begin(name, knobs)

    monkeypatch.setattr(track, "run", spied)
    with pytest.raises(TypeError, match="NoneType"):  # it comes to making pictures
        run("fit", "diagnosis", "--data", mugs(tmp_path / folder, photos=1))
    assert re.fullmatch("[a-z][a-z0-9_-]{0,40}", asked[0])


@given(st.from_regex(_NAME, fullmatch=True) | st.text("aZ1_- /é", max_size=50))
def test_a_name_stays_as_it_is_if_a_release_may_have_it(name: str) -> None:
    from training.track import name_of

    assert _NAME.fullmatch(name_of(name))
    assert (name_of(name) == name) == bool(_NAME.fullmatch(name))


@pytest.mark.parametrize("label", ["dent (small)", "red+blue", "red, then blue", "..", "/red//blue/", "杯子: 碎"])
def test_figures_of_any_label_are_logged(root: Path, label: str) -> None:
    from training import track

    with track.run("names", {}):
        track.log_figures({label: {"accuracy": 1.0}}, {}, {})


def test_a_label_may_hold_a_slash() -> None:
    from training.diagnosis.fit import Lesson
    from training.diagnosis.judge import Held
    from training.diagnosis.manifest import PhotoRow, PhotoTable
    from training.diagnosis.pictures import confusion_by_source

    rows = (PhotoRow("a.png", "red / blue", "s"), PhotoRow("b.png", "red", "s"))
    nothing: Any = None
    table = PhotoTable("t", Path(), rows, "")
    at = Lesson(table, ["red", "red / blue"], [], nothing, np.arange(2), np.array([1, 0]), phones=False)
    p = np.eye(2, dtype=np.float32)
    axis = confusion_by_source(p, Held(np.arange(2), p, np.zeros((2, 1, 1, 1), np.float16), np.arange(2)), at).axes[0]
    assert [t.get_text() for t in axis.get_yticklabels()] == ["red / s", "red / blue / s"]


def test_a_photo_that_cannot_be_read_is_told_by_another_process() -> None:
    error = pickle.loads(pickle.dumps(InputError("photo", "photo_bytes", limit=20)))
    assert error.as_dict() == InputError("photo", "photo_bytes", limit=20).as_dict()


def test_a_photo_that_cannot_be_read_is_named(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from training.config import load_diagnosis_config
    from training.diagnosis import fit
    from training.diagnosis.manifest import read_photos

    folder = mugs(tmp_path / "mugs", photos=2)
    (folder / "red" / "torn.png").write_bytes(b"not a photo")
    monkeypatch.setattr(fit, "fill", lambda *_: pytest.fail("no picture may be made of such a table"))
    with pytest.raises(InputError, match=r"torn\.png"):
        fit.lesson(read_photos(folder), None, ["blue", "red"], load_diagnosis_config(KNOBS), tmp_path)
