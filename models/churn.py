"""Churn: a customer record becomes a calibrated risk of leaving, with reasons that add up exactly.

Boosted trees and, where the release has one, a forest (`models.tree_runner`) over the fields that it names. Every value
becomes a code, and one that is missing or unknown has a code of its own: the trees learnt what not knowing means.

Boosted trees keep a trend by themselves. A forest does not, so that its answer is the highest of what it says of the
customer and of the same customer with values that the trend calls safer (`models.codes.safer`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from features.customer import Field, Value
from features.errors import ConfigError, ReleaseError
from features.schema import Churn, Customer, Reason, ReleaseId
from models.codes import Coder, inputs, load_coders, owners, safer
from models.release import STORE, Release, load_release
from models.tree_runner import TreeRunner
from models.trees import Codes, Floats, Trees

__all__ = ["ChurnModel", "open_churn", "sigmoid"]

REASONS: Final = 3  # more explain less
# In log-odds: a field that moves the odds of leaving by less than a twentieth is no reason.
LEAST: Final = 0.05
# Rows answered at once: 256 are a fifth slower, more need more memory for nothing (a row takes some 500 bytes).
BLOCK: Final = 4096
_DIGITS: Final = 4
_WORDS: Final = {
    "factor": ("{name}：{value}，流失几率 ×{factor}", "{name}: {value}, odds of leaving ×{factor}"),
    "unknown": ("未知", "not known"),
    "average": ("与平均客户无异", "like the average customer"),
    "nothing_known": ("对该客户一无所知，按平均客户计", "nothing is known of this customer: the average is given"),
    "unknown_value": (
        "{name}：模型没有学过“{value}”，按未知处理",
        "{name}: '{value}' was never learnt, taken as not known",
    ),
    "beyond_training": ("{name}：{value} 超出训练数据的范围", "{name}: {value} is beyond what was learnt from"),
}


def _side(language: str) -> str:
    return "zh" if language.startswith(("zh", "mixed")) else "en"


def _say(key: str, language: str, **values: object) -> str:
    return _WORDS[key][0 if _side(language) == "zh" else 1].format(**values)


def sigmoid(margin: Floats) -> Floats:
    """Turn log-odds into probabilities."""
    return 0.5 * (1.0 + np.tanh(0.5 * margin))


class ChurnModel:
    """A release that answers; loading verifies it, answering changes nothing.

    Parameters
    ----------
    release : Release

    Attributes
    ----------
    release : ReleaseId
    manifest : dict
        ``release.json``: metrics, data sources, digests.
    coders : tuple of Coder
        One for each of the c fields that the model looks at.
    fields : tuple of Field
    base : float
        The log-odds of an average customer of training.
    """

    def __init__(self, release: Release) -> None:
        self.release: ReleaseId = release.id
        self.manifest: dict[str, Any] = release.manifest
        try:
            self._load(release)
        except (LookupError, TypeError, ValueError, AttributeError, ConfigError) as error:
            raise ReleaseError(f"not what a churn release holds: {error!r}") from error

    def _load(self, release: Release) -> None:
        tensors = release.tensors
        self.coders: tuple[Coder, ...] = tuple(load_coders(release.config["fields"], tensors))
        self.fields: tuple[Field, ...] = tuple(coder.field for coder in self.coders)
        self._boosting = self._runner(tensors, "boosting")
        self._forest = self._runner(tensors, "forest") if "forest.no" in tensors else None
        known, unknown = tensors["calibration"].astype(np.float64)
        if known.shape != (3,) or min(known[:2].min(), unknown[:2].min()) < 0 or not known[:2].any():
            raise ReleaseError("weights.safetensors: the calibration turns risks around")
        average = np.array([self._boosting.base, self._forest.base if self._forest else 0.0, 1.0])
        self._known, self._unknown = known, unknown
        self.base = float(known @ average)
        # An average customer of whom nothing is known differs by this much: each field that is not known has a part.
        self._each_gap = float((unknown - known) @ average) / len(self.coders)
        self._missing = np.array([coder.missing for coder in self.coders])

    def _runner(self, tensors: Mapping[str, Any], of: str) -> TreeRunner:
        return TreeRunner(Trees.load(tensors, of), owners(self.coders), len(self.coders))

    def codes(self, values: Mapping[str, Sequence[Value | None]], n: int) -> Codes:
        """Turn columns of checked values into codes, ``(n, c)``; a column that is not there is not known."""
        nothing: list[Value | None] = [None] * n
        return np.stack([c.codes(values.get(c.field.name, nothing)) for c in self.coders], axis=1)

    def explained(self, codes: Codes) -> tuple[Floats, Floats]:
        """Give risks ``(n,)`` and contributions in log-odds ``(n, c)``."""
        shares = np.zeros(codes.shape)
        for start in range(0, len(codes), BLOCK):
            shares[start : start + BLOCK] = self._shares(codes[start : start + BLOCK])
        return sigmoid(self.base + shares.sum(axis=1)), shares

    def risk(self, codes: Codes) -> Floats:
        """Give calibrated risks alone, ``(n,)``."""
        return self.explained(codes)[0]

    def _shares(self, codes: Codes) -> Floats:
        gaps = codes == self._missing
        weight = self._known + gaps.mean(axis=1)[:, None] * (self._unknown - self._known)  # (n, 3)
        said: Floats = weight[:, [0]] * self._boosting.shares(inputs(codes, self.coders)) + self._each_gap * gaps
        if self._forest:
            said += weight[:, [1]] * self._highest(self._forest, codes)
        return said

    def _highest(self, forest: TreeRunner, codes: Codes) -> Floats:
        """Give what a forest says, or of a customer who should be safer where that is more, ``(n, c)``."""
        out = forest.shares(inputs(codes, self.coders))
        for variant in safer(codes, self.coders):
            rows = np.flatnonzero((variant != codes).any(axis=1))
            said = forest.shares(inputs(variant[rows], self.coders))
            more = said.sum(axis=1) > out[rows].sum(axis=1)
            out[rows[more]] = said[more]
        return out

    def answer(self, customers: Sequence[Customer], languages: Iterable[str]) -> list[Churn]:
        """Answer customers, in order; a customer's answer does not depend on the others.

        Parameters
        ----------
        customers : sequence of Customer
            Their values checked by `features.customer.Field.check`.
        languages : iterable of str
            Of each customer's reasons: Chinese for ``zh*`` and ``mixed``, English otherwise.
        """
        if not customers:
            return []
        values = {f.name: [c.value(f.name) for c in customers] for f in self.fields}
        risk, shares = self.explained(self.codes(values, len(customers)))
        rows = ([values[f.name][i] for f in self.fields] for i in range(len(customers)))
        return [
            Churn(
                customer.id,
                round(float(risk[i]), _DIGITS),
                self.reasons(row, shares[i], language),
                self.flags(row, language),
                round(self.base, _DIGITS),
                {f.name: round(float(x), _DIGITS) for f, x in zip(self.fields, shares[i], strict=True)},
                self.release,
            )
            for i, (customer, row, language) in enumerate(zip(customers, rows, languages, strict=True))
        ]

    def reasons(self, row: Sequence[Value | None], shares: Floats, language: str) -> tuple[Reason, ...]:
        """Say what moved a risk most, for a customer's values and contributions, both ``(c,)``."""
        strongest = np.argsort(-np.abs(shares), kind="stable")[:REASONS]
        found = [(self.fields[i], row[i], float(shares[i])) for i in strongest if abs(shares[i]) >= LEAST]
        said = (Reason(f.name, reason_text(f, value, share, language)) for f, value, share in found)
        return tuple(said) or (Reason("average", _say("average", language)),)

    def flagged(self, values: Mapping[str, Sequence[Value | None]], codes: Codes) -> dict[int, list[str]]:
        """Tell for columns of values, and their codes ``(n, c)``, which rows have which flags: ``code:field``."""
        found = {int(i): ["nothing_known"] for i in np.flatnonzero((codes == self._missing).all(axis=1))}
        for coder in self.coders:
            column = values.get(coder.field.name, ())
            odd = {value: code for value in set(column) if (code := coder.flag(value))}
            for i, value in enumerate(column) if odd else ():
                if value in odd:
                    found.setdefault(i, []).append(f"{odd[value]}:{coder.field.name}")
        return found

    def flags(self, row: Sequence[Value | None], language: str) -> tuple[Reason, ...]:
        """Say what makes an answer less sure, for a customer's values ``(c,)``."""
        if all(value is None for value in row):
            return (Reason("nothing_known", _say("nothing_known", language)),)
        found = []
        for coder, value in zip(self.coders, row, strict=True):
            if value is not None and (code := coder.flag(value)):
                name, said = coder.field.names[_side(language)], coder.field.said(value, _side(language))
                found.append(Reason(code, _say(code, language, name=name, value=said)))
        return tuple(found)


def reason_text(field: Field, value: Value | None, share: float, language: str) -> str:
    """Say what a value does to the odds of leaving, against the average customer."""
    side = _side(language)
    said = _say("unknown", language) if value is None else field.said(value, side)
    return _say("factor", language, name=field.names[side], value=said, factor=f"{np.exp(share):.2g}")


def open_churn(version: str | None = None, store: Path = STORE, name: str = "churn") -> ChurnModel:
    """Load and verify a release of churn, by default the current one.

    Raises
    ------
    ReleaseError
        If it is not there or not what was released.
    """
    return ChurnModel(load_release(name, version, store))
