"""Satisfaction: a small fit, its release, and how it stands beside a triage answer."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.errors import ReleaseError
from features.satisfaction import SATISFACTION, course, courses
from features.schema import Message, Ticket
from models.release import load_release, save_release
from models.satisfaction import SatisfactionModel
from models.triage import TriageModel

BEFORE = (Message("customer", "快递什么时候到"), Message("agent", "马上"))
TEXTS = (["太差劲了，气死我了", "一直没人处理，垃圾"], ["订单号是这个", "地址在上海"], ["好的谢谢", "非常感谢，解决了"])


@pytest.fixture(scope="module")
def made() -> Any:
    pytest.importorskip("sklearn")
    from training.config import load_satisfaction_config
    from training.satisfaction import Rated, fit

    rated = [
        Rated(Ticket("", f"{text}{i}", messages=BEFORE[: i % 3]), f"d{i // 2}-{label}", "jd", label)
        for label, texts in enumerate(TEXTS)
        for i in range(20)
        for text in (texts[i % 2],)
    ]
    return fit(rated, load_satisfaction_config(["encoder=none", "landmarks=0", "min_df=1", "folds=2"]))


@pytest.fixture(scope="module")
def model(made: Any, tmp_path_factory: pytest.TempPathFactory) -> SatisfactionModel:
    tensors, config, found = made
    store = tmp_path_factory.mktemp("store")
    folder = save_release(
        "satisfaction", tensors, SATISFACTION, config, {"metrics": found, "data": []}, "# s\n", {}, store
    )
    return SatisfactionModel(load_release("satisfaction", folder=folder))


def test_it_learns_what_it_was_shown(made: Any, model: SatisfactionModel) -> None:
    assert made[2]["jd"]["uar"] > 0.9
    p = model.probabilities([Ticket("", texts[0], messages=BEFORE) for texts in TEXTS])
    assert p.argmax(axis=1).tolist() == [0, 1, 2]
    np.testing.assert_allclose(p.sum(axis=1), 1.0, atol=1e-5)


def test_only_a_dialogue_is_judged(model: SatisfactionModel) -> None:
    alone, said = model.judge([Ticket("", "好的谢谢"), Ticket("", "好的谢谢", messages=BEFORE)])
    assert alone is None
    assert said is not None
    assert set(said.as_dict()) == {"key", "name", "probability", "probabilities", "score", "release"}
    assert said.label.name == "满意"
    assert said.score > 0
    assert model.judge([]) == []
    assert model.judge([Ticket("", "好的谢谢", language="en", messages=BEFORE)])[0].label.name == "Satisfied"  # type: ignore[union-attr]


def test_it_stands_beside_a_triage_answer(model: SatisfactionModel, small_store: Path) -> None:
    both = TriageModel(load_release("triage", store=small_store), model)
    one, two = both.answer([Ticket("1", "好的谢谢"), Ticket("2", "好的谢谢", messages=BEFORE)])
    assert "satisfaction" not in one.as_dict()
    assert two.as_dict()["satisfaction"]["release"]["name"] == "satisfaction"


def test_a_release_of_other_shapes_is_refused(made: Any, tmp_path: Path) -> None:
    tensors, config, _ = made
    wrong = {**tensors, "course": tensors["course"][:-1]}
    folder = save_release("satisfaction", wrong, SATISFACTION, config, {}, "# s\n", {}, tmp_path)
    with pytest.raises(ReleaseError, match="shapes"):
        SatisfactionModel(load_release("satisfaction", folder=folder))
    missing = {k: v for k, v in tensors.items() if k != "bias"}
    folder = save_release("satisfaction", missing, SATISFACTION, config, {}, "# s\n", {}, tmp_path)
    with pytest.raises(ReleaseError, match="bias"):
        SatisfactionModel(load_release("satisfaction", folder=folder))


def test_the_course_of_a_dialogue() -> None:
    assert courses([]).shape == (0, course())
    short, long = courses([Ticket("", "对"), Ticket("", "对", messages=BEFORE * 5)])
    assert (long[-2:] > short[-2:]).all()
