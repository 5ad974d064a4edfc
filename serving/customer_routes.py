"""The routes of the customer's page; see `serving.customer` for what stands on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qs

from anyio import to_thread
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from features.cases import Diagnosis
from features.errors import InputError
from features.photo import Photo
from features.text import MAX_CHARS, repair
from serving.customer import CSP, STATIC, result_page, said_page, start_page, static_files
from serving.feedback import Feedback
from serving.photo_routes import answer_upload, photo_desk
from serving.preview import data_url
from serving.problems import spoken, status_of
from serving.uploads import read_upload

__all__ = ["add_customer_routes", "form_fields"]

_HEADERS: Final = {
    "content-security-policy": CSP,
    "vary": "accept-language",
    # The page of a case holds its photos: no cache keeps them, and no other site learns where a visitor came from.
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_FOR_EVER: Final = {"cache-control": "public, max-age=31536000, immutable", "x-content-type-options": "nosniff"}


def form_fields(body: bytes) -> dict[str, str]:
    """Read an ordinary form; a broken one is empty."""
    try:
        form = parse_qs(body.decode("utf-8", "replace"), max_num_fields=20)
    except ValueError:  # more fields than any form of ours has
        return {}
    return {name: repair(values[0].replace("\r\n", "\n")) for name, values in form.items()}


def _language(request: Request, chosen: str = "") -> str:
    chosen = chosen or request.query_params.get("lang", "")
    return chosen if chosen in ("zh", "en") else spoken(request.headers.get("accept-language", ""))


def _page(page: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(page, status, _HEADERS)


def start(request: Request) -> HTMLResponse:
    """Show the page on which photos are taken."""
    return _page(start_page(_language(request), is_open=photo_desk().model is not None))


def back() -> Response:
    """Lead whoever reloads a result to the start: nothing of it was kept."""
    return RedirectResponse("/", 303)


async def show(request: Request) -> HTMLResponse:
    """Answer the form with photos."""
    desk = photo_desk()
    language, text = _language(request), ""
    try:
        upload = await read_upload(request.scope, request.receive)
        try:
            language = _language(request, upload.fields.get("language", ""))
            text = upload.fields.get("text", "")[:MAX_CHARS]
            upload.fields["language"] = language  # the page speaks one language, whatever the words were written in
            page = await answer_upload(desk, upload, language, lambda f, photos: _result(f, photos, text, language))
        finally:
            upload.close()
    except InputError as error:
        problem = start_page(language, is_open=desk.model is not None, text=text, problem=error)
        return _page(problem, status_of(error))
    return _page(page)


def _result(found: Diagnosis, photos: list[Photo], text: str, language: str) -> str:
    sizes = [(photo.pixels.shape[1], photo.pixels.shape[0]) for photo in photos]
    return result_page(found, [data_url(photo) for photo in photos], sizes, text, language)


async def _said(request: Request, kind: str) -> HTMLResponse:
    said = form_fields(await request.body())
    language = _language(request, said.get("language", ""))
    try:
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise InputError("Origin", "invalid", expected="this page")  # another site made its visitor send this
        case = await to_thread.run_sync(Feedback().record, kind, said)
    except InputError as error:
        return _page(start_page(language, is_open=photo_desk().model is not None, problem=error), status_of(error))
    return _page(said_page(language, kind, case, said))


async def send_to_human(request: Request) -> HTMLResponse:
    """Record that a person is wanted."""
    return await _said(request, "human")


async def say_wrong(request: Request) -> HTMLResponse:
    """Record that an answer is wrong."""
    return await _said(request, "wrong")


def _file(name: str) -> Callable[[], Response]:
    def serve() -> Response:
        return Response(static_files()[name], 200, _FOR_EVER, STATIC[name])

    return serve


def add_customer_routes(app: FastAPI) -> None:
    """Add the routes of the page, which are for people and stand in no description."""
    routes: list[tuple[str, str, Callable[..., Any]]] = [
        ("GET", "/", start),
        ("POST", "/photo", show),
        ("POST", "/photo/human", send_to_human),
        ("POST", "/photo/wrong", say_wrong),
        *(("GET", path, back) for path in ("/photo", "/photo/human", "/photo/wrong")),
        *(("GET", f"/static/{name}", _file(name)) for name in STATIC),
    ]
    for verb, path, answer in routes:
        app.add_api_route(path, answer, methods=[verb], include_in_schema=False)
