"""``python -m training``: fit, curve, ablate, audit, evaluate, robustness, compare, promote, simulate and others."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import Any, Final

from features.errors import AftersightError

__all__ = ["main"]


_TUNING: Final = "choose ngram_share, gamma, label_names, ridge and freedom by cross-validation on the rows trained on"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description="Rows to releases.")
    verbs = parser.add_subparsers(dest="verb", required=True)

    _add_fit(verbs)
    _add_curve(verbs)
    ablate = verbs.add_parser("ablate", help="what every part is worth, on the same folds")
    ablate.add_argument("name", choices=["triage"])
    ablate.add_argument(
        "--variants",
        choices=["ablation", "encoders"],
        default="ablation",
        help="see configs/",
    )
    ablate.add_argument("--set", action="append", default=[], metavar="KNOB=VALUE", help="see configs/triage.yaml")

    _add_evaluate(verbs)
    _add_audit(verbs)
    compare = verbs.add_parser("compare", help="two releases' held-out figures side by side")
    compare.add_argument("name")
    compare.add_argument(
        "versions",
        nargs=2,
        metavar="VERSION",
        help="or the held_out.json of two runs in MLflow: the same tickets, with bootstrap intervals",
    )

    promote = verbs.add_parser("promote", help="let a release answer from the next start on")
    promote.add_argument("name")
    promote.add_argument("--version", required=True)
    promote.add_argument("--why", required=True)

    rollback = verbs.add_parser("rollback", help="bring back what answered before")
    rollback.add_argument("name")
    rollback.add_argument("--why", required=True)

    simulate = verbs.add_parser("simulate", help="a day's queue: first in first out, urgency buckets and our priority")
    simulate.add_argument("--out", type=Path, default=Path("var/queue"), help="where table and plot go")
    simulate.add_argument("--set", action="append", default=[], metavar="KNOB=VALUE", help="see configs/queue.yaml")

    verbs.add_parser("corpus", help="measure the embedded corpus: variety, near copies, distance from real tickets")
    verbs.add_parser("context", help="measure what a dialogue's earlier messages are worth to its last one")
    knobs = verbs.add_parser("knobs", help="print all knobs of a model with their reasons")
    knobs.add_argument(
        "name", nargs="?", choices=["triage", "diagnosis", "satisfaction", "churn", "queue"], default="triage"
    )
    return parser


def _add_fit(verbs: Any) -> None:
    fit = verbs.add_parser("fit", help="fit a model, log the run in MLflow, register the release")
    fit.add_argument("name", choices=["triage", "diagnosis", "satisfaction", "churn"])
    fit.add_argument(
        "--data",
        type=Path,
        help="triage: any table with one text and one label column (CSV or TSV); "
        "diagnosis: a manifest of photos (CSV: path, label) or a folder with a folder for each label; "
        "churn: a table of customers (CSV) with a column that tells who left",
    )
    fit.add_argument(
        "--mapping", type=Path, help="of customers: the table's columns (YAML), see features/columns_*.yaml"
    )
    fit.add_argument("--text", default="text", help="its text column")
    fit.add_argument("--label", help="its label column; by default label, of photos condition")
    fit.add_argument("--source", help="of a manifest of photos: this source alone; of customers: ecommerce or telco")
    fit.add_argument("--shots", type=int, metavar="N", help="of a table: draw N rows a class by the seed (--set seed=)")
    fit.add_argument("--test", type=Path, help="a table to test on; of --shots by default what is not drawn")
    fit.add_argument("--tune", action="store_true", help=f"of a table: {_TUNING}")
    fit.add_argument("--as", dest="release_name", help="the release's name; by default the model's or the table's")
    fit.add_argument("--encoder", metavar="PATH_OR_NAME", help="of tickets: the encoder, see configs/triage.yaml")
    fit.add_argument("--fine-tune", action="store_true", help="fine-tune it, and let it answer beside the linear heads")
    fit.add_argument("--set", action="append", default=[], metavar="KNOB=VALUE", help="see configs/NAME.yaml")
    fit.add_argument("--reviewed", type=Path, help="of tickets: a filled-in review file of audit; it changes labels")
    fit.add_argument("--promote", metavar="WHY", help="promote the release at once")


def _add_curve(verbs: Any) -> None:
    curve = verbs.add_parser("curve", help="how good a recipe is with few rows a class: draws of a table, and a plot")
    curve.add_argument("name", choices=["triage"])
    curve.add_argument("--data", type=Path, help="any table with one text and one label column")
    curve.add_argument("--text", default="text", help="its text column")
    curve.add_argument("--label", help="its label column; by default label")
    curve.add_argument("--test", type=Path, help="a table to test on; by default a fold of the table is set apart")
    curve.add_argument("--shots", default="10,20,50,100,all", help="rows a class, with commas between")
    curve.add_argument("--draws", type=int, default=5, help="of every size")
    curve.add_argument("--tune", action="store_true", help=_TUNING)
    curve.add_argument("--encoder", metavar="PATH_OR_NAME", help="see configs/triage.yaml")
    curve.add_argument("--fine-tune", action="store_true", help="fine-tune it for every draw: minutes each")
    curve.add_argument("--set", action="append", default=[], metavar="KNOB=VALUE", help="see configs/triage.yaml")


def _add_evaluate(verbs: Any) -> None:
    evaluate = verbs.add_parser("evaluate", help="score a saved release with the code that answers")
    evaluate.add_argument("name")
    evaluate.add_argument("--version", help="by default the current release")
    evaluate.add_argument(
        "--source", help="of tickets: a source of configs/triage.yaml, by default gold; of customers: a shared table"
    )
    evaluate.add_argument("--data", type=Path, help="a table, or of photos a manifest or a folder")
    evaluate.add_argument("--mapping", type=Path, help="of customers: the table's columns (YAML)")
    evaluate.add_argument("--text", default="text")
    evaluate.add_argument("--label", help="by default label, of photos condition")

    robust = verbs.add_parser("robustness", help="how a release bears tickets that are written in another way")
    robust.add_argument("name")
    robust.add_argument("--version", help="by default the current release")
    robust.add_argument(
        "--data", type=Path, help="a table; by default gold, or the embedded corpus where that is absent"
    )
    robust.add_argument("--text", default="text")
    robust.add_argument("--label", help="by default label")


def _add_audit(verbs: Any) -> None:
    audit = verbs.add_parser("audit", help="find labels that are likely wrong, and write a file to review")
    audit.add_argument("name", choices=["triage"])
    audit.add_argument("--data", type=Path, help="any table with one text and one label column; by default all sources")
    audit.add_argument("--text", default="text", help="its text column")
    audit.add_argument("--label", help="its label column; by default label")
    audit.add_argument("--source", help="list this source alone; by default all that are held out")
    audit.add_argument("--reviewed", type=Path, help="an earlier review, applied first")
    audit.add_argument("--out", type=Path, help="by default var/audit/NAME.csv")
    audit.add_argument("--texts", action="store_true", help="write the texts too; shared ones must not be published")
    audit.add_argument("--set", action="append", default=[], metavar="KNOB=VALUE", help="see configs/triage.yaml")


def main(argv: list[str] | None = None) -> int:
    """Run one verb; 0 if it did what it says, 2 if the input or a release is at fault."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    arguments = _parser().parse_args(argv)
    from training import verbs  # scikit-learn and MLflow take seconds to import: not for --help

    try:
        getattr(verbs, arguments.verb)(arguments)
    except AftersightError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
