"""The model card: what a person should know before trusting a release, made from its figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from training.facts import markdown

__all__ = ["write_card"]

_ABOUT = {
    "gold": "real tickets labelled by reading (shop reviews, JD chats, micro-blog posts); not in the repository",
    "read": "further texts of the same shared sets, labelled by reading for this project: ids and labels only: "
    "STC-3 (annotations CC BY 4.0), DialogueCSE's JDDC utterances (Apache-2.0), USS-JDDC dialogues (MIT), Chinese shop "
    "reviews (no licence stated: used as texts; their own good/bad label is not used)",
    "corpus": "written for this project; teaches rare labels; no proof of accuracy",
    "jddc": "JD after-sales utterances with JD's own intents (DialogueCSE, Apache-2.0), mapped where one "
    "intent means one label",
}


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _robustness(slices: Mapping[str, Any]) -> str:
    shown = list(dict.fromkeys(k for row in slices["figures"].values() for k in row if k != "n"))
    rows = [[s, f"{row['n']:.0f}", *(_number(row.get(k)) for k in shown)] for s, row in slices["figures"].items()]
    return f"""## The same tickets in other words
Tickets of {slices["of"]}, rewritten by rule and answered by heads that saw neither version. Changes are beside the same
tickets untouched; invariance: category, tags and urgency all stay; held: a denied fault's tag was not given.

{markdown(["slice", "n", *shown], rows)}

"""


def _carried(encoder: Mapping[str, Any]) -> str:
    if not (own := encoder.get("carried")):
        return ""
    return f"The release carries {own['name']} itself: a transformer, not trained further, its weights in eight bits.\n"


def _beside(knobs: Mapping[str, Any]) -> str:
    tuned = knobs.get("fine_tune")
    return f"Beside them answers {tuned}, fine-tuned on the same rows; the calibration weighs both.\n" if tuned else ""


def write_card(name: str, facts: Mapping[str, Any]) -> str:
    """Write the card as Markdown.

    Parameters
    ----------
    name : str
    facts : mapping
        ``metrics`` by source, ``labels``, ``autonomy``, ``robustness`` (may lack), ``data``, ``encoder``, ``knobs``.
    """
    metrics = facts["metrics"]
    shown = ["n", "category_accuracy", "category_macro_f1", "category_ece", "tags_micro_f1", "urgency_accuracy",
             "urgency_ece", "urgent_in_top_fifth"]  # fmt: skip
    shown = [k for k in shown if k in metrics["all"]]
    by_source = [[s, *(f"{m[k]:.0f}" if k == "n" else _number(m[k]) for k in shown)] for s, m in metrics.items()]
    auto = [
        [f, f"{a['answers']:.0f}", *(_number(a.get(k)) for k in ("automate", "precision", "bound", "coverage"))]
        for f, a in facts["autonomy"].items()
        if a["answers"]
    ]
    labels = [
        [k, *(_number(v[x]) for x in ("precision", "recall", "f1")), str(v["support"])]
        for k, v in facts["labels"].items()
        if v["support"]
    ]
    robustness = _robustness(facts["robustness"]) if "robustness" in facts else ""
    data = [[d["name"], str(d["rows"]), d["sha256"][:12], _ABOUT.get(d["name"], "a table given by the caller")]
            for d in facts["data"]]  # fmt: skip
    return f"""# {name}

Puts after-sales tickets, Chinese or English, into categories, tags and an urgency.
Linear heads over hashed n-grams and the sentence encoder {facts["encoder"]["name"]}; kernel ridge; calibrated.
{_carried(facts["encoder"])}{_beside(facts["knobs"])}
## Held-out figures
Cross-validated, folds disjoint by content; no figure was fitted on its own truth.

{markdown(["source", *shown], by_source)}

## What may run without a person
By label: its held-out answers, the threshold, what was right above it, its lower bound (one-sided Clopper-Pearson,
{facts["knobs"]["confidence"]:.0%}) and the share of its answers above it. 1.01: never. A field alone: all its labels.

{markdown(["answer", "answers", "threshold", "precision", "bound", "coverage"], auto)}

## By label

{markdown(["label", "precision", "recall", "F1", "support"], labels)}

{robustness}## Data

{markdown(["source", "rows", "SHA-256", "what"], data)}

## Limits
- Where a category or an urgency ends is a reader's judgement: two readers agree on 95 % and 91 %.
- Urgency p1 is rare in real tickets: words of danger lift a ticket to p1 by rule, whatever the model says.
- It never refuses a customer: it labels, and a person or a rule of the shop acts.
"""
