"""The card of a churn release: what a person should know before trusting it, made from its figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from training.churn.figures import FIGURES
from training.facts import markdown

__all__ = ["write_card"]

_HEADINGS = {"auc": "AUC", "ap": "average precision", "brier": "Brier", "ece": "ECE", "lift": "lift of the top tenth"}
_TEACHING = """**It was learnt from a public teaching table, not from a shop.** Whose customers, when, and what "left"
means there, nobody says; some of it looks made up. It shows that everything works. Before a decision rests on it, a
shop must train on its own customers: `python -m training fit churn --data CSV --mapping YAML`, in which every row says
what was known on a day in the past, and who had left some months later."""
_COPIES = """**It is told how this table copies its customers**: it learns from each again with every number raised, and
lowered, by one step. That finds copies and is worth nothing for customers who are new, as the lines `ours not told of
copies` show.

"""
_OWN = """It holds for customers like those of its table, as long as they are: train again when prices, products or the
season change."""
_DEALS = {
    "customers": "all rows of a customer, changed copies too, in one fold: **what new customers will meet**",
    "content": "equal rows in one fold, changed copies not",
    "random": "rows as they come",
}


def _engine(knobs: Mapping[str, Any]) -> str:
    forest = f" and a forest of {knobs['forest']}" if knobs["forest"] else ""
    return f"{knobs['trees']} boosted trees of {knobs['leaves']} leaves{forest}"


def _cell(row: Mapping[str, Any], figure: str) -> str:
    if f"{figure}_low" not in row:
        return f"{row[figure]:.3f}"
    return f"{row[figure]:.3f} ({row[f'{figure}_low']:.3f}–{row[f'{figure}_high']:.3f})"


def _deal(metrics: Mapping[str, Mapping[str, Any]], name: str) -> str:
    """Put ours and the rivals of one deal side by side."""
    mine = {k: v for k, v in metrics.items() if k == name or k.startswith(f"{name}/")}
    rows = [["ours" if k == name else k.partition("/")[2], *(_cell(v, f) for f in FIGURES)] for k, v in mine.items()]
    return f"### {name}: {_DEALS[name]}\n\n{markdown(['model', *_HEADINGS.values()], rows)}\n"


def write_card(name: str, facts: Mapping[str, Any]) -> str:
    """Write the card as Markdown.

    Parameters
    ----------
    name : str
    facts : mapping
        ``metrics``, ``worth``, ``data``, ``knobs``, ``teaching``, ``remarks``.
    """
    metrics, data = facts["metrics"], facts["data"]
    deals = "\n".join(_deal(metrics, d) for d in _DEALS if d in metrics)
    gaps = [[k, *(_cell(v, f) for f in FIGURES)] for k, v in metrics.items() if k.startswith("half known")]
    worth = sorted(facts["worth"].items(), key=lambda pair: -pair[1]["dropped_auc"])
    costs = [[k, *(f"{v[x]:+.4f}" for x in next(iter(facts["worth"].values())))] for k, v in worth]
    tables = [[d["name"], str(d["rows"]), str(d["customers"]), d["sha256"][:12]] for d in data]
    return f"""# {name}

Tells how likely a customer is to leave, and what speaks for it. {_engine(facts["knobs"])}, monotone where sense demands
it, calibrated by Platt's method on customers held out, according to how much is known of each; a missing value is a
value of its own. Reasons are what each question on a tree's path changes of what is expected (Saabas), in log-odds,
against the average customer of the table. They add up to the risk exactly; they are no Shapley values, and a field that
is asked about far down gets more than its due.

{_COPIES if facts["knobs"]["stepped"] else ""}{_TEACHING if facts["teaching"] else _OWN}

## Held-out figures
{facts["knobs"]["folds"]}-fold cross-validation, dealt {facts["knobs"]["repeats"]} times; in brackets 95 % intervals
over resampled customers. `boosting` is scikit-learn's with its own settings, `deep boosting` has 600 trees, and
`copy finder` also sees the differences between neighbouring numbers, which are the same in a copy with every number
raised.

{deals}
The release is made for, and calibrated on, the deal `{facts["knobs"]["deal"]}`; its knobs were chosen on it.

## Where less is known
Every field unknown half of the time, at random.

{markdown(["learnt", *_HEADINGS.values()], gaps)}

## What each field is worth
By how much AUC falls, and Brier changes, when a field is shuffled among the customers judged, or was never learnt from
(by boosting alone).

{markdown(["field", *next(iter(facts["worth"].values()))], costs)}

## Data

{markdown(["table", "rows", "customers", "SHA-256"], tables)}

Rows that agree in all fields, in nearly all, or after every number is raised by one step, are one customer.

## Limits
{"".join(f"- {remark}{chr(10)}" for remark in facts["remarks"])}- What a field meant when the table was made is known \
from its name alone.
- A risk is no verdict: it orders who is called first, and never refuses anybody anything.
"""
