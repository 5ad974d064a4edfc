"""The customer record: which fields there are, what each may hold, and what a value is called.

The fields stand in ``customer.yaml``, one by one, with unit, range and the meaning of a missing value;
`features.schema.Customer` has the same attributes. `features.columns` reads a shop's own table into it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal, get_args

from features.errors import ConfigError, InputError
from features.strict_yaml import read_page

__all__ = ["MAX_AMOUNT", "MAX_VALUE_CHARS", "Field", "Value", "parse_field", "parse_record", "record"]

Kind = Literal["number", "count", "flag", "category"]
Value = float | bool | str

DEFAULT_PATH: Final = Path(__file__).with_name("customer.yaml")
# Far above any shop's figures: what lies beyond is a slip of units (seconds for months), and would move a score.
MAX_AMOUNT: Final = 1_000_000
# Of a category that is not known to the record: it comes back in the answer, and no shop's own is longer.
MAX_VALUE_CHARS: Final = 100
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,40}")
_TRENDS: Final = {None: 0, "rises": 1, "falls": -1}
_KEYS: Final = {"kind", "low", "high", "zh", "en", "unit", "trend", "means", "missing", "values"}
_FLAGS: Final = {
    **dict.fromkeys(("1", "1.0", "yes", "y", "true", "是"), True),
    **dict.fromkeys(("0", "0.0", "no", "n", "false", "否"), False),
}
_EXPECTED: Final = {"number": "number", "count": "whole number", "flag": "true or false", "category": "text"}


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the record, or of a table's own.

    Attributes
    ----------
    name : str
    kind : {'number', 'count', 'flag', 'category'}
    names : mapping of {'zh', 'en'} to str
        What a reader calls it.
    low, high : float
        The legal range of a number or a count.
    unit : mapping of {'zh', 'en'} to str
        Written after a value.
    trend : {-1, 0, 1}
        Whether more may only lower, or only raise, the risk of leaving.
    values : mapping of str to (str, str)
        Of a category: what each value is called, Chinese and English.
    means, missing : str
    """

    name: str
    kind: Kind
    names: Mapping[str, str]
    low: float = 0
    high: float = MAX_AMOUNT
    unit: Mapping[str, str] = field(default_factory=lambda: {"zh": "", "en": ""})
    trend: int = 0
    values: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    means: str = ""
    missing: str = ""

    def check(self, value: object, where: str | None = None) -> Value:
        """Take a value as JSON has it; one that is missing (``None``) is not given to this method.

        Parameters
        ----------
        value : object
        where : str or None
            What the error calls the place; by default the field.

        Returns
        -------
        float, bool or str
            A number is a float. A category that the record does not know comes back as it is: the model says so.

        Raises
        ------
        InputError
            ``type`` or ``range``.

        Examples
        --------
        >>> record()["complaints"].check(2)
        2.0
        """
        where = where or self.name
        if self.kind == "flag" and isinstance(value, bool):
            return value
        if self.kind == "category" and isinstance(value, str) and len(value) <= MAX_VALUE_CHARS:
            return value
        if self.kind in ("number", "count") and isinstance(value, int | float) and not isinstance(value, bool):
            return self._number(value, where)
        if self.kind == "category" and isinstance(value, str):
            raise InputError(where, "too_long", limit=MAX_VALUE_CHARS)
        raise InputError(where, "type", expected=_EXPECTED[self.kind])

    def _number(self, value: float, where: str) -> float:
        # Compared as it came: a whole number may be too large to be a float at all.
        if not self.low <= value <= self.high:
            raise InputError(where, "range", expected=f"{self.low:,g}–{self.high:,g}")
        if self.kind == "count" and value != int(value):
            raise InputError(where, "type", expected=_EXPECTED[self.kind])
        return float(value)

    def read(self, text: str, where: str | None = None) -> Value:
        """Take a value as a table's cell has it.

        Raises
        ------
        InputError
            ``type`` or ``range``.

        Examples
        --------
        >>> record()["vip"].read("是"), record()["tenure_months"].read(" 8.0 ")
        (True, 8.0)
        """
        text, where = text.strip(), where or self.name
        if self.kind == "category":
            return self.check(text, where)
        if self.kind == "flag":
            if text.lower() not in _FLAGS:
                raise InputError(where, "type", expected=_EXPECTED["flag"])
            return _FLAGS[text.lower()]
        try:
            number = float(text)
        except ValueError:
            raise InputError(where, "type", expected=_EXPECTED[self.kind]) from None
        return self.check(number, where)

    def said(self, value: Value, language: str) -> str:
        """Say a value as a reader does.

        Examples
        --------
        >>> record()["tenure_months"].said(8.0, "zh"), record()["device"].said("phone", "en")
        ('8 个月', 'phone')
        """
        side = "zh" if language.startswith("zh") else "en"
        if isinstance(value, bool):
            return {"zh": "是" if value else "否", "en": "yes" if value else "no"}[side]
        if isinstance(value, str):
            return self.values.get(value, (value, value))[0 if side == "zh" else 1]
        return f"{value:,.10g} {self.unit[side]}".rstrip()


def _sides(where: str, row: object) -> dict[str, str]:
    if not isinstance(row, Mapping) or not all(isinstance(row.get(side), str) for side in ("zh", "en")):
        raise ConfigError(f"{where}: needs both languages, zh and en")
    return {side: row[side] for side in ("zh", "en")}


def _values(where: str, row: object) -> dict[str, tuple[str, str]]:
    if not isinstance(row, Mapping) or not row:
        raise ConfigError(f"{where}.values: a category needs its values")
    named = {k: v if isinstance(v, list) else [k, k] for k, v in row.items()}
    if not all(isinstance(k, str) and len(v) == 2 and all(isinstance(x, str) for x in v) for k, v in named.items()):
        raise ConfigError(f"{where}.values: expected text: [zh, en] for each")
    return {k: (v[0], v[1]) for k, v in named.items()}


def parse_field(name: object, row: object) -> Field:
    """Read a field's description.

    Parameters
    ----------
    name : object
        Lower-case letters, digits and _.
    row : object
        In the layout of ``customer.yaml``.

    Raises
    ------
    ConfigError
        The message names the field and the key.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigError(f"field {name!r}: a name is lower-case letters, digits and _")
    if not isinstance(row, Mapping) or (set(row) - _KEYS):
        raise ConfigError(f"{name}: expected a mapping with keys of {sorted(_KEYS)}")
    if row.get("kind") not in get_args(Kind):
        raise ConfigError(f"{name}.kind: expected one of {', '.join(get_args(Kind))}")
    if row.get("trend") not in _TRENDS or (row.get("trend") and row["kind"] == "category"):
        raise ConfigError(f"{name}.trend: expected rises or falls, and not of a category")
    low, high = row.get("low", 0), row.get("high", MAX_AMOUNT)
    if not all(isinstance(x, int | float) and math.isfinite(x) for x in (low, high)) or low >= high:
        raise ConfigError(f"{name}: expected low < high")
    optional: dict[str, Any] = {"unit": _sides(f"{name}.unit", row["unit"])} if "unit" in row else {}
    if row["kind"] == "category":
        optional["values"] = _values(name, row.get("values"))
    return Field(
        name,
        row["kind"],
        _sides(name, row),
        low,
        high,
        trend=_TRENDS[row.get("trend")],
        means=str(row.get("means", "")),
        missing=str(row.get("missing", "")),
        **optional,
    )


def parse_record(text: str) -> dict[str, Field]:
    """Read a page of fields, in the layout of ``customer.yaml``.

    Raises
    ------
    ConfigError
    """
    root = read_page(text, "customer record")
    if not isinstance(root, Mapping) or not isinstance(root.get("fields"), Mapping):
        raise ConfigError("customer record: expected version and fields")
    return {str(name): parse_field(name, row) for name, row in root["fields"].items()}


@lru_cache(maxsize=1)
def record() -> Mapping[str, Field]:
    """Give the fields of the project's own record, by name."""
    return parse_record(DEFAULT_PATH.read_text(encoding="utf-8"))
