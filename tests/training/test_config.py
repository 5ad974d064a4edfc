"""The knobs of a run."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from features.errors import ConfigError
from training.config import HERE, load_config


def test_the_page_is_complete_and_every_knob_has_its_reason() -> None:
    lines = (HERE / "triage.yaml").read_text(encoding="utf-8").splitlines()
    assert set(yaml.safe_load("\n".join(lines))) == set(load_config().as_dict())
    for above, line in pairwise(lines[1:]):
        if line.partition(":")[0] not in {"seed", "confidence", "folds"} and not line.startswith((" ", "#")):
            assert above.startswith("#"), line


@pytest.mark.parametrize(
    ("override", "knob", "value"),
    [
        ("ridge=2", "ridge", 2.0),
        ("encoder=none", "encoder", "none"),
        ("ngrams=false", "ngrams", False),
        ("judged=[corpus]", "judged", ["corpus"]),
    ],
)
def test_an_override(override: str, knob: str, value: object) -> None:
    assert load_config([override]).as_dict()[knob] == value


def test_an_override_of_a_part() -> None:
    weights = load_config(["weights.corpus=0"]).weights
    assert weights["corpus"] == 0.0
    assert weights["gold"] == load_config().weights["gold"]


@pytest.mark.parametrize(
    "override", ["rigde=1", "ridge", "=1", "", "weights.golden=1", "seed.x=1", "weights.gold.x=1", ".=1", "Ridge=1"]
)
def test_an_unknown_knob(override: str) -> None:
    with pytest.raises(ConfigError, match="unknown knob"):
        load_config([override])


@pytest.mark.parametrize(
    "override",
    [
        "ridge=much",
        "ridge=true",
        "seed=0.5",
        "seed=",
        "ngrams=1",
        "encoder=3",
        "weights=1",
        "weights.gold=x",
        "judged=gold",
        "precision.tags=null",
        "folds=5.0",
    ],
)
def test_another_type(override: str) -> None:
    with pytest.raises(ConfigError, match="must be of type"):
        load_config([override])


@pytest.mark.parametrize(
    "override",
    ["folds=1", "ridge=0", "ridge=-1", "ridge=.nan", "gamma=.inf", "confidence=1", "landmarks=-1", "max_rows=1"],
)
def test_out_of_range(override: str) -> None:
    with pytest.raises(ConfigError, match="must be between"):
        load_config([override])


@pytest.mark.parametrize(
    "override", ["ridge=[", "weights={golden: 1}", "judged=[1]", "weights={}", "precision={tags: 0.9}"]
)
def test_what_would_break_a_run_later(override: str) -> None:
    with pytest.raises(ConfigError):
        load_config([override])


def test_a_page_with_an_unknown_knob(tmp_path: Path) -> None:
    page = tmp_path / "triage.yaml"
    page.write_text((HERE / "triage.yaml").read_text() + "\nfavourite_colour: blue\n")
    with pytest.raises(ConfigError, match="favourite_colour"):
        load_config(path=page)
