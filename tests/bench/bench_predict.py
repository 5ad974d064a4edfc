"""Our triage beside its rivals, on the same tickets, by CPU time of one thread, interleaved, median.

    python -m tests.bench.bench_predict [ROUNDS]

(a) n-grams alone: normalise, hash, score, calibrate, choose labels; against scikit-learn's TfidfVectorizer with
    LogisticRegression, and against fastText, trained on the same rows: for the category alone, and scikit-learn also
    for the same job (category, every tag, urgency).
(b) with the sentence encoder: against the encoder alone on the same texts.
(c) the same for 10,000 tickets at once.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import sys
import tempfile
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from features.schema import Ticket
from features.taxonomy import default_taxonomy
from features.text import normalize
from models.release import load_release, save_release
from models.triage import TriageModel, open_triage
from training.config import load_config
from training.data import Row, load_table
from training.triage import fit

Job = Callable[[list[str]], Any]


def without_encoder(rows: list[Row]) -> TriageModel:
    """Fit a release on n-grams alone."""
    from training.dataset import Dataset

    table = load_table("corpus")
    assert table is not None
    data = Dataset(tuple(rows), np.ones(len(rows), np.float32), np.arange(len(rows)), (table,))
    fitted = fit(data, default_taxonomy(), load_config(["encoder=none", "landmarks=0", "folds=2"]))
    with tempfile.TemporaryDirectory() as folder:
        saved = save_release("triage", fitted.tensors, default_taxonomy(), fitted.config, {}, "", {}, Path(folder))
        return TriageModel(load_release("triage", folder=saved))


def labels_only(model: TriageModel) -> Job:
    """Give categories, tags that may stand there, and levels: what the rivals' answers would have to be turned into."""

    def job(texts: list[str]) -> Any:
        p = model.probabilities([normalize(t) for t in texts])
        category = p.category.argmax(axis=1)
        return category, (p.tags >= model._tag_floor) & model.taxonomy.allowed[category], p.urgency.argmax(axis=1)

    return job


def whole(model: TriageModel) -> Job:
    return lambda texts: model.answer([Ticket("", t) for t in texts])


def scikit_learn(rows: list[Row]) -> tuple[Job, Job]:
    """Give the category alone, and the same job as ours: the vectors once, then every head."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    vectors = TfidfVectorizer(analyzer="char", ngram_range=(1, 4), min_df=2, sublinear_tf=True, dtype=np.float32)
    x = vectors.fit_transform([r.text for r in rows])
    tags = np.array([[t.key in (r.tags or ()) for t in default_taxonomy().tags] for r in rows], int)
    category = LogisticRegression(max_iter=200).fit(x, [r.category for r in rows])
    heads = [OneVsRestClassifier(LogisticRegression()).fit(x, tags), LogisticRegression(max_iter=200)]
    heads[1].fit(x, [r.urgency for r in rows])

    def same_job(texts: list[str]) -> Any:
        seen = vectors.transform(texts)
        return category.predict(seen), *(head.predict(seen) for head in heads)

    return lambda texts: category.predict(vectors.transform(texts)), same_job


def fast_text(rows: list[Row]) -> Job:
    """Characters as words, as fastText needs for Chinese; its own `predict` breaks with numpy 2."""
    import fasttext

    def spaced(text: str) -> str:
        return " ".join(text.replace("\n", " "))

    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.writelines(f"__label__{r.category} {spaced(r.text)}\n" for r in rows)
        file.flush()
        model = fasttext.train_supervised(file.name, wordNgrams=4, epoch=15, dim=50, thread=1, verbose=0)
    return lambda texts: [model.f.predict(spaced(t) + "\n", 5, 0.0, "strict") for t in texts]


def medians(jobs: dict[str, Job], batches: list[list[str]]) -> dict[str, float]:
    """CPU milliseconds a batch, every batch through every job before the next one."""
    spent: dict[str, list[float]] = {name: [] for name in jobs}
    for batch in batches:
        for name, job in jobs.items():
            started = time.process_time()
            job(batch)
            spent[name].append((time.process_time() - started) * 1000)
    return {name: float(np.median(s)) for name, s in spent.items()}


def show(title: str, found: dict[str, float], tickets: int, against: str) -> None:
    print(f"\n{title}\n{'':34}{'ms a ticket':>14}{'ratio to ' + against:>26}")
    for name, ms in found.items():
        print(f"{name:34}{ms / tickets:14.4f}{ms / found[against]:26.2f}")


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    table = load_table("gold") or load_table("corpus")
    corpus = load_table("corpus")
    assert table is not None
    assert corpus is not None
    texts = [r.text for r in table.rows]
    rows = list(corpus.rows)
    small, large = without_encoder(rows), open_triage()
    one_head, all_heads = scikit_learn(rows)
    grams: dict[str, Job] = {
        "ours, labels": labels_only(small),
        "ours, whole answer": whole(small),
        "scikit-learn, category": one_head,
        "scikit-learn, same job": all_heads,
        "fastText, category": fast_text(rows),
    }
    deep: dict[str, Job] = {
        "ours, labels": labels_only(large),
        "ours, whole answer": whole(large),
        "encoder alone": lambda batch: large.space.encoder.encode([normalize(t) for t in batch]),
    }
    singles = [[t] for t in islice(cycle(texts), rounds)]
    many = list(islice(cycle(texts), 10_000))
    for job in (*grams.values(), *deep.values()):
        job(texts[:20])
    print(f"{len(rows)} rows learnt from, median text of {np.median([len(t) for t in texts]):.0f} characters")
    show("(a) one ticket, n-grams alone", medians(grams, singles), 1, "ours, labels")
    show("(b) one ticket, with the encoder", medians(deep, singles), 1, "encoder alone")
    show("(c) 10,000 tickets, n-grams alone", medians(grams, [many]), len(many), "ours, labels")
    some = many[:1000]
    show("(c) 1,000 tickets at once, with the encoder", medians(deep, [some]), len(some), "encoder alone")


if __name__ == "__main__":
    main()
