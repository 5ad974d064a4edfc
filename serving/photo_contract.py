"""The public contract of photos: what a request for a diagnosis may hold, and what the answer looks like."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field

from features.schema import Action
from features.text import MAX_CHARS
from serving.contract import Language, NamedOut, Probability, ReasonOut, ReleaseOut, Text

__all__ = [
    "FORM_SCHEMA",
    "MAX_PHOTOS",
    "MAX_UPLOAD_BYTES",
    "DiagnosisOut",
    "Mode",
    "PhotoIn",
]

# Front, back, four edges. A case of more is several things, and each deserves its own answer.
MAX_PHOTOS: Final = 6
# Six photos of an ordinary phone (3 to 8 MiB each), or two of the largest that are read.
MAX_UPLOAD_BYTES: Final = 48 * 2**20

Mode = Literal["off", "warn", "strict"]


class PhotoIn(BaseModel):
    """What may stand beside the photos; an empty field is a field that is not there."""

    text: Text = ""
    language: Language | None = None
    mode: Mode = "warn"


class DamageOut(BaseModel):
    """A damage; ``box`` is ``[x0, y0, x1, y1]`` from 0 to 1 on the upright photo number ``photo``, from 0."""

    key: str
    probability: Probability
    box: Annotated[list[Probability], Field(min_length=4, max_length=4)]
    photo: Annotated[int, Field(ge=0)]


class SeverityOut(BaseModel):
    """How bad; the score is the affected share of the screen or parcel."""

    level: Literal["none", "light", "moderate", "severe"]
    score: Probability


class QualityOut(BaseModel):
    """Whether it can be judged, what is wrong with it, and what to do better."""

    usable: bool
    problems: list[str]
    hint: str


class AdviceOut(BaseModel):
    """What happens next, by a rule of a version; never a refusal."""

    rule: str
    title: str
    steps: list[str]
    to_human: bool
    version: int


class ConditionDecisionOut(BaseModel):
    """What may be done with the condition without a person, and why not more."""

    condition: Action
    reason: str | None
    reasons: dict[str, ReasonOut]


class DiagnosisOut(BaseModel):
    """The answer to one case: one or more photos of one thing."""

    subject: Literal["phone", "parcel", "other"]
    condition: NamedOut
    alternatives: list[NamedOut]
    damages: list[DamageOut]
    severity: SeverityOut
    quality: QualityOut
    advice: AdviceOut
    decision: ConditionDecisionOut
    photos: list[dict[str, Any]]
    release: ReleaseOut


_PHOTO: Final = {"type": "string", "format": "binary"}
# FastAPI describes only the uploads that it parses itself.
FORM_SCHEMA: Final = {
    "type": "object",
    "required": ["photo"],
    "properties": {
        "photo": {
            "type": "array",
            "items": _PHOTO,
            "minItems": 1,
            "maxItems": MAX_PHOTOS,
            "description": "JPEG, PNG, WebP or HEIC, at most 20 MiB each. Files only: an address is never fetched.",
        },
        "text": {"type": "string", "maxLength": MAX_CHARS, "description": "The customer's words."},
        "language": {"type": "string", "description": "Of the answer; by default that of the text, or of the caller."},
        "mode": {
            "type": "string",
            "enum": ["off", "warn", "strict"],
            "default": "warn",
            "description": "What to do with a photo that cannot be judged: nothing, say so, or refuse it.",
        },
    },
}
