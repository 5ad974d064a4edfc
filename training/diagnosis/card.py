"""The card of a diagnosis: what a person should know before trusting it, made from its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from training.facts import markdown

__all__ = ["write_card"]


def _number(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.3f}"


def _figures(table: Mapping[str, Mapping[str, Any]], keys: Sequence[str]) -> str:
    rows = [
        [name, *(f"{row[k]:.0f}" if k == "n" else _number(row.get(k)) for k in keys)] for name, row in table.items()
    ]
    return markdown(["of", *keys], rows)


def write_card(name: str, facts: Mapping[str, Any]) -> str:
    """Write the card as Markdown.

    Parameters
    ----------
    name : str
    facts : mapping
        ``metrics``, ``left_out``, ``places``, ``autonomy``, ``eight_bits``, ``data``.
    """
    autonomy = [
        [k, f"{v['answers']:.0f}", *(_number(v[x]) for x in ("automate", "precision", "bound", "coverage", "suggest"))]
        for k, v in facts["autonomy"].items()
    ]
    sources = [[s, str(n)] for d in facts["data"] for s, n in d["sources"].items()]
    parts = [
        f"""# {name}

Looks at photos: what they show, where it is damaged, how badly. EfficientNet-lite0 (Apache-2.0; ImageNet weights), its
upper half fine-tuned, with a map of damage; ONNX; calibrated by a temperature and a bias for each condition.

## Held-out figures
By networks that never saw the photo, nor any near copy of it. Recall by condition, and by source.

{_figures(facts["metrics"], ("n", "accuracy", "ece", "f1_macro", "f1_weighted"))}
"""
    ]
    if facts["left_out"]:
        parts.append(f"""## Sources left out whole
What photos from a new place will meet; ``called_broken`` is the share that was called a broken screen.

{_figures(facts["left_out"], ("n", "accuracy", "ece", "called_broken"))}
""")
    if facts["places"]:
        told = [[k, _number(v)] for k, v in facts["places"].items()]
        parts.append(f"""## Places
The first box of cracks against boxes drawn by hand, on photos not trained on.

{markdown(["figure", "value"], told)}
""")
    parts.append(f"""## What may run without a person
From which probability on an answer may stand alone, what was right above it, its lower bound (one-sided
Clopper-Pearson), and the share of such answers. 1.01: never.

{markdown(["answer", "answers", "automate", "precision", "bound", "coverage", "suggest"], autonomy)}

## Eight bits
On photos it was fitted on; the full precision is released.

{markdown(["figure", "value"], [[k, _number(v)] for k, v in facts["eight_bits"].items()])}

## Data

{markdown(["source", "photos"], sources)}

SHA-256 of all photos and labels: {", ".join(d["sha256"][:12] for d in facts["data"])}.

## Limits
- What has hardly any real photo (display faults, hurt bodies, liquid) or photos of one source alone (scratches, stains)
  was learnt from rendered pictures or one camera: it is a hint, never an answer that stands alone.
- Severity is the share of the screen that is cracked, not what a repair costs.
- It never refuses a customer: it says what it sees, and a person or a rule of the shop acts.
""")
    return "\n".join(parts)
