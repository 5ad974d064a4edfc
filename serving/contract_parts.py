"""What the public contract is made of: text, numbers and words as requests hold them, with their limits and reasons."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

from features.customer import MAX_AMOUNT, MAX_VALUE_CHARS
from features.text import MAX_CHARS, repair

__all__ = [
    "LANGUAGE_SAID",
    "LANGUAGE_TAG",
    "MAX_HOURS",
    "MAX_ID_CHARS",
    "MAX_OWN",
    "MAX_PHRASE_CHARS",
    "Amount",
    "Count",
    "Growth",
    "Hours",
    "Identifier",
    "Language",
    "Level",
    "Own",
    "Phrase",
    "Probability",
    "Rating",
    "Share",
    "Text",
    "Tier",
    "Word",
]

# Twice the longest key of the ticketing systems we know; it comes back in the answer and goes into logs.
MAX_ID_CHARS: Final = 200
# A title, a product group, a channel: twice the longest subject line that ticketing systems take (255).
MAX_PHRASE_CHARS: Final = 510
# No shop's table that we know has more columns; the rest would be somebody's mistake.
MAX_OWN: Final = 100
# Ten years: what waited longer was counted in another unit.
MAX_HOURS: Final = 87_600


def _repaired(value: Any) -> Any:
    """Pydantic refuses a string with half an emoji; a customer's text is never refused for that."""
    return repair(value) if isinstance(value, str) else value


def _whole(value: Any) -> Any:
    """Take 2.0 for 2, as tables with gaps write whole numbers."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _identifier(value: Any) -> Any:
    """Numbers are welcome as identifiers; `True` is not a number."""
    if value is None:
        return ""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else _repaired(value)


_ID_SCHEMA: Final = {
    "anyOf": [{"type": "string", "maxLength": MAX_ID_CHARS}, {"type": "integer"}, {"type": "null"}],
    "default": "",
    "description": f"The caller's own, comes back in the answer; at most {MAX_ID_CHARS} characters.",
}
Identifier = Annotated[
    str, StringConstraints(max_length=MAX_ID_CHARS), BeforeValidator(_identifier), WithJsonSchema(_ID_SCHEMA)
]
_Limited = Annotated[str, StringConstraints(max_length=MAX_CHARS)]
Text = Annotated[
    _Limited,
    BeforeValidator(_repaired, json_schema_input_type=_Limited),
    Field(description="As the customer wrote it; may be empty.", examples=["屏幕碎了，想问一下保修吗？"]),
]
# The shape of a BCP 47 tag. Which ones we speak is not a reason to refuse a ticket: others are answered in English.
LANGUAGE_TAG: Final = r"[A-Za-z]{2,3}([_-][A-Za-z0-9]{1,8}){0,4}"
LANGUAGE_SAID: Final = "Of names and messages in the answer: zh… or another; by default that of the text."
_Tag = Annotated[str, StringConstraints(pattern=f"^{LANGUAGE_TAG}$")]
Language = Annotated[
    _Tag,
    BeforeValidator(_repaired, json_schema_input_type=_Tag),
    Field(description=LANGUAGE_SAID),
]
_Short = Annotated[str, StringConstraints(max_length=MAX_PHRASE_CHARS)]
Phrase = Annotated[_Short, BeforeValidator(_repaired, json_schema_input_type=_Short)]
_Count = Annotated[int, Field(ge=0, le=MAX_AMOUNT, strict=True)]
Count = Annotated[_Count, BeforeValidator(_whole, json_schema_input_type=_Count)]
Amount = Annotated[float, Field(ge=0, le=MAX_AMOUNT, allow_inf_nan=False, strict=True)]
Growth = Annotated[float, Field(ge=-100, le=MAX_AMOUNT, allow_inf_nan=False, strict=True)]
Rating = Annotated[float, Field(ge=1, le=5, allow_inf_nan=False, strict=True)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)]
_Tier = Annotated[int, Field(ge=1, le=6, strict=True)]
Tier = Annotated[_Tier, BeforeValidator(_whole, json_schema_input_type=_Tier)]
_Level = Annotated[int, Field(ge=0, le=100, strict=True)]
Level = Annotated[_Level, BeforeValidator(_whole, json_schema_input_type=_Level)]
_Word = Annotated[str, StringConstraints(max_length=MAX_VALUE_CHARS)]
# A word that the model never learnt is no error: the answer flags it.
Word = Annotated[_Word, BeforeValidator(_repaired, json_schema_input_type=_Word)]
_OwnNumber = Annotated[float, Field(allow_inf_nan=False, strict=True)]
_OwnFlag = Annotated[bool, Field(strict=True)]
_OwnName = Annotated[str, StringConstraints(max_length=MAX_VALUE_CHARS)]
Own = Annotated[
    dict[_OwnName, _OwnFlag | _OwnNumber | Word | None],
    Field(max_length=MAX_OWN, description="Fields of the shop's own table, for a release that learnt from them."),
]
Hours = Annotated[
    float,
    Field(ge=0, le=MAX_HOURS, allow_inf_nan=False, strict=True, description="Since the ticket came; for the priority."),
]
Probability = Annotated[float, Field(ge=0, le=1)]
