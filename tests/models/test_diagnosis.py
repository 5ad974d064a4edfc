"""Photos of one case become an answer: what they show together, where, how bad, and what may be done with it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import models.diagnosis
from features.cases import CONDITIONS, DAMAGES, Diagnosis
from features.errors import ReleaseError
from models.diagnosis import SHOWN, DiagnosisModel, fuse, open_diagnosis
from models.photo_network import PhotoNetwork
from models.places import HEAT, Box, Floats
from models.release import set_current
from serving.photo_contract import DiagnosisOut
from tests.tiny_photo_network import CELL, CONFIG, CRACK, DEVICE, SCREEN, network, photo, tiny_release

KEYS = tuple(CONDITIONS)
HURT = sorted(SHOWN)
WHOLE = sorted(set(KEYS) - set(SHOWN))
ACTS = sorted(set(KEYS) - set(CONFIG["rare"]))
LATE = "物流太慢了，没收到"
CASES = st.integers(1, 5).flatmap(lambda n: arrays(np.float32, (n, len(KEYS)), elements=st.floats(0.0625, 4, width=32)))
MISFITS = {
    "empty": b"",
    "text": b"not ONNX",
    "zeros": bytes(1000),
    "cut": network()[:-40],
    "another size": network(size=96),
    "nine conditions": network(conditions=9),
    "one condition": network(conditions=1),
    "eight maps": network(maps=8),
    "one map": network(maps=1),
    "oblong maps": network(cell=(CELL, 2 * CELL)),
    "no maps": network(outputs=("logits",)),
    "not finite": network(gain=float("nan")),
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> DiagnosisModel:
    return DiagnosisModel(tiny_release(tmp_path_factory.mktemp("store")))


def saw(*tops: str, p: float = 0.9) -> Floats:
    """Give what photos show, ``(photos, conditions)``: each its own condition, the rest is shared out."""
    rows = np.full((len(tops), len(KEYS)), (1 - p) / (len(KEYS) - 1), np.float32)
    rows[range(len(tops)), [KEYS.index(top) for top in tops]] = p
    return rows


def told(p: Floats) -> str:
    return KEYS[int(p.argmax())]


def code(found: Diagnosis) -> str | None:
    assert set(found.decision.reasons) <= {"condition"}
    reason = found.decision.reasons.get("condition")
    return reason.code if reason else None


def action(found: Diagnosis) -> str:
    return found.decision.actions["condition"]


# Several photos of one case.


@pytest.mark.parametrize("key", KEYS)
def test_one_photo_is_left_as_it_is(key: str) -> None:
    p = saw(key)
    fused, apart = fuse(p, KEYS)
    np.testing.assert_array_equal(fused, p[0])
    assert not apart


@given(CASES)
def test_what_is_fused_are_probabilities(rows: Floats) -> None:
    fused, _ = fuse(rows / rows.sum(axis=1, keepdims=True), KEYS)
    assert fused.shape == (len(KEYS),)
    assert (fused >= 0).all()
    assert fused.sum() == pytest.approx(1, abs=1e-5)


@given(CASES, st.randoms(use_true_random=False))
def test_the_order_of_photos_does_not_matter(rows: Floats, random: Any) -> None:
    p = rows / rows.sum(axis=1, keepdims=True)
    order = random.sample(range(len(p)), len(p))
    (one, apart), (other, also) = fuse(p, KEYS), fuse(p[order], KEYS)
    np.testing.assert_allclose(one, other, atol=1e-6)
    assert apart == also


@given(CASES)
def test_the_same_photo_twice_says_no_more(rows: Floats) -> None:
    p = rows[:1] / rows[:1].sum()
    fused, apart = fuse(np.repeat(p, 3, axis=0), KEYS)
    np.testing.assert_allclose(fused, p[0], atol=1e-6)
    assert not apart


@pytest.mark.parametrize("key", sorted(set(KEYS) - {"nothing_to_diagnose"}))
def test_photos_of_nothing_do_not_outvote(key: str) -> None:
    fused, apart = fuse(saw(*["nothing_to_diagnose"] * 4, key), KEYS)
    np.testing.assert_allclose(fused, saw(key)[0], atol=1e-6)
    assert not apart


def test_photos_of_nothing_alone_show_nothing() -> None:
    fused, apart = fuse(saw("nothing_to_diagnose", "nothing_to_diagnose"), KEYS)
    assert (told(fused), apart) == ("nothing_to_diagnose", False)


@pytest.mark.parametrize("key", HURT)
@pytest.mark.parametrize("others", [1, 4])
def test_damage_on_one_side_wins(key: str, others: int) -> None:
    """However sure the other sides are."""
    whole = "parcel_intact" if CONDITIONS[key][0] == "parcel" else "intact"
    sides = np.concatenate([saw(*[whole] * others, p=0.99), saw(key, p=0.6)])
    fused, apart = fuse(sides, KEYS)
    assert (told(fused), apart) == (key, False)
    assert fused.max() == pytest.approx(0.6)


@pytest.mark.parametrize(
    "tops",
    [
        ("intact", "parcel_intact"),
        ("screen_broken", "parcel_intact"),
        ("intact", "parcel_damaged"),
        ("screen_broken", "parcel_damaged", "nothing_to_diagnose"),
        ("screen_broken", "stain"),
        ("intact", "scratch", "liquid_damage"),
    ],
)
def test_two_things_or_two_damages_disagree(tops: Sequence[str]) -> None:
    assert fuse(saw(*tops), KEYS)[1]


@given(CASES)
def test_a_disagreement_is_never_about_nothing(rows: Floats) -> None:
    """It would be told that no thing is seen, and no person would look."""
    fused, apart = fuse(rows / rows.sum(axis=1, keepdims=True), KEYS)
    assert not (apart and told(fused) == "nothing_to_diagnose")


def test_photos_that_share_a_doubt_still_disagree() -> None:
    p = np.zeros((2, len(KEYS)), np.float32)
    p[:, KEYS.index("nothing_to_diagnose")] = 0.45
    p[0, KEYS.index("intact")] = p[1, KEYS.index("parcel_intact")] = 0.55
    fused, apart = fuse(p, KEYS)
    assert apart
    assert told(fused) in ("intact", "parcel_intact")
    assert fused.sum() == pytest.approx(1)


# One answer.


@pytest.mark.parametrize("key", KEYS)
def test_a_clear_photo(model: DiagnosisModel, key: str) -> None:
    found = model.diagnose([photo(key)])
    assert found.condition.key == key
    assert found.condition.probability > 0.99
    assert found.subject == CONDITIONS[key][0]
    first, second = (a.probability for a in found.alternatives)
    assert found.condition.probability > first >= second
    assert found.quality.usable
    assert found.release == model.release


@pytest.mark.parametrize("key", ACTS)
def test_what_is_sure_acts_alone(model: DiagnosisModel, key: str) -> None:
    found = model.diagnose([photo(key)])
    assert (action(found), code(found)) == ("automate", None)
    assert not found.advice.to_human


@pytest.mark.parametrize("key", CONFIG["rare"])
@pytest.mark.parametrize("count", [1, 3])
def test_a_rare_condition_never_acts_alone(model: DiagnosisModel, key: str, count: int) -> None:
    found = model.diagnose([photo(key, seed=i) for i in range(count)])
    assert found.condition.probability > 0.99
    assert (action(found), code(found)) == ("suggest", "rare_condition")


@pytest.mark.parametrize(
    ("strength", "towards", "expected"),
    [
        (1.0, None, ("automate", None)),
        (0.25, None, ("suggest", "below_automation")),
        (0.07, None, ("abstain", "low_confidence")),
        (0.1, "display_fault", ("abstain", "ambiguous")),
    ],
)
def test_less_sure_does_less(
    model: DiagnosisModel, strength: float, towards: str | None, expected: tuple[str, str | None]
) -> None:
    found = model.diagnose([photo("screen_broken", strength=strength, towards=towards)])
    assert (action(found), code(found)) == expected


def test_what_is_ambiguous_names_both(model: DiagnosisModel) -> None:
    found = model.diagnose([photo("screen_broken", strength=0.1, towards="display_fault")], language="en")
    assert {"Broken screen", "Display fault"} == {
        name for _, _, name in CONDITIONS.values() if name in found.decision.reasons["condition"].message
    }


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("text", ["", LATE, "my screen is cracked"])
def test_answers_keep_the_contract(model: DiagnosisModel, key: str, language: str, text: str) -> None:
    cases = [
        [photo(key, [CRACK])],
        [photo(key, [CRACK]), photo("parcel_intact", size=(512, 256))],
        [photo(key, texture=0)],
    ]
    for photos in cases:
        out = model.diagnose(photos, text, language).as_dict()
        assert DiagnosisOut.model_validate(out, strict=True).model_dump() == out
        assert json.loads(json.dumps(out)) == out
        assert len(out["photos"]) == len(photos)
        assert {d["key"] for d in out["damages"]} <= set(DAMAGES)


@pytest.mark.parametrize(("language", "side"), [("zh", 1), ("zh-CN", 1), ("en", 2), ("de", 2)])
def test_names_and_sentences_are_in_the_language(model: DiagnosisModel, language: str, side: int) -> None:
    found = model.diagnose([photo("screen_broken", texture=0)], language=language)
    named = (found.condition, *found.alternatives)
    assert [s.name for s in named] == [CONDITIONS[s.key][side] for s in named]
    assert found.photos[0]["condition"]["name"] == CONDITIONS["screen_broken"][side]
    sentences = [found.advice.title, found.decision.reasons["condition"].message, found.quality.hint]
    assert all(s.isascii() == (side == 2) for s in [*sentences, found.photos[0]["quality"]["hint"]])


@pytest.mark.parametrize("strength", [1.0, 0.25, 0.07])
def test_answering_changes_nothing(model: DiagnosisModel, strength: float) -> None:
    given = [photo("screen_broken", [CRACK], strength=strength), photo("intact")]
    before = [p.pixels.copy() for p in given]
    assert model.diagnose(given) == model.diagnose(given)
    for photo_before, after in zip(before, given, strict=True):
        np.testing.assert_array_equal(photo_before, after.pixels)


# Where, and how bad.


@pytest.mark.parametrize("size", [(256, 256), (512, 256), (256, 512), (180, 131)], ids=str)
@pytest.mark.parametrize(
    "spot", [CRACK, (0.5, 0.25, 0.625, 0.75), (0.0, 0.0, 0.25, 0.25), (0.75, 0.5, 1.0, 1.0)], ids=str
)
def test_a_damage_is_outlined_on_the_photo(model: DiagnosisModel, size: tuple[int, int], spot: Box) -> None:
    [damage] = model.diagnose([photo("scratch", [spot], size=size)]).damages
    cell = CELL / 128 * max(size) / min(size)
    assert damage.box == pytest.approx(spot, abs=cell if size == (180, 131) else 1e-6)
    assert damage.probability > 0.5


@pytest.mark.parametrize("key", HURT)
def test_damage_is_shown_by_its_own_maps(model: DiagnosisModel, key: str) -> None:
    faults = [(0.5, 0.5, 0.75, 0.625)] if "display_fault" in SHOWN[key] else []
    found = model.diagnose([photo(key, [CRACK], faults=faults)]).damages
    assert {d.key for d in found} == set(SHOWN[key])
    for damage in found:
        assert damage.box == pytest.approx(faults[0] if damage.key == "display_fault" else CRACK)


@pytest.mark.parametrize("key", WHOLE)
def test_nothing_is_outlined_on_what_is_whole(model: DiagnosisModel, key: str) -> None:
    found = model.diagnose([photo(key, [CRACK])])
    assert found.damages == ()
    assert (found.severity.level, found.severity.score) == ("none", 0)


def test_the_likeliest_damage_comes_first(tmp_path: Path) -> None:
    bias = np.zeros(len(HEAT), np.float32)
    bias[[HEAT.index("dent"), HEAT.index("crack")]] = -8, -9
    found = DiagnosisModel(tiny_release(tmp_path, tensors={"map_bias": bias})).diagnose([photo("body_damage", [CRACK])])
    assert [d.key for d in found.damages] == ["scratch", "dent", "crack"]


@pytest.mark.parametrize("key", HURT)
def test_more_damage_is_worse(model: DiagnosisModel, key: str) -> None:
    spots = [(0.25, 0.25, 0.375, 0.3125), (0.25, 0.25, 0.5, 0.375), (0.25, 0.25, 0.75, 0.5), SCREEN]
    kind = "faults" if key == "display_fault" else "spots"
    found = [model.diagnose([photo(key, **{kind: [spot]})]).severity for spot in spots]  # type: ignore[arg-type]
    ground = 4 / 9 if key == "body_damage" else 1  # a body's damage is a share of the device, of which that is screen
    shares = (2 / 64, 1 / 8, 1 / 2, 1)
    assert [s.score for s in found] == [pytest.approx(share * ground, abs=1e-4) for share in shares]
    moderate, severe = CONFIG["severity"]
    levels = [("light", "moderate", "severe")[(s.score >= moderate) + (s.score >= severe)] for s in found]
    assert [s.level for s in found] == levels
    assert levels == sorted(levels, key=("light", "moderate", "severe").index)


def test_damage_that_is_named_is_at_least_light(model: DiagnosisModel) -> None:
    assert model.diagnose([photo("stain")]).severity.level == "light"


def test_the_worst_photo_tells_how_bad(model: DiagnosisModel) -> None:
    bad, fine = photo("screen_broken", [SCREEN]), photo("intact")
    assert model.diagnose([fine, bad, fine]).severity == model.diagnose([bad]).severity


def test_margins_hold_no_device(model: DiagnosisModel) -> None:
    """To the tiny network the margins are device: a device that is all in the picture is not cut off."""
    for size in ((512, 256), (256, 512)):
        assert model.diagnose([photo("intact", size=size)]).quality.problems == ()


@pytest.mark.parametrize(("device", "problems"), [(DEVICE, ()), ((0.0, 0.125, 1.0, 0.875), ("cut_off",)), (None, ())])
def test_a_device_that_leaves_the_photo_is_cut_off(
    model: DiagnosisModel, device: Box | None, problems: tuple[str, ...]
) -> None:
    found = model.diagnose([photo("intact", device=device, screen=None)])
    assert found.quality.problems == problems
    assert found.quality.usable


# Several photos, and words.


@pytest.mark.parametrize("bad", [{"texture": 0}, {"size": (100, 100)}, {"strength": 0.0, "texture": 0}], ids=str)
def test_a_photo_that_cannot_be_judged(model: DiagnosisModel, bad: dict[str, Any]) -> None:
    found = model.diagnose([photo("screen_broken", **bad)])
    assert (action(found), code(found)) == ("abstain", "photo_quality")
    assert not found.quality.usable
    assert found.quality.hint
    assert found.advice.to_human


def test_what_can_be_judged_is_judged_alone(model: DiagnosisModel) -> None:
    found = model.diagnose([photo("parcel_damaged", [SCREEN], size=(100, 100)), photo("screen_broken", [CRACK])])
    assert (found.condition.key, action(found)) == ("screen_broken", "automate")
    assert {d.photo for d in found.damages} == {1}
    assert found.severity.level == "moderate"
    assert found.quality.usable
    assert found.quality.problems == ("too_small",)
    assert [p["quality"]["usable"] for p in found.photos] == [False, True]
    assert [p["condition"]["key"] for p in found.photos] == ["parcel_damaged", "screen_broken"]


@pytest.mark.parametrize(
    "keys", [("intact", "parcel_intact"), ("parcel_damaged", "screen_broken"), ("stain", "scratch")]
)
def test_photos_that_disagree_go_to_a_person(model: DiagnosisModel, keys: Sequence[str]) -> None:
    found = model.diagnose([photo(key) for key in keys])
    assert (action(found), code(found)) == ("abstain", "photos_disagree")
    assert found.advice.to_human
    assert [p["condition"]["key"] for p in found.photos] == list(keys)


def test_all_sides_of_a_broken_phone(model: DiagnosisModel) -> None:
    sides = [photo("intact"), photo("nothing_to_diagnose"), photo("screen_broken", [CRACK])]
    alone, together = model.diagnose(sides[2:]), model.diagnose(sides)
    assert together.condition == alone.condition
    assert together.severity == alone.severity
    assert together.decision == alone.decision
    assert [(d.key, d.box, d.photo) for d in together.damages] == [(d.key, d.box, 2) for d in alone.damages]


@pytest.mark.parametrize("place", range(4))
def test_a_photo_alone_and_among_others(model: DiagnosisModel, place: int) -> None:
    one = photo("scratch", [CRACK], strength=0.3, size=(300, 200), seed=9)
    others = [photo("intact"), photo("parcel_intact", texture=0), photo("nothing_to_diagnose", size=(200, 300))]
    [alone] = model.diagnose([one]).photos
    assert model.diagnose([*others[:place], one, *others[place:]]).photos[place] == alone


@pytest.mark.parametrize(
    ("key", "text", "rule"),
    [
        ("screen_broken", LATE, "disagree_delivery"),
        ("screen_broken", "where is my order?", "disagree_delivery"),
        ("intact", "屏幕碎了", "disagree_screen"),
        ("intact", "the phone is dented", "disagree_fault"),
        ("parcel_intact", "包裹破了", "disagree_no_parcel"),
        ("parcel_damaged", "屏幕碎了", "disagree_phone"),
    ],
)
def test_words_that_contradict_the_photo(model: DiagnosisModel, key: str, text: str, rule: str) -> None:
    shown = [photo(key)]
    assert action(model.diagnose(shown)) == "automate"
    found = model.diagnose(shown, text)
    assert (action(found), code(found)) == ("suggest", "person")
    assert (found.advice.rule, found.advice.to_human) == (rule, True)
    assert found.condition == model.diagnose(shown).condition, "words do not change what is seen"


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "text", ["", LATE, "电池鼓包冒烟了", "the parcel was crushed and my screen is cracked", "昨天刚买的"]
)
def test_nothing_is_done_alone_that_a_person_must_see(model: DiagnosisModel, key: str, text: str) -> None:
    for strength in (1.0, 0.25, 0.07):
        found = model.diagnose([photo(key, strength=strength)], text)
        assert not (found.advice.to_human and action(found) == "automate")
        assert (code(found) is None) == (action(found) == "automate")


# The release.


def test_a_release_has_its_own_conditions(tmp_path: Path) -> None:
    release = tiny_release(tmp_path, network(conditions=3), KEYS[:3], rare=[])
    found = DiagnosisModel(release).diagnose([photo("display_fault")])
    assert found.condition.key == "display_fault"
    assert {a.key for a in found.alternatives} == {"intact", "screen_broken"}


def test_the_order_of_outputs_does_not_matter(tmp_path: Path) -> None:
    turned = DiagnosisModel(tiny_release(tmp_path, network(outputs=("heat", "logits"))))
    assert turned.diagnose([photo("stain")]).condition.key == "stain"


def test_calibration_is_applied(tmp_path: Path) -> None:
    """With scales of nothing only the biases speak."""
    p, maps = np.linspace(0.01, 0.19, len(KEYS)), np.linspace(0.05, 0.95, len(HEAT))
    learnt = {
        "scale": np.zeros(1, np.float32),
        "bias": np.log(p).astype(np.float32),
        "map_scale": np.zeros(len(HEAT), np.float32),
        "map_bias": np.log(maps / (1 - maps)).astype(np.float32),
    }
    look = PhotoNetwork(tiny_release(tmp_path, tensors=learnt)).look(photo("intact", [CRACK]).pixels)
    np.testing.assert_allclose(look.p, p, atol=1e-6)
    for kind, expected in zip(HEAT, maps, strict=True):
        np.testing.assert_allclose(look.map(kind), expected, atol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (37, 500)], ids=str)
def test_a_photo_of_any_shape_is_looked_at(model: DiagnosisModel, size: tuple[int, int]) -> None:
    found = model.diagnose([photo("intact", [CRACK], size=size)]).as_dict()
    assert DiagnosisOut.model_validate(found)


def test_the_current_release_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models.diagnosis, "STORE", tmp_path)
    with pytest.raises(ReleaseError, match="current"):
        open_diagnosis()
    release = tiny_release(tmp_path)
    set_current("diagnosis", release.id.version, tmp_path)
    assert open_diagnosis().release == open_diagnosis(release.id.version).release == release.id


@pytest.mark.parametrize(
    "change",
    [
        {"size": None},
        {"size": 0},
        {"size": 64},
        {"size": "large"},
        {"maps": None},
        {"maps": list(HEAT[::-1])},
        {"maps": list(HEAT[:-1])},
        {"thresholds": None},
        {"thresholds": {"automate": 0.9, "suggest": 0.5}},
        {"thresholds": {"intact": {"automate": 0.9, "suggest": 0.5}}},
        {"thresholds": [0.9, 0.5]},
        {"rare": None},
        {"rare": "stain"},
        {"rare": ["liquid"]},
        {"map_threshold": None},
        {"map_threshold": {"crack": 0.5}},
        {"severity": None},
        {"severity": [0.1]},
        {"severity": [0.1, 0.3, 0.5]},
        {"severity": ["a", "b"]},
        {"tensors": {"scale": None}},
        {"tensors": {"scale": np.ones(2, np.float32)}},
        {"tensors": {"bias": np.ones(1, np.float32)}},
        {"tensors": {"bias": np.ones((1, len(KEYS)), np.float32)}},
        {"tensors": {"map_scale": np.ones(1, np.float32)}},
        {"tensors": {"map_bias": None}},
        {"keys": KEYS[:-1]},
        {"keys": (*KEYS[:-1], "melted")},
    ],
    ids=str,
)
def test_a_release_that_is_not_whole(tmp_path: Path, change: dict[str, Any]) -> None:
    release = tiny_release(tmp_path, **change)
    with pytest.raises(ReleaseError):
        DiagnosisModel(release)


@pytest.mark.parametrize("data", MISFITS.values(), ids=MISFITS)
def test_a_network_that_does_not_fit(tmp_path: Path, data: bytes) -> None:
    release = tiny_release(tmp_path, data)
    with pytest.raises(ReleaseError):
        DiagnosisModel(release)


@pytest.mark.parametrize("way", ["weights.bin", "../{}/weights.bin", "{}/weights.bin"])
def test_a_network_brings_no_files_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """ONNX can name files to read weights from; those were not released, and could be anybody's."""
    beside = tmp_path / "beside"
    beside.mkdir()
    (beside / "weights.bin").write_bytes(np.zeros(len(HEAT), np.float32).tobytes())
    monkeypatch.chdir(tmp_path if way.startswith("{") else beside)
    whole = onnx.load_from_string(network())
    [bias] = [t for t in whole.graph.initializer if t.name == "bias"]
    bias.ClearField("raw_data")
    bias.data_location = onnx.TensorProto.EXTERNAL
    bias.external_data.add(key="location", value=way.format("beside"))
    release = tiny_release(tmp_path / "store", whole.SerializeToString())
    with pytest.raises(ReleaseError):
        DiagnosisModel(release)
