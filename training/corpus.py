"""How varied the embedded corpus is, and how far from real tickets: figures, not opinions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline

from features.text import normalize
from training.data import Row

__all__ = ["distinct", "near_duplicates", "report", "writer_auc"]


def _units(text: str) -> list[str]:
    """Chinese by character, the rest by word."""
    return [u for part in normalize(text).split() for u in (part if not part.isascii() else [part])]


def distinct(texts: Sequence[str], order: int) -> float:
    """Share of different n-grams among all (Li et al. 2016); Chinese by character, Latin by word."""
    grams = [g for t in texts for u in [_units(t)] for g in zip(*(u[k:] for k in range(order)), strict=False)]
    return len(set(grams)) / max(1, len(grams))


def near_duplicates(texts: Sequence[str], threshold: float = 0.7) -> list[tuple[int, int]]:
    """Pairs whose sets of character trigrams overlap by `threshold` (Jaccard) or more."""
    sets = [frozenset(n[i : i + 3] for i in range(max(1, len(n) - 2))) for n in map(normalize, texts)]
    holders: dict[str, list[int]] = defaultdict(list)
    pairs = []
    for j, grams in enumerate(sets):
        shared = Counter(i for g in grams for i in holders[g])
        pairs += [(i, j) for i, n in shared.items() if n / (len(grams) + len(sets[i]) - n) >= threshold]
        for g in grams:
            holders[g].append(j)
    return pairs


def writer_auc(own: Sequence[str], real: Sequence[str], seed: int = 0) -> float:
    """How well a classifier trained on half tells the writer from real customers on the other half (ROC AUC).

    0.5 means they cannot be told apart; near 1 means that a model may learn the writer's habits.
    """
    texts = np.array([normalize(t) for t in [*own, *real]])
    label = np.array([1] * len(own) + [0] * len(real))
    half = np.random.default_rng(seed).permutation(len(texts)) < len(texts) // 2
    model = make_pipeline(
        TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True, min_df=2),
        LogisticRegression(class_weight="balanced", max_iter=300),
    )
    model.fit(texts[half], label[half])
    return float(roc_auc_score(label[~half], model.predict_proba(texts[~half])[:, 1]))


def report(own: Sequence[Row], real: Sequence[Row]) -> dict[str, object]:
    """Measure the corpus: counts, variety, near copies, and its distance from real tickets by source."""
    texts = [r.text for r in own]
    chinese = [r.text for r in own if not r.source.startswith("corpus/en")]
    pairs = near_duplicates(texts)
    figures: dict[str, object] = {
        "tickets": len(own),
        "chinese": len(chinese),
        "english": len(own) - len(chinese),
        "categories": dict(Counter(r.category for r in own)),
        "urgency": dict(Counter(r.urgency for r in own)),
        "fewest_per_tag": min(Counter(t for r in own for t in r.tags or ()).values()),
        "distinct_2": round(distinct(texts, 2), 3),
        "distinct_3": round(distinct(texts, 3), 3),
        "near_duplicate_rate": round(len({j for _, j in pairs}) / len(own), 4),
    }
    if real:
        figures["distinct_2_real"] = round(distinct([r.text for r in real], 2), 3)
        figures["distinct_3_real"] = round(distinct([r.text for r in real], 3), 3)
        figures["writer_auc"] = round(writer_auc(chinese, [r.text for r in real]), 3)
        sources = sorted({r.source for r in real})
        pairwise = {
            f"{a} ~ {b}": round(
                writer_auc([r.text for r in real if r.source == a], [r.text for r in real if r.source == b]), 3
            )
            for i, a in enumerate(sources)
            for b in sources[i + 1 :]
        }
        figures["auc_between_real_sources"] = pairwise
    return figures
