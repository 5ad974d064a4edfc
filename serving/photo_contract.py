"""The public contract of photos: what a request for a diagnosis may hold, and what the answer looks like."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field, StringConstraints

from features.schema import Action
from serving.contract import NamedOut, ReasonOut, ReleaseOut
from serving.contract_parts import LANGUAGE_SAID, LANGUAGE_TAG, Probability, Text

__all__ = [
    "FORM_SCHEMA",
    "MAX_PHOTOS",
    "MAX_UPLOAD_BYTES",
    "DiagnosisOut",
    "PhotoIn",
]

# Front, back, four edges. A case of more is several things, and each deserves its own answer.
MAX_PHOTOS: Final = 6
# Six photos of an ordinary phone (3 to 8 MiB each), or two of the largest that are read.
MAX_UPLOAD_BYTES: Final = 48 * 2**20


class PhotoIn(BaseModel):
    """What may stand beside the photos; browsers send a field that was left alone as an empty one."""

    text: Text = ""
    language: Annotated[str, StringConstraints(pattern=f"^({LANGUAGE_TAG})?$"), Field(description=LANGUAGE_SAID)] = ""
    mode: Annotated[
        Literal["", "off", "warn", "strict"],
        Field(description="What to do with a photo that cannot be judged: keep quiet, say so (the default), refuse."),
    ] = ""


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


def _form() -> dict[str, Any]:
    """Describe the form by the types that check it; FastAPI describes only the uploads that it parses itself."""
    photo = {
        "type": "array",
        "items": {"type": "string", "format": "binary"},
        "minItems": 1,
        "maxItems": MAX_PHOTOS,
        "description": "JPEG, PNG, WebP or HEIC, at most 20 MiB each. Files only: an address is never fetched.",
    }
    fields: dict[str, Any] = PhotoIn.model_json_schema()["properties"]
    return {"type": "object", "required": ["photo"], "properties": {"photo": photo, **fields}}


FORM_SCHEMA: Final = _form()
