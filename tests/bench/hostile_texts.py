"""Texts that try to make a model answer nonsense: noise, glued fragments, n-grams of its table, greedy pairs."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import numpy as np

from features.ngrams import CHAR_ORDERS, hash_places
from features.text import normalize
from models.triage import TriageModel
from training.data import load_table

MARKS = " \n,，。!?！？;；…~@#&*()[]{}<>|\\/\u200b\ufeff\ufe0f\u202e"
RANGES = [(0x20, 0x7E), (0x4E00, 0x9FA5), (0x20, 0x2FFF), (0x3040, 0x30FF), (0xAC00, 0xD7A3), (0xE000, 0xE010),
          (0xFF00, 0xFFEF), (0x1F300, 0x1FAFF), (0, 0x10FFFF)]  # fmt: skip


def unicode_noise(rng: random.Random) -> str:
    """Any code points, lone surrogates among them, of one block or of all."""
    low, high = rng.choice(RANGES)
    text = "".join(chr(rng.randint(low, high)) for _ in range(int(rng.expovariate(1 / 25))))
    return text + rng.choice(MARKS) * rng.randint(0, 20)


def glued(texts: list[str], rng: random.Random) -> str:
    """Pieces of real tickets, cut anywhere, in any order."""
    pieces = []
    for _ in range(rng.randint(1, 6)):
        text = rng.choice(texts)
        start = rng.randrange(len(text))
        pieces.append(text[start : start + rng.randint(1, 15)])
    return rng.choice(["", " ", "，", "。", "\n"]).join(pieces)


def table_grams(model: TriageModel, texts: list[str]) -> tuple[list[str], np.ndarray]:
    """The table's n-grams that real texts spell out, with what each adds to every output, ``(k, outputs)``."""
    seen: dict[int, str] = {}
    for text in texts:
        padded = f" {normalize(text)} "
        buckets, runs = hash_places(padded[1:-1])
        rows, start = model.space.lookup[buckets], 0
        for order, run in enumerate(runs[:CHAR_ORDERS], 1):
            for place in np.flatnonzero(rows[start : start + run] >= 0):
                seen.setdefault(int(rows[start + place]), padded[place : place + order])
            start += run
    rows = np.fromiter(seen, np.int64)
    return list(seen.values()), model.heads.ngrams[rows] * model.space.idf[rows, None]


def greedy(model: TriageModel, grams: list[str], weight: np.ndarray) -> list[list[str]]:
    """For every category and a tag that may not stand under it, the n-grams that speak most for both."""
    categories, tags = model.taxonomy.allowed.shape
    best = []
    for c in range(categories):
        favour = weight[:, c] - weight[:, :categories].mean(axis=1)
        for t in np.flatnonzero(~model.taxonomy.allowed[c]):
            both = np.minimum(favour / favour.std(), weight[:, categories + t] / weight[:, categories + t].std())
            tops = [both.argsort()[-20:], favour.argsort()[-10:], weight[:, categories + t].argsort()[-10:]]
            best.append([grams[i] for i in np.concatenate(tops)])
    assert all(0 <= t < tags for t in range(tags))
    return best


def hostile_texts(model: TriageModel, count: int, seed: int = 0) -> Iterator[str]:
    """Give `count` texts, a fifth of each kind; the same for the same seed and release."""
    rng = random.Random(seed)
    table = load_table("corpus")
    assert table is not None
    texts = [r.text for r in table.rows]
    grams, weight = table_grams(model, texts)
    pairs = greedy(model, grams, weight)
    makers: list[Callable[[int], str]] = [
        lambda _: unicode_noise(rng),
        lambda _: glued(texts, rng),
        lambda _: glued(texts, rng) + unicode_noise(rng),
        lambda i: grams[i * 7919 % len(grams)] * rng.choice([1, 1, 1, 2, 5]),
        lambda i: rng.choice(["", " ", "，"]).join(rng.choices(pairs[i % len(pairs)], k=rng.randint(1, 12))),
    ]
    for i in range(count):
        yield makers[i % len(makers)](i // len(makers))
