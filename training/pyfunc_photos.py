"""The registered model of photos: MLflow loads this file as code, with a release beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd

from features.cases import CONDITIONS
from features.errors import InputError
from features.photo import read_photo
from models.diagnosis import DiagnosisModel
from models.photo_network import PhotoNetwork
from models.release import Release, load_release


class PhotosPyfunc(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Bytes of photos in (``photo``), one row with the condition and the whole answer as JSON out.

    A photo that cannot be read costs its own row alone: its condition is empty and its answer names the rule.
    """

    release: Release

    def load_context(self, context: Any) -> None:
        """Verify and open the release."""
        folder = Path(context.artifacts["release"])
        name = json.loads((folder / "release.json").read_text(encoding="utf-8"))["name"]
        self.release = load_release(name, folder=folder)
        self.network = PhotoNetwork(self.release)
        known = set(self.network.conditions) <= set(CONDITIONS)
        self.model = DiagnosisModel(self.release) if known else None

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:  # noqa: ARG002
        """Answer photos, row for row."""
        return pd.DataFrame([self._row(bytes(data)) for data in model_input["photo"]])

    def _row(self, data: bytes) -> dict[str, Any]:
        try:
            photo = read_photo(data)
        except InputError as error:
            return {"condition": "", "probability": float("nan"), "answer": json.dumps(error.as_dict("en"))}
        if self.model:
            found = self.model.diagnose([photo])
            answer = json.dumps(found.as_dict(), ensure_ascii=False)
            return {"condition": found.condition.key, "probability": found.condition.probability, "answer": answer}
        p = self.network.look(photo.pixels).p
        told = {k: round(float(x), 4) for k, x in zip(self.network.conditions, p, strict=True)}
        best = max(told, key=lambda k: told[k])
        return {"condition": best, "probability": told[best], "answer": json.dumps(told, ensure_ascii=False)}


mlflow.models.set_model(PhotosPyfunc())
