"""Counts answers whose tags may not stand under their category, over many hostile texts: there must be none.

python -m tests.bench.impossible_pairs [100000]
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from features.schema import Ticket, Triage
from models.triage import TriageModel, open_triage
from tests.bench.hostile_texts import hostile_texts

BATCH = 500  # as over HTTP


def faults(answer: Triage, allowed: dict[str, tuple[str, ...]], ancestors: dict[str, tuple[str, ...]]) -> list[str]:
    """What is wrong with one answer."""
    tags = [t.key for t in answer.tags]
    numbers = [x.probability for x in (answer.category, *answer.alternatives, *answer.tags)]
    numbers += [answer.urgency.score] if answer.urgency else []
    found = ["impossible pair" for t in tags if answer.category.key not in allowed[t]]
    found += ["ancestor missing" for t in tags for up in ancestors[t] if up not in tags]
    found += ["not a probability" for p in numbers if not 0 <= p <= 1]
    found += ["tag twice"] if len(set(tags)) < len(tags) else []
    found += ["tag without a request"] if tags and answer.category.key == "other" else []
    return found


def count_faults(model: TriageModel, count: int) -> tuple[Counter[str], Counter[str]]:
    """Answer `count` hostile texts: faults by kind, and what was answered."""
    allowed, ancestors = {t.key: t.categories for t in model.taxonomy.tags}, model.taxonomy.ancestors
    found: Counter[str] = Counter()
    told: Counter[str] = Counter()
    texts = hostile_texts(model, count)
    while batch := [Ticket("", t) for t in islice(texts, BATCH)]:
        for answer in model.answer(batch):
            found.update(faults(answer, allowed, ancestors))
            told.update(
                [answer.category.key, f"category {answer.decision.actions['category']}", f"{len(answer.tags)} tags"]
            )
    return found, told


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    model = open_triage()
    started = time.perf_counter()
    found, told = count_faults(model, count)
    print(f"{count} texts, release {model.release.version}, {time.perf_counter() - started:.0f} s")
    print("faults:", dict(found) or "none")
    for key, n in sorted(told.items()):
        print(f"  {key:24} {n:8}  {n / count:6.1%}")


if __name__ == "__main__":
    main()
