"""The knobs of a run: one YAML page, overridden by ``key=value``; an unknown or wrongly typed knob is an error."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml

from features.errors import ConfigError

__all__ = [
    "HERE",
    "ChurnConfig",
    "DiagnosisConfig",
    "QueueConfig",
    "SatisfactionConfig",
    "TriageConfig",
    "load_churn_config",
    "load_config",
    "load_diagnosis_config",
    "load_queue_config",
    "load_satisfaction_config",
]

HERE: Final = Path(__file__).with_name("configs")

Config = TypeVar("Config", bound="Knobs")


@dataclass(frozen=True, slots=True)
class Knobs:
    """What every page of knobs has in common."""

    def as_dict(self) -> dict[str, Any]:
        """Give all knobs, as a run logs them."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class TriageConfig(Knobs):
    """See ``configs/triage.yaml``, where every knob has its reason."""

    seed: int
    encoder: str
    ngrams: bool
    min_df: int
    landmarks: int
    gamma: float
    ridge: float
    ngram_share: float
    label_names: float
    freedom: float
    fine_tune: str
    network: dict[str, float]
    workers: int
    weights: dict[str, float]
    rewritten: float
    rewritten_weight: float
    translated_weight: float
    judged: list[str]
    folds: int
    precision: dict[str, float]
    suggest_precision: dict[str, float]
    confidence: float
    out_of_scope_share: float
    max_rows: int

    def __post_init__(self) -> None:
        _check_ranges(asdict(self), _RANGES)
        _check_ranges(self.network, _NETWORK_RANGES, "network.")


_RANGES: Final[dict[str, tuple[float, float]]] = {
    "min_df": (1, 1000),
    "landmarks": (0, 8192),
    "gamma": (0.001, 100.0),
    "ridge": (1e-6, 1e6),
    "ngram_share": (0.0, 100.0),
    "label_names": (0.0, 100.0),
    "freedom": (1e-4, 1e4),
    "folds": (2, 20),
    "confidence": (0.5, 0.999),
    "out_of_scope_share": (0.0, 0.5),
    "max_rows": (50, 200000),
    "workers": (1, 64),
    "rewritten": (0.0, 1.0),
    "rewritten_weight": (0.0, 10.0),
    "translated_weight": (0.0, 10.0),
}
_NETWORK_RANGES: Final[dict[str, tuple[float, float]]] = {
    "epochs": (0.01, 100.0),
    "batch": (1, 1024),
    "rate": (0.0, 1.0),
    "rate_heads": (0.0, 1.0),
    "fade": (0.0, 1.0),
    "decay": (0.0, 1.0),
    "pieces": (8, 512),
    "frozen": (0, 48),
}


@dataclass(frozen=True, slots=True)
class SatisfactionConfig(Knobs):
    """See ``configs/satisfaction.yaml``, where every knob has its reason."""

    seed: int
    encoder: str
    ngrams: bool
    min_df: int
    landmarks: int
    gamma: float
    ridge: float
    course: float
    folds: int

    def __post_init__(self) -> None:
        _check_ranges(asdict(self), {k: r for k, r in _RANGES.items() if k in asdict(self)} | {"course": (0.0, 100.0)})


@dataclass(frozen=True, slots=True)
class DiagnosisConfig(Knobs):
    """See ``configs/diagnosis.yaml``, where every knob has its reason."""

    seed: int
    size: int
    pictures: int
    batch: int
    rate: float
    rate_backbone: float
    decay: float
    smoothing: float
    heat: float
    memory: float
    members: int
    folds: int
    shares: dict[str, float]
    real: float
    precision: float
    suggest_precision: float
    confidence: float
    views: int
    workers: int

    def __post_init__(self) -> None:
        _check_ranges(asdict(self), _PHOTO_RANGES)
        if self.size % 32:
            raise ConfigError(f"size must be a multiple of 32, not {self.size}")


_PHOTO_RANGES: Final[dict[str, tuple[float, float]]] = {
    "size": (64, 1024),
    "pictures": (1, 10_000_000),
    "batch": (1, 1024),
    "rate": (0.0, 1.0),
    "rate_backbone": (0.0, 1.0),
    "decay": (0.0, 1.0),
    "smoothing": (0.0, 0.5),
    "heat": (0.0, 100.0),
    "memory": (0.0, 100.0),
    "members": (1, 8),
    "folds": (2, 20),
    "real": (0.0, 1.0),
    "precision": (0.5, 1.0),
    "suggest_precision": (0.0, 1.0),
    "confidence": (0.5, 0.999),
    "views": (1, 100),
    "workers": (1, 64),
}


@dataclass(frozen=True, slots=True)
class ChurnConfig(Knobs):
    """See ``configs/churn.yaml``, where every knob has its reason."""

    seed: int
    trees: int
    leaves: int
    rate: float
    split_share: float
    min_rows: int
    forest: int
    blanked: float
    blanked_weight: float
    stepped: float
    deal: str
    free: list[str]
    leave_out: list[str]
    folds: int
    repeats: int
    alike: float
    draws: int
    shuffles: int

    def __post_init__(self) -> None:
        _check_ranges(asdict(self), _CHURN_RANGES)
        if self.deal not in _DEALS:
            raise ConfigError(f"deal must be one of {', '.join(_DEALS)}")


_DEALS: Final = ("content", "customers")
_CHURN_RANGES: Final[dict[str, tuple[float, float]]] = {
    "trees": (1, 5000),
    "leaves": (2, 255),
    "rate": (0.001, 1.0),
    "split_share": (0.01, 1.0),
    "min_rows": (1, 10_000),
    "forest": (0, 1000),
    "blanked": (0.0, 1.0),
    "blanked_weight": (0.0, 1.0),
    "stepped": (0.0, 1.0),
    "folds": (2, 20),
    "repeats": (1, 100),
    "alike": (0.5, 1.0),
    "draws": (10, 10_000),
    "shuffles": (1, 100),
}


@dataclass(frozen=True, slots=True)
class QueueConfig(Knobs):
    """See ``configs/queue.yaml``, where every knob has its reason."""

    seed: int
    days: int
    per_hour: list[float]
    shifts: list[dict[str, float]]
    minutes: dict[str, float]
    spread: float
    levels: dict[str, float]
    known: float
    value: float
    value_spread: float
    risks: list[float]
    rescore: float

    def __post_init__(self) -> None:
        _check_ranges(asdict(self), _QUEUE_RANGES)
        if len(self.per_hour) != 24 or min(self.per_hour) < 0:
            raise ConfigError("per_hour must have 24 numbers, none below 0")
        if not self.shifts or any(not 0 <= s["start"] < s["end"] <= 24 or s["agents"] < 1 for s in self.shifts):
            raise ConfigError("shifts must start before they end, within the day, with somebody in them")


_QUEUE_RANGES: Final[dict[str, tuple[float, float]]] = {
    "days": (2, 1000),
    "spread": (0.0, 3.0),
    "known": (0.0, 1.0),
    "value": (0.01, 1e6),
    "value_spread": (0.0, 3.0),
    "rescore": (0.1, 600.0),
}


def _check_ranges(values: dict[str, Any], ranges: dict[str, tuple[float, float]], where: str = "") -> None:
    for name, (low, high) in ranges.items():
        if not low <= values[name] <= high:
            raise ConfigError(f"{where}{name} must be between {low} and {high}, not {values[name]}")


def _override(values: dict[str, Any], text: str) -> None:
    path, separator, raw = text.partition("=")
    *way, last = path.split(".")
    place: Any = values
    for step in way:
        place = place.get(step) if isinstance(place, dict) else None
    if not separator or not isinstance(place, dict) or last not in place:
        raise ConfigError(f"unknown knob {path!r} (write key=value, or key.part=value)")
    try:
        place[last] = yaml.safe_load(raw)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: {raw!r} is not YAML") from error


def _typed(name: str, value: Any, like: Any) -> Any:
    if isinstance(like, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not type(like):
        raise ConfigError(f"{name} must be of type {type(like).__name__}, not {type(value).__name__}")
    if isinstance(like, dict):
        if set(value) != set(like):
            raise ConfigError(f"{name} must name exactly {', '.join(like)}")
        return {k: _typed(f"{name}.{k}", v, like[k]) for k, v in value.items()}
    if isinstance(like, list):
        return [_typed(f"{name}[{i}]", v, like[0]) for i, v in enumerate(value)]
    return value


def _load(kind: type[Config], overrides: list[str] | None, path: Path) -> Config:
    default: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    values: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    for text in overrides or []:
        _override(values, text)
    if unknown := set(values) - {f.name for f in fields(kind)}:
        raise ConfigError(f"unknown knobs in {path.name}: {sorted(unknown)}")
    return kind(**{name: _typed(name, value, default[name]) for name, value in values.items()})


def load_config(overrides: list[str] | None = None, path: Path = HERE / "triage.yaml") -> TriageConfig:
    """Read the knobs of a triage run and apply overrides.

    Parameters
    ----------
    overrides : list of str
        ``ridge=1``, ``weights.corpus=0``.

    Raises
    ------
    ConfigError
        On an unknown knob, another type, or a value out of range.
    """
    return _load(TriageConfig, overrides, path)


def load_diagnosis_config(overrides: list[str] | None = None, path: Path = HERE / "diagnosis.yaml") -> DiagnosisConfig:
    """Read the knobs of a diagnosis run and apply overrides; see `load_config`."""
    return _load(DiagnosisConfig, overrides, path)


def load_satisfaction_config(
    overrides: list[str] | None = None, path: Path = HERE / "satisfaction.yaml"
) -> SatisfactionConfig:
    """Read the knobs of a satisfaction run and apply overrides; see `load_config`."""
    return _load(SatisfactionConfig, overrides, path)


def load_churn_config(overrides: list[str] | None = None, path: Path = HERE / "churn.yaml") -> ChurnConfig:
    """Read the knobs of a churn run and apply overrides; see `load_config`."""
    return _load(ChurnConfig, overrides, path)


def load_queue_config(overrides: list[str] | None = None, path: Path = HERE / "queue.yaml") -> QueueConfig:
    """Read the knobs of a simulation and apply overrides; see `load_config`."""
    return _load(QueueConfig, overrides, path)
