"""Who comes first: the loss to be expected if a ticket is left lying for another hour, as a score with reasons.

Pure: the same ticket, customer and waiting time give the same score, whatever else waits. All weights stand with their
reasons in ``priority.yaml``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from features.errors import ConfigError
from features.schema import Customer, Priority, Reason
from features.strict_yaml import read_page

__all__ = ["Weights", "default_weights", "expected_loss", "parse_weights", "prioritise"]

DEFAULT_PATH: Final = Path(__file__).with_name("priority.yaml")
LEVELS: Final = ("p1", "p2", "p3", "p4")
# Where a taxonomy has no urgency, a ticket is an ordinary one.
ORDINARY: Final = "p3"
# The score's bands: loss alone never reaches the first, waiting alone never the second.
_WAITED, _DANGER = 0.8, 0.9
# A part of the loss below this share of it is no reason.
_SHARE: Final = 0.1
_WORDS: Final = {
    "danger": ("p1：先于一切其他工单", "p1: before everything else"),
    "bound": (
        "已等待 {hours:.0f} 小时：先于 p1 以外的一切工单",
        "waiting for {hours:.0f} hours: before everything but p1",
    ),
    "urgency": ("紧急程度 {level}：每拖一小时预计损失 ¥{loss}", "urgency {level}: an hour more may cost ¥{loss}"),
    "churn": ("流失风险 {risk:.0%}：预计损失 ¥{loss}", "risk of leaving {risk:.0%}: may cost ¥{loss}"),
    "unknown_risk": (
        "客户情况未知，按平均流失风险 {risk:.0%} 计：预计损失 ¥{loss}",
        "nothing known of the customer, average risk {risk:.0%}: may cost ¥{loss}",
    ),
    "repeats": ("近期另有 {count:.0f} 张工单：加 ¥{loss}", "{count:.0f} other tickets of late: adds ¥{loss}"),
    "clock": ("已用去时限的 {used:.0%}：加 ¥{loss}", "{used:.0%} of the time is gone: adds ¥{loss}"),
}


@dataclass(frozen=True, slots=True)
class Weights:
    """See ``priority.yaml``, where every weight has its reason."""

    value: float
    vip: float
    unknown_risk: float
    swayed: float
    fades_hours: float
    cost: Mapping[str, float]
    repeat: float
    most_repeats: float
    target_hours: Mapping[str, float]
    late: float
    steepness: float
    later: float
    bound_hours: float
    half: float


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the expected loss: its code, yuan, and what its sentence names."""

    code: str
    loss: float
    said: Mapping[str, Any]


def expected_loss(
    levels: Mapping[str, float],
    risk: float | None,
    customer: Customer | None,
    waited: float,
    weights: Weights,
) -> list[Part]:
    """Give the parts of what is lost if a ticket is left lying for another hour, in yuan.

    Parameters
    ----------
    levels : mapping of str to float
        The probability of each urgency level; empty where a taxonomy has none.
    risk : float or None
        Of leaving; None if not known.
    customer : Customer or None
    waited : float
        Hours since the ticket came.
    weights : Weights
    """
    level = _level(levels)
    urgent = sum(p * weights.cost.get(key, 0.0) for key, p in levels.items())
    known = weights.unknown_risk if risk is None else risk
    # Who only says thank you is not kept by an answer, however likely to leave.
    kept = known * _value(customer, weights) * weights.swayed * (1.0 - levels.get("p4", 0.0))
    leaves = kept * -math.expm1(-1.0 / weights.fades_hours)
    again = _repeats(customer, weights)
    used = waited / weights.target_hours[level]
    clock = weights.late * min(1.0, used) ** weights.steepness + weights.later * max(0.0, used - 1.0)
    return [
        Part("urgency", urgent, {"level": level}),
        Part("unknown_risk" if risk is None else "churn", leaves, {"risk": known}),
        Part("repeats", weights.repeat * again, {"count": again}),
        Part("clock", clock, {"used": used}),
    ]


def _level(levels: Mapping[str, float]) -> str:
    known = {key: p for key, p in levels.items() if key in LEVELS}
    return max(known, key=lambda key: known[key]) if known else ORDINARY


def _value(customer: Customer | None, weights: Weights) -> float:
    if customer is None:
        return weights.value
    if customer.yearly_value is not None:
        return customer.yearly_value
    return weights.value * (weights.vip if customer.vip else 1.0)


def _repeats(customer: Customer | None, weights: Weights) -> float:
    if customer is None:
        return 0.0
    return min(weights.most_repeats, (customer.tickets_30d or 0.0) + (customer.unresolved or 0.0))


def prioritise(
    levels: Mapping[str, float],
    risk: float | None = None,
    customer: Customer | None = None,
    waited: float = 0.0,
    language: str = "zh",
    weights: Weights | None = None,
) -> Priority:
    """Score a ticket from 0 to 1 to sort by, and say why.

    Parameters
    ----------
    levels : mapping of str to float
        The probability of each urgency level, ``p1`` to ``p4``.
    risk : float or None
        Of the customer's leaving.
    customer : Customer or None
        For what the customer is worth, and for repeats.
    waited : float
        Hours since the ticket came, 0 or more.
    language : str
        Of the reasons: Chinese for ``zh*`` and ``mixed``, English otherwise.
    weights : Weights or None
        By default the project's page.

    Examples
    --------
    >>> calm, angry = prioritise({"p3": 1.0}, risk=0.1), prioritise({"p3": 1.0}, risk=0.9)
    >>> calm.score < angry.score
    True
    """
    weights = weights or default_weights()
    parts = expected_loss(levels, risk, customer, waited, weights)
    loss = sum(part.loss for part in parts)
    by_loss = loss / (loss + weights.half)
    ruled: list[Part] = []
    score = _WAITED * by_loss
    if _level(levels) == "p1":
        ruled, score = [Part("danger", 0.0, {})], _DANGER + (1.0 - _DANGER) * by_loss
    elif waited > weights.bound_hours:
        ruled = [Part("bound", 0.0, {"hours": waited})]
        score = _WAITED + (_DANGER - _WAITED) * (1.0 - weights.bound_hours / waited)
    told = sorted((p for p in parts if p.loss > _SHARE * loss), key=lambda part: -part.loss)
    return Priority(round(score, 4), tuple(_reason(part, language) for part in (*ruled, *told)))


def _reason(part: Part, language: str) -> Reason:
    words = _WORDS[part.code][0 if language.startswith(("zh", "mixed")) else 1]
    loss = f"{part.loss:.0f}" if part.loss >= 10 else f"{part.loss:.1f}"
    return Reason(part.code, words.format(loss=loss, **part.said))


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise ConfigError(f"{name}: expected a number above 0")
    return float(value)


def parse_weights(text: str) -> Weights:
    """Read a page of weights.

    Parameters
    ----------
    text : str
        YAML in the layout of ``models/priority.yaml``.

    Raises
    ------
    ConfigError
        On unknown, missing or repeated weights, and on what is no number above 0; the message names the weight.
    """
    root = read_page(text, "priority")
    names = {f.name for f in fields(Weights)}
    if not isinstance(root, Mapping) or set(root) != names | {"version"} or root["version"] != 1:
        raise ConfigError(f"priority: expected version 1 and exactly {', '.join(sorted(names))}")
    values: dict[str, Any] = {}
    for name in names:
        if name in ("cost", "target_hours"):
            if not isinstance(root[name], Mapping) or set(root[name]) != set(LEVELS):
                raise ConfigError(f"{name}: expected exactly {', '.join(LEVELS)}")
            values[name] = {key: _number(f"{name}.{key}", value) for key, value in root[name].items()}
        else:
            values[name] = _number(name, root[name])
    return Weights(**values)


@lru_cache(maxsize=1)
def default_weights() -> Weights:
    """Give the project's own weights."""
    return parse_weights(DEFAULT_PATH.read_text(encoding="utf-8"))
