"""From calibrated probabilities to what may be done without a person.

A field is automated only above a threshold that was chosen on held-out tickets such that, with 95 % confidence, at
least the stated share of the automated answers is right (Clopper-Pearson). Below it the answer is a suggestion; where
even that would be a guess, the model abstains and says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from features.schema import Action, Reason

__all__ = ["MESSAGES", "NO_TAGS", "Threshold", "act", "reason"]

# Under which the thresholds of an answer without tags stand.
NO_TAGS: Final = "none"

MESSAGES: Final[dict[str, tuple[str, str]]] = {
    "empty": ("没有文字内容", "there is no text"),
    "no_request": ("没有可以处理的请求", "there is no request to act on"),
    "out_of_scope": ("与训练过的工单都不相像", "unlike every ticket the model has learnt from"),
    "unknown_language": ("不是中文或英文", "neither Chinese nor English"),
    "ambiguous": ("在{a}与{b}之间难以确定", "undecided between {a} and {b}"),
    "low_confidence": ("把握不足（{p:.0%}）", "not sure enough ({p:.0%})"),
    "below_automation": ("把握{p:.0%}，尚不足以自动处理", "sure to {p:.0%}, which is not enough to act alone"),
    "photo_quality": ("照片不够清楚", "the photos do not show enough"),
    "photos_disagree": ("几张照片互相矛盾", "the photos contradict one another"),
    "person": ("需要人工核对", "a person must look"),
    "rare_condition": (
        "这类损伤的真实样本很少，仅供参考",
        "hardly any real photos of this were learnt from: a hint only",
    ),
    "words": ("依据文中词语", "words that carried the decision"),
    "model": ("模型综合判断", "the model's overall reading"),
}


@dataclass(frozen=True, slots=True)
class Threshold:
    """From which probability on a field is automated, or suggested.

    Attributes
    ----------
    automate : float
        1.01 where no threshold holds the stated precision: such a field is never automated.
    suggest : float
    """

    automate: float
    suggest: float

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Threshold:
        """Read it from a release's configuration."""
        return cls(float(row["automate"]), float(row["suggest"]))


def reason(code: str, language: str, words: tuple[str, ...] = (), **values: object) -> Reason:
    """Make a reason with its sentence in the reader's language."""
    zh, en = MESSAGES[code]
    return Reason(code, (zh if language.startswith("zh") else en).format(**values), words)


def act(probability: float, threshold: Threshold) -> Action:
    """Tell what may be done with an answer of this probability."""
    if probability >= threshold.automate:
        return "automate"
    return "suggest" if probability >= threshold.suggest else "abstain"
