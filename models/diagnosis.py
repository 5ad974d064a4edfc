"""Photo diagnosis: the photos of a case become a condition, places, a severity and what may be done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from features.advice import advise
from features.cases import CONDITIONS, Damage, Diagnosis, PhotoQuality, Severity
from features.errors import ReleaseError
from features.photo import Photo
from features.photo_quality import PROBLEMS, Quality, assess
from features.schema import Action, Decision, Reason, ReleaseId, Scored
from models.decide import Threshold, act, reason
from models.photo_network import Look, PhotoNetwork
from models.places import HEAT, Floats, affected_share, boxes
from models.release import STORE, Release, load_release

__all__ = ["DiagnosisModel", "fuse", "open_diagnosis"]

ALTERNATIVES: Final = 2
AMBIGUOUS: Final = 0.15  # two conditions closer than this are named together
# Which maps show a condition's damage; the first is the one that its severity is measured by.
SHOWN: Final[dict[str, tuple[str, ...]]] = {
    "screen_broken": ("crack", "display_fault"),
    "display_fault": ("display_fault",),
    "body_damage": ("dent", "crack", "scratch"),
    "scratch": ("scratch",),
    "stain": ("stain",),
    "liquid_damage": ("water", "stain"),
    "parcel_damaged": ("parcel_damage",),
}
_UNHARMED: Final = ("intact", "parcel_intact", "nothing_to_diagnose")


def fuse(p: Floats, conditions: Sequence[str]) -> tuple[Floats, bool]:
    """Join what several photos of one case show.

    A photo that shows nothing to diagnose says nothing about the others. Of photos of one thing damage in one is
    damage of the thing, however whole its other sides look.

    Parameters
    ----------
    p : ndarray (photos, conditions)
    conditions : sequence of str

    Returns
    -------
    tuple of ndarray (conditions,) and bool
        And whether the photos contradict one another: a phone and a parcel, or two kinds of damage.
    """
    if len(p) == 1:
        return p[0], False
    keys = list(conditions)
    tops = [keys[i] for i in p.argmax(axis=1)]
    telling = [i for i, top in enumerate(tops) if top != "nothing_to_diagnose"]
    if not telling:
        return p.mean(axis=0), False
    kept = p[telling]
    hurt = [i for i in telling if tops[i] not in _UNHARMED]
    subjects = {CONDITIONS[tops[i]][0] for i in telling if tops[i] in CONDITIONS}
    apart = len(subjects) > 1 or len({tops[i] for i in hurt}) > 1
    if len(subjects) == 1 and hurt and len(hurt) < len(telling):  # other sides of a broken thing
        kept = p[hurt]
    out: Floats = kept.mean(axis=0)
    if apart and "nothing_to_diagnose" in keys:  # what each photo doubts must not become what all of them show
        out[keys.index("nothing_to_diagnose")] = 0
        out /= out.sum()
    return out, apart


class DiagnosisModel:
    """A release that looks at photos; loading verifies it, answering changes nothing.

    Parameters
    ----------
    release : Release

    Attributes
    ----------
    release : ReleaseId
    manifest : dict
        ``release.json``.
    """

    def __init__(self, release: Release) -> None:
        self.release: ReleaseId = release.id
        self.manifest: dict[str, Any] = release.manifest
        self._network = PhotoNetwork(release)
        self.conditions = self._network.conditions
        try:
            self._load(release.config)
        except (LookupError, TypeError, ValueError) as error:
            raise ReleaseError(f"not what a diagnosis release holds: {error!r}") from error

    def _load(self, config: Mapping[str, Any]) -> None:
        if unknown := set(self.conditions) - set(CONDITIONS):
            raise ReleaseError(f"taxonomy.json: conditions that are not known here: {', '.join(sorted(unknown))}")
        self._thresholds = {key: Threshold.of(config["thresholds"][key]) for key in self.conditions}
        self._rare = frozenset(config["rare"])
        if not self._rare <= set(self.conditions):  # a misspelt one would act alone
            raise ReleaseError("release.json: rare conditions that it does not have")
        self._floor = {kind: float(config["map_threshold"][kind]) for kind in HEAT}
        moderate, severe = config["severity"]
        self._levels = (float(moderate), float(severe))

    def diagnose(self, photos: Sequence[Photo], text: str = "", language: str = "zh") -> Diagnosis:
        """Diagnose one case.

        Parameters
        ----------
        photos : sequence of Photo
            One or more, of one thing.
        text : str
            The customer's words.
        language : str
            Of names, reasons and advice: Chinese for ``zh*``, English otherwise.
        """
        looks = [self._network.look(photo.pixels) for photo in photos]
        qualities = [assess(photo, look.device) for photo, look in zip(photos, looks, strict=True)]
        usable = [i for i, q in enumerate(qualities) if q.usable] or list(range(len(photos)))
        p, apart = fuse(np.stack([looks[i].p for i in usable]), self.conditions)
        order = np.argsort(-p, kind="stable")
        key = self.conditions[int(order[0])]
        quality = _joined(qualities, language)
        action, why = self._decide(p, order, quality, apart, language)
        severity = self._severity(key, [looks[i] for i in usable])
        advice = advise(key, severity.level, text, language, abstained=action == "abstain" or apart)
        if advice.to_human and action == "automate":
            action, why = "suggest", reason("person", language)
        return Diagnosis(
            subject=CONDITIONS[key][0],
            condition=_scored(key, p[order[0]], language),
            alternatives=tuple(_scored(self.conditions[i], p[i], language) for i in order[1 : 1 + ALTERNATIVES]),
            damages=self._damages(key, looks, usable),
            severity=severity,
            quality=quality,
            advice=advice,
            decision=Decision({"condition": action}, {"condition": why} if why else {}),
            photos=tuple(self._of_photo(*parts, language) for parts in zip(photos, looks, qualities, strict=True)),
            release=self.release,
        )

    def _of_photo(self, photo: Photo, look: Look, quality: Quality, language: str) -> dict[str, Any]:
        best = int(look.p.argmax())
        return {
            "condition": _scored(self.conditions[best], look.p[best], language).as_dict(),
            "quality": quality.as_dict(language),
            "width": photo.width,
            "height": photo.height,
        }

    def _decide(
        self, p: Floats, order: Any, quality: PhotoQuality, apart: bool, language: str
    ) -> tuple[Action, Reason | None]:
        """Tell what may be done with the condition, and why not more."""
        first, second = float(p[order[0]]), float(p[order[1]])
        key = self.conditions[int(order[0])]
        if not quality.usable:
            return "abstain", reason("photo_quality", language)
        if apart:
            return "abstain", reason("photos_disagree", language)
        action = act(first, self._thresholds[key])
        if action == "abstain":
            if first - second < AMBIGUOUS:
                names = [_name(self.conditions[int(i)], language) for i in order[:2]]
                return "abstain", reason("ambiguous", language, a=names[0], b=names[1])
            return "abstain", reason("low_confidence", language, p=first)
        if key in self._rare:
            return "suggest", reason("rare_condition", language)
        return action, None if action == "automate" else reason("below_automation", language, p=first)

    def _severity(self, key: str, looks: Sequence[Look]) -> Severity:
        """Measure the worst photo; a damage that is named is at least light."""
        if key not in SHOWN:
            return Severity("none", 0.0)
        kind = SHOWN[key][0]
        floor = self._floor[kind]
        score = max(affected_share(look.map(kind), _grounds(look, kind), floor) for look in looks)
        level = ("light", "moderate", "severe")[sum(score >= edge for edge in self._levels)]
        return Severity(level, round(score, 4))

    def _damages(self, key: str, looks: Sequence[Look], usable: Sequence[int]) -> tuple[Damage, ...]:
        """Give the places of what was found; nothing is outlined on what is called whole."""
        found = [
            Damage(kind, round(sure, 4), looks[i].frame.shares(place), i)
            for kind in SHOWN.get(key, ())
            for i in usable
            for place, sure in boxes(looks[i].map(kind), self._floor[kind])
        ]
        return tuple(sorted(found, key=lambda d: -d.probability))


def _joined(qualities: Sequence[Quality], language: str) -> PhotoQuality:
    """Say of the case what is wrong with its photos; it can be judged if one of them can."""
    problems = tuple(k for k in PROBLEMS if any(k in q.problems for q in qualities))
    usable = any(q.usable for q in qualities)
    return PhotoQuality(usable, problems, Quality(usable, problems).hint(language))


def _grounds(look: Look, kind: str) -> tuple[Floats, ...]:
    """Give what damage is a share of: the screen, a body's or the photo where that is not seen."""
    photo = look.frame.inside(np.ones_like(look.heat[:1]))[0]
    return (*((look.map("screen"),) if kind != "dent" else ()), look.map("device"), photo)


def _name(key: str, language: str) -> str:
    return CONDITIONS[key][1 if language.startswith("zh") else 2]


def _scored(key: str, p: Any, language: str) -> Scored:
    return Scored(key, _name(key, language), round(float(p), 4))


def open_diagnosis(version: str | None = None) -> DiagnosisModel:
    """Load a release of the diagnosis, by default the current one.

    Raises
    ------
    ReleaseError
    """
    return DiagnosisModel(load_release("diagnosis", version, STORE))
