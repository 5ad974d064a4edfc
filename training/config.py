"""The knobs of a run: one YAML page, overridden by ``key=value``; an unknown or wrongly typed knob is an error."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import yaml

from features.errors import ConfigError

__all__ = ["TriageConfig", "load_config"]

HERE: Final = Path(__file__).with_name("configs")


@dataclass(frozen=True, slots=True)
class TriageConfig:
    """See ``configs/triage.yaml``, where every knob has its reason."""

    seed: int
    encoder: str
    ngrams: bool
    min_df: int
    landmarks: int
    gamma: float
    ridge: float
    weights: dict[str, float]
    judged: list[str]
    folds: int
    precision: dict[str, float]
    suggest_precision: dict[str, float]
    confidence: float
    out_of_scope_share: float
    max_rows: int

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise ConfigError(f"{name} must be between {low} and {high}, not {getattr(self, name)}")

    def as_dict(self) -> dict[str, Any]:
        """Give all knobs, as a run logs them."""
        return asdict(self)


_RANGES: Final[dict[str, tuple[float, float]]] = {
    "min_df": (1, 1000),
    "landmarks": (0, 8192),
    "gamma": (0.001, 100.0),
    "ridge": (1e-6, 1e6),
    "folds": (2, 20),
    "confidence": (0.5, 0.999),
    "out_of_scope_share": (0.0, 0.5),
    "max_rows": (50, 20000),
}


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


def load_config(overrides: list[str] | None = None, path: Path = HERE / "triage.yaml") -> TriageConfig:
    """Read the knobs and apply overrides.

    Parameters
    ----------
    overrides : list of str
        ``ridge=1``, ``weights.corpus=0``.

    Raises
    ------
    ConfigError
        On an unknown knob, another type, or a value out of range.
    """
    default: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    values: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    for text in overrides or []:
        _override(values, text)
    if unknown := set(values) - {f.name for f in fields(TriageConfig)}:
        raise ConfigError(f"unknown knobs in {path.name}: {sorted(unknown)}")
    return TriageConfig(**{name: _typed(name, value, default[name]) for name, value in values.items()})
