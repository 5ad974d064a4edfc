"""The values of photo diagnosis: what a case of photos is answered with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from features.schema import Decision, ReleaseId, Scored

__all__ = ["CONDITIONS", "DAMAGES", "SUBJECTS", "Advice", "Damage", "Diagnosis", "PhotoQuality", "Severity"]

# Key -> Chinese name, English name.
SUBJECTS: Final = {"phone": ("手机", "phone"), "parcel": ("包裹", "parcel"), "other": ("其他", "other")}
# Key -> subject, Chinese name, English name.
CONDITIONS: Final = {
    "intact": ("phone", "完好", "Intact"),
    "screen_broken": ("phone", "屏幕碎裂", "Broken screen"),
    "display_fault": ("phone", "显示异常", "Display fault"),
    "body_damage": ("phone", "机身损伤", "Body damage"),
    "scratch": ("phone", "划痕", "Scratch"),
    "stain": ("phone", "污渍", "Stain"),
    "liquid_damage": ("phone", "进水", "Liquid damage"),
    "parcel_intact": ("parcel", "包裹完好", "Parcel intact"),
    "parcel_damaged": ("parcel", "包裹破损", "Parcel damaged"),
    "nothing_to_diagnose": ("other", "没有可诊断的物品", "Nothing to diagnose"),
}
DAMAGES: Final = {
    "crack": ("裂纹", "Crack"),
    "display_fault": ("显示异常", "Display fault"),
    "scratch": ("划痕", "Scratch"),
    "dent": ("凹陷", "Dent"),
    "stain": ("污渍", "Stain"),
    "water": ("水渍", "Water"),
    "parcel_damage": ("破损", "Parcel damage"),
}


@dataclass(frozen=True, slots=True)
class Damage:
    """A damage and its place.

    Attributes
    ----------
    key : str
        Of `DAMAGES`.
    probability : float
    box : tuple of float
        ``(x0, y0, x1, y1)`` from 0 to 1 on the upright photo.
    photo : int
        Which photo of the case, from 0.
    """

    key: str
    probability: float
    box: tuple[float, float, float, float]
    photo: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Give the public form."""
        return {"key": self.key, "probability": self.probability, "box": list(self.box), "photo": self.photo}


@dataclass(frozen=True, slots=True)
class Severity:
    """How bad: ``none``, ``light``, ``moderate`` or ``severe``; the score is the affected share of the screen."""

    level: str
    score: float

    def as_dict(self) -> dict[str, Any]:
        """Give the public form."""
        return {"level": self.level, "score": self.score}


@dataclass(frozen=True, slots=True)
class PhotoQuality:
    """Whether a photo can be judged, what is wrong with it, and what to do better, in the customer's language."""

    usable: bool
    problems: tuple[str, ...] = ()
    hint: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Give the public form."""
        return {"usable": self.usable, "problems": list(self.problems), "hint": self.hint}


@dataclass(frozen=True, slots=True)
class Advice:
    """What happens next: a rule of the advice file, its sentences, and whether a person must look."""

    rule: str
    title: str
    steps: tuple[str, ...]
    to_human: bool
    version: int

    def as_dict(self) -> dict[str, Any]:
        """Give the public form."""
        return {
            "rule": self.rule,
            "title": self.title,
            "steps": list(self.steps),
            "to_human": self.to_human,
            "version": self.version,
        }


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The answer to one case: one or more photos of one thing, and perhaps the customer's words.

    Attributes
    ----------
    subject : str
        Of `SUBJECTS`.
    condition : Scored
        Of `CONDITIONS`.
    alternatives : tuple of Scored
    damages : tuple of Damage
        Likeliest first.
    severity : Severity
    quality : PhotoQuality
        Of the case: usable if one photo is.
    advice : Advice
    decision : Decision
        Of the field ``condition``.
    photos : tuple of dict
        Of every photo: its own condition, quality and size, so that a disagreement can be seen.
    release : ReleaseId
    """

    subject: str
    condition: Scored
    alternatives: tuple[Scored, ...]
    damages: tuple[Damage, ...]
    severity: Severity
    quality: PhotoQuality
    advice: Advice
    decision: Decision
    photos: tuple[dict[str, Any], ...]
    release: ReleaseId

    def as_dict(self) -> dict[str, Any]:
        """Give the public form, made of JSON types only."""
        return {
            "subject": self.subject,
            "condition": self.condition.as_dict(),
            "alternatives": [a.as_dict() for a in self.alternatives],
            "damages": [d.as_dict() for d in self.damages],
            "severity": self.severity.as_dict(),
            "quality": self.quality.as_dict(),
            "advice": self.advice.as_dict(),
            "decision": self.decision.as_dict(),
            "photos": list(self.photos),
            "release": self.release.as_dict(),
        }
