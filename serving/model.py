"""The releases that answer, loaded once a process."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from models.churn import ChurnModel, open_churn
from models.desk import Desk
from models.release import list_versions
from models.triage import TriageModel, open_triage
from serving.photos import Diagnoses

if TYPE_CHECKING:
    from models.diagnosis import DiagnosisModel

__all__ = ["open_desk", "open_photo_model", "the_churn_model", "the_desk", "the_model", "the_photo_model"]


@cache
def the_model() -> TriageModel:
    """Load the current release, once a process.

    Raises
    ------
    ReleaseError
    """
    return open_triage()


@cache
def the_churn_model() -> ChurnModel | None:
    """Load the current release of churn, once a process; None if none was ever made here.

    Raises
    ------
    ReleaseError
        If there is one and it is damaged: a server that then quietly told no risks would hide that.
    """
    return open_churn() if list_versions("churn") else None


def the_desk() -> Desk:
    """Give the releases that answer tickets together.

    Raises
    ------
    ReleaseError
    """
    return Desk(the_model(), the_churn_model())


def open_desk(version: str | None = None) -> Desk:
    """Load a release of triage, by default the current one, beside the current one of churn.

    Raises
    ------
    ReleaseError
    """
    return Desk(open_triage(version), the_churn_model())


@cache
def the_photo_model() -> Diagnoses | None:
    """Load the current release of the diagnosis, once a process; None if none was ever made here.

    Raises
    ------
    ReleaseError
        If there is one and it is damaged: a server that then quietly looked at no photos would hide that.
    """
    return open_photo_model() if list_versions("diagnosis") else None


def open_photo_model(version: str | None = None) -> DiagnosisModel:
    """Load a release of the diagnosis, by default the current one.

    Raises
    ------
    ReleaseError
    """
    from models.diagnosis import open_diagnosis  # ONNX Runtime takes a quarter of a second: not for tickets alone

    return open_diagnosis(version)
