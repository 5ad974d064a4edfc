"""The registered model: MLflow loads this file as code, with a release beside it; the answers are the service's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd

from features.schema import Ticket
from models.release import load_release
from models.triage import TriageModel


class TriagePyfunc(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Tickets in (``id``, ``text``), one row of labels and the whole answer as JSON out."""

    model: TriageModel

    def load_context(self, context: Any) -> None:
        """Verify and open the release."""
        folder = Path(context.artifacts["release"])
        name = json.loads((folder / "release.json").read_text(encoding="utf-8"))["name"]
        self.model = TriageModel(load_release(name, folder=folder))

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:  # noqa: ARG002
        """Answer tickets, row for row."""
        ids = model_input["id"].astype(str) if "id" in model_input else [""] * len(model_input)
        texts = ["" if t is None else str(t) for t in model_input["text"]]
        answers = self.model.answer([Ticket(i, t) for i, t in zip(ids, texts, strict=True)])
        rows = [
            {
                "ticket_id": a.ticket_id,
                "category": a.category.key,
                "category_probability": a.category.probability,
                "tags": ",".join(t.key for t in a.tags),
                "urgency": a.urgency.level if a.urgency else "",
                "urgency_score": a.urgency.score if a.urgency else float("nan"),
                "answer": json.dumps(a.as_dict(), ensure_ascii=False),
            }
            for a in answers
        ]
        return pd.DataFrame(rows)


mlflow.models.set_model(TriagePyfunc())
