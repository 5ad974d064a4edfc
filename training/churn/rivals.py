"""What a churn model is compared with, on the same folds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from training.churn.matrix import Floats, Matrix

__all__ = ["RIVALS", "Rival"]

# Takes a matrix, the rows to learn from, all outcomes and the rows to judge: gives the latter's probabilities.
Rival = Callable[[Matrix, Any, Floats, Any], Floats]


def _logistic(matrix: Matrix, train: Any, left: Floats, held: Any) -> Floats:
    """One-hot categories, medians for what is missing and a column that says so."""
    categories = np.array(matrix.categories)
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    words = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    columns = [("numbers", numbers, ~categories), ("words", words, categories)]
    model = make_pipeline(ColumnTransformer(columns), LogisticRegression(C=0.3, max_iter=1000))
    p: Floats = model.fit(matrix.x[train], left[train]).predict_proba(matrix.x[held])[:, 1]
    return p


def _boosted(x: Floats, categories: Any, train: Any, left: Floats, held: Any, **settings: Any) -> Floats:
    model = HistGradientBoostingClassifier(
        categorical_features=categories, early_stopping=False, random_state=0, **settings
    )
    p: Floats = model.fit(x[train], left[train]).predict_proba(x[held])[:, 1]
    return p


def _plain(matrix: Matrix, train: Any, left: Floats, held: Any) -> Floats:
    """Take scikit-learn's boosting as it comes."""
    return _boosted(matrix.x, matrix.categories, train, left, held)


def _deep(matrix: Matrix, train: Any, left: Floats, held: Any) -> Floats:
    """Boost deep enough to learn rows by heart: what that is worth on rows and on customers are two things."""
    return _boosted(matrix.x, matrix.categories, train, left, held, max_iter=600)


def _copy_finder(matrix: Matrix, train: Any, left: Floats, held: Any) -> Floats:
    """Boost on differences between neighbouring numbers too: a copy with every number raised has the same.

    Nobody would learn a customer's risk from such differences; it shows what a score is worth that copies can reach.
    """
    numbers = matrix.x[:, ~np.array(matrix.categories)]
    x = np.hstack([matrix.x, np.diff(numbers, axis=1)])
    categories = [*matrix.categories, *[False] * (x.shape[1] - matrix.x.shape[1])]
    return _boosted(x, categories, train, left, held, max_iter=600)


RIVALS: Final[dict[str, Rival]] = {
    "logistic": _logistic,
    "boosting": _plain,
    "deep boosting": _deep,
    "copy finder": _copy_finder,
}
