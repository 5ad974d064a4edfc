"""The registered satisfaction: MLflow loads this file as code, with a release beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd

from features.schema import Message, Ticket
from models.release import load_release
from models.satisfaction import SatisfactionModel


class SatisfactionPyfunc(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Last messages in (``text``, earlier ``messages`` as JSON), probabilities out."""

    model: SatisfactionModel

    def load_context(self, context: Any) -> None:
        """Verify and open the release."""
        self.model = SatisfactionModel(load_release("satisfaction", folder=Path(context.artifacts["release"])))

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:  # noqa: ARG002
        """Judge, row for row."""
        said = [
            tuple(Message(str(m["from"]), str(m["text"])) for m in json.loads(row or "[]"))
            for row in model_input["messages"]
        ]
        tickets = [Ticket("", str(t), messages=m) for t, m in zip(model_input["text"], said, strict=True)]
        p = self.model.probabilities(tickets)
        keys = [label.key for label in self.model.labels]
        frame = pd.DataFrame(p.astype(float), columns=keys)
        frame.insert(0, "satisfaction", [keys[i] for i in p.argmax(axis=1)])
        return frame


mlflow.models.set_model(SatisfactionPyfunc())
