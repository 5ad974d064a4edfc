"""The registered churn model: MLflow loads this file as code, with a release beside it; answers are the service's."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd

from features.schema import Customer
from models.churn import ChurnModel
from models.release import load_release

RECORD = {f.name for f in fields(Customer)} - {"id", "own"}


class ChurnPyfunc(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Customers in (any of the release's fields), a risk and the whole answer as JSON out."""

    model: ChurnModel

    def load_context(self, context: Any) -> None:
        """Verify and open the release."""
        folder = Path(context.artifacts["release"])
        name = json.loads((folder / "release.json").read_text(encoding="utf-8"))["name"]
        self.model = ChurnModel(load_release(name, folder=folder))

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:  # noqa: ARG002
        """Answer customers, row for row."""
        customers = [self._customer(row) for row in model_input.to_dict("records")]
        answers = self.model.answer(customers, ["en"] * len(customers))
        rows = [
            {
                "customer_id": a.customer_id,
                "churn_risk": a.risk,
                "answer": json.dumps(a.as_entry(), ensure_ascii=False),
            }
            for a in answers
        ]
        return pd.DataFrame(rows)

    def _customer(self, row: dict[str, Any]) -> Customer:
        """Check a row's values as the service does; what is missing may stand as None or NaN."""
        known = {f.name: f.check(row[f.name]) for f in self.model.fields if not pd.isna(row.get(f.name))}
        own = {k: v for k, v in known.items() if k not in RECORD}
        identifier = row.get("id")
        return Customer(
            "" if pd.isna(identifier) else str(identifier),
            **{k: v for k, v in known.items() if k in RECORD},  # type: ignore[arg-type]  # each field checked its own
            own=own,
        )


mlflow.models.set_model(ChurnPyfunc())
