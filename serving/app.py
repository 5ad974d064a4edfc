"""The FastAPI application that is mounted beside BentoML's routes: photos, pages, releases, the description."""

from __future__ import annotations

from typing import Any, Final, Protocol, cast

import bentoml
from anyio import to_thread
from bentoml import Service
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import ValidationError
from starlette.requests import ClientDisconnect

from features.errors import InputError
from features.schema import ReleaseId
from serving.contract import ReleasesOut, TicketIn, TriageOut
from serving.customer_routes import add_customer_routes, form_fields
from serving.openapi import describe
from serving.pages import CSP, start_page
from serving.photo_routes import add_photo_routes
from serving.problems import Refused, from_validation, spoken
from serving.releases import list_releases

__all__ = ["UPLOAD_PATHS", "app"]

# The routes that take photos.
UPLOAD_PATHS: Final = frozenset({"/diagnose", "/photo"})


class Answering(Protocol):
    """What the application needs of the service it is mounted on."""

    release: ReleaseId
    releases: tuple[ReleaseId, ...]
    bento_service: Service[Any]

    def triage(self, ticket: TicketIn) -> TriageOut:
        """Answer one ticket."""


# No pages that load scripts from elsewhere, and no redirects to other spellings of a path.
app: Final = FastAPI(
    title="Aftersight",
    description="Triage of after-sales tickets, diagnosis of photos, customers' risk of leaving: what it is, what "
    "comes first, and whether a person is needed.",
    docs_url=None,
    redoc_url=None,
    openapi_url=None,
    redirect_slashes=False,
)
add_photo_routes(app)
add_customer_routes(app)


@app.exception_handler(InputError)
async def refuse(_request: Request, error: InputError) -> Any:
    """Answer a bad request."""
    return Refused(error)


@app.exception_handler(ClientDisconnect)
async def forget(_request: Request, _error: ClientDisconnect) -> Response:
    """End a request whose caller is gone; nobody reads this."""
    return Response(status_code=400)


def _service() -> Answering:
    return cast("Answering", bentoml.get_current_service())


def _page(request: Request, **said: Any) -> HTMLResponse:
    language = spoken(request.headers.get("accept-language", ""))
    release = _service().release
    page = start_page(language, f"{release.name}/{release.version}", **said)
    status = 400 if said.get("problem") else 200
    return HTMLResponse(page, status, {"content-security-policy": CSP, "vary": "accept-language"})


@app.get("/desk", response_class=HTMLResponse, include_in_schema=False)
def start(request: Request) -> HTMLResponse:
    """Show the page on which a colleague tries a ticket."""
    return _page(request)


@app.post("/try", response_class=HTMLResponse, include_in_schema=False)
async def try_ticket(request: Request) -> HTMLResponse:
    """Answer the form of that page; the body's size was checked before."""
    text = form_fields(await request.body()).get("text", "")
    language = spoken(request.headers.get("accept-language", ""))
    try:
        ticket = TicketIn(text=text, language=language)
    except ValidationError as error:
        return _page(request, text=text, problem=from_validation(error).message(language))
    answer = await to_thread.run_sync(_service().triage, ticket)
    return _page(request, text=text, answer=answer.model_dump())


@app.get("/releases")
def releases() -> ReleasesOut:
    """List every release in the store, and which ones answer."""
    return list_releases({release.digest for release in _service().releases})


@app.get("/docs.json", include_in_schema=False)
def docs() -> JSONResponse:
    """Describe every route, as OpenAPI."""
    service = _service()
    return JSONResponse(describe(service.bento_service, app, service.release.version))
