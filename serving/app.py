"""The FastAPI application that is mounted beside BentoML's routes: pages, releases, the OpenAPI description."""

from __future__ import annotations

from typing import Any, Final, Protocol, cast
from urllib.parse import parse_qs

import bentoml
from anyio import to_thread
from bentoml import Service
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import ValidationError

from features.schema import ReleaseId
from features.text import repair
from serving.contract import ReleasesOut, TicketIn, TriageOut
from serving.openapi import describe
from serving.pages import CSP, start_page
from serving.problems import from_validation, spoken
from serving.releases import list_releases

__all__ = ["app"]


class Answering(Protocol):
    """What the application needs of the service it is mounted on."""

    release: ReleaseId
    bento_service: Service[Any]

    def triage(self, ticket: TicketIn) -> TriageOut:
        """Answer one ticket."""


# No pages that load scripts from elsewhere, and no redirects to other spellings of a path.
app: Final = FastAPI(
    title="Aftersight",
    description="Triage of after-sales tickets: category, tags, urgency, and whether a person is needed.",
    docs_url=None,
    redoc_url=None,
    openapi_url=None,
    redirect_slashes=False,
)


def _service() -> Answering:
    return cast("Answering", bentoml.get_current_service())


def _page(request: Request, **said: Any) -> HTMLResponse:
    language = spoken(request.headers.get("accept-language", ""))
    release = _service().release
    page = start_page(language, f"{release.name}/{release.version}", **said)
    status = 400 if said.get("problem") else 200
    return HTMLResponse(page, status, {"content-security-policy": CSP, "vary": "accept-language"})


@app.get("/", response_class=HTMLResponse, include_in_schema=False)
def start(request: Request) -> HTMLResponse:
    """Show the start page."""
    return _page(request)


def _text_field(body: bytes) -> str:
    try:
        form = parse_qs(body.decode("utf-8", "replace"), max_num_fields=20)
    except ValueError:  # more fields than any form of ours has
        return ""
    return repair(form.get("text", [""])[0].replace("\r\n", "\n"))


@app.post("/try", response_class=HTMLResponse, include_in_schema=False)
async def try_ticket(request: Request) -> HTMLResponse:
    """Answer the start page's form; the body's size was checked before."""
    text = _text_field(await request.body())
    language = spoken(request.headers.get("accept-language", ""))
    try:
        ticket = TicketIn(text=text, language=language)
    except ValidationError as error:
        return _page(request, text=text, problem=from_validation(error).message(language))
    answer = await to_thread.run_sync(_service().triage, ticket)
    return _page(request, text=text, answer=answer.model_dump())


@app.get("/releases")
def releases() -> ReleasesOut:
    """List every release in the store, and which one answers."""
    return list_releases(_service().release.digest)


@app.get("/docs.json", include_in_schema=False)
def docs() -> JSONResponse:
    """Describe every route, as OpenAPI."""
    service = _service()
    return JSONResponse(describe(service.bento_service, app, service.release.version))
