"""``POST /diagnose``: photos in, a diagnosis out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol, TypeVar, cast

import bentoml
from fastapi import FastAPI, Request

from features.cases import Diagnosis
from features.photo import Photo
from serving.photo_contract import FORM_SCHEMA, DiagnosisOut
from serving.photos import PhotoDesk, diagnose, question
from serving.problems import spoken
from serving.uploads import Upload, read_upload

__all__ = ["add_photo_routes", "answer_upload", "photo_desk"]

T = TypeVar("T")
_FORM: Final = {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": FORM_SCHEMA}}}}


class Looking(Protocol):
    """What is needed of the service."""

    photos: PhotoDesk


def photo_desk() -> PhotoDesk:
    """Give the desk of the service that the application is mounted on."""
    return cast("Looking", bentoml.get_current_service()).photos


async def answer_upload(
    desk: PhotoDesk, upload: Upload, language: str, then: Callable[[Diagnosis, list[Photo]], T]
) -> T:
    """Diagnose what was uploaded when its turn comes, and make the answer of it while there.

    Raises
    ------
    InputError
    """
    model, asked = desk.ready(), question(upload.fields, language)
    return await desk.run(len(upload), lambda: then(*diagnose(model, upload.photos(), asked)))


def _public(found: Diagnosis, _photos: list[Photo]) -> DiagnosisOut:
    return DiagnosisOut.model_validate(found.as_dict())


async def diagnose_photos(request: Request) -> DiagnosisOut:
    """Diagnose one to six photos of one thing, perhaps with the customer's words.

    Boxes are from 0 to 1 on the upright photo. Of everything sent nothing is kept.
    """
    desk = photo_desk()
    upload = await read_upload(request.scope, request.receive)
    try:
        language = spoken(request.headers.get("accept-language", ""))
        return await answer_upload(desk, upload, language, _public)
    finally:
        upload.close()


def add_photo_routes(app: FastAPI) -> None:
    """Add the routes; a router of its own would hide its paths from `serving.front.literal_paths`."""
    app.add_api_route("/diagnose", diagnose_photos, methods=["POST"], openapi_extra=_FORM)
