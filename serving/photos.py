"""Photos become diagnoses, beside the tickets and never in their way: one thread of low priority, a bounded queue."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, TypeVar

from pydantic import ValidationError

from features.cases import Diagnosis, PhotoQuality
from features.errors import InputError
from features.photo import Photo, read_photo
from features.schema import ReleaseId
from features.text import detect_language
from serving.photo_contract import PhotoIn
from serving.problems import from_validation

__all__ = ["MAX_QUEUED", "Diagnoses", "PhotoDesk", "Question", "diagnose", "question"]

# Photos that wait, over all cases: at a quarter of a second each the last one is looked at after some six seconds.
MAX_QUEUED: Final = 24
# Far enough below the tickets' thread that the scheduler lets it wait, near enough that it never starves.
NICE: Final = 10

T = TypeVar("T")


class Diagnoses(Protocol):
    """A model that looks at the photos of one case."""

    release: ReleaseId

    def diagnose(self, photos: Sequence[Photo], text: str = "", language: str = "zh") -> Diagnosis:
        """Diagnose."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked beside the photos, checked."""

    text: str = ""
    language: str = "zh"
    mode: str = "warn"


def question(fields: dict[str, str], spoken: str) -> Question:
    """Check the fields of a form.

    Parameters
    ----------
    fields : dict of str to str
    spoken : {'zh', 'en'}
        The caller's language, for an answer to photos without words.

    Raises
    ------
    InputError
    """
    try:
        asked = PhotoIn.model_validate(fields)
    except ValidationError as error:
        raise from_validation(error) from None
    written = detect_language(asked.text)
    language = asked.language or (spoken if written == "und" else written)
    return Question(asked.text, "zh" if language == "mixed" else language, asked.mode or "warn")


def _named(number: int) -> str:
    return f"photo[{number}]"


def diagnose(
    model: Diagnoses, files: Iterable[bytes], asked: Question, named: Callable[[int], str] = _named
) -> tuple[Diagnosis, list[Photo]]:
    """Diagnose one case.

    Parameters
    ----------
    model : Diagnoses
    files : iterable of bytes
        Read one at a time; only what was decoded is held.
    asked : Question
    named : callable
        Gives a photo's number its name in errors.

    Returns
    -------
    tuple of Diagnosis and list of Photo

    Raises
    ------
    InputError
        Of the first photo that cannot be read or, in the mode ``strict``, not be judged.
    """
    photos = [read_photo(data, field=named(i)) for i, data in enumerate(files)]
    found = model.diagnose(photos, asked.text, asked.language)
    if asked.mode == "strict":
        _refuse_unusable(found, named)
    elif asked.mode == "off":
        found = _unjudged(found)
    return found, photos


def _unjudged(found: Diagnosis) -> Diagnosis:
    """Leave the quality of photos unsaid."""
    fine = PhotoQuality(usable=True)
    return replace(found, quality=fine, photos=tuple({**p, "quality": fine.as_dict()} for p in found.photos))


def _refuse_unusable(found: Diagnosis, named: Callable[[int], str]) -> None:
    for i, photo in enumerate(found.photos):
        quality: dict[str, Any] = photo.get("quality") or {"usable": True}
        if not quality["usable"]:
            raise InputError(named(i), "photo_quality", hint=quality.get("hint") or ", ".join(quality["problems"]))


def _step_back() -> None:
    """Lower the priority of this thread alone, which Linux can."""
    with suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


class PhotoDesk:
    """Takes cases, one after another.

    Parameters
    ----------
    model : Diagnoses or None
        None where no release is there: then there is no diagnosis, and everything else works.
    """

    def __init__(self, model: Diagnoses | None) -> None:
        self.model = model
        self.queued = 0
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="photos", initializer=_step_back)

    def ready(self) -> Diagnoses:
        """Give the model.

        Raises
        ------
        InputError
            ``no_model``.
        """
        if self.model is None:
            raise InputError("photo", "no_model")
        return self.model

    async def run(self, photos: int, work: Callable[[], T]) -> T:
        """Do work on some photos when its turn comes.

        Raises
        ------
        InputError
            ``busy`` if too many wait already, and whatever the work raises.
        """
        if self.queued and self.queued + photos > MAX_QUEUED:
            raise InputError("", "busy")
        self.queued += photos
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self.queued -= photos
