"""The service: BentoML's routes for programs, a FastAPI application beside them for people, limits in front of both.

Start it with ``python -m serving up`` (fastest) or ``bentoml serve serving.service:Aftersight``.
"""

from __future__ import annotations

import gc
from typing import Any, Final

import bentoml
from pydantic import TypeAdapter
from starlette.applications import Starlette

from serving.answers import answer_each
from serving.app import UPLOAD_PATHS, app
from serving.churn import churn_each
from serving.contract import (
    ChurnEntryOut,
    Customers,
    RefusedCustomerOut,
    RefusedOut,
    TicketIn,
    Tickets,
    TriageOut,
    to_ticket,
)
from serving.front import KnownPaths, Problems, literal_paths, quieten
from serving.limits import Limits, read_keys
from serving.model import the_desk, the_photo_model
from serving.photos import PhotoDesk
from serving.problems import spoken

__all__ = ["Aftersight", "FrontedService"]

_ENTRIES: Final = TypeAdapter(list[TriageOut | RefusedOut])
_CUSTOMERS: Final = TypeAdapter(list[ChurnEntryOut | RefusedCustomerOut])


class FrontedService(bentoml.Service[Any]):
    """A service with something in front: BentoML puts a service's own middlewares behind its instruments."""

    def to_asgi(self, is_main: bool = True) -> Starlette:
        """Build the application."""
        json_paths = frozenset(api.route for api in self.apis.values())
        self.middlewares[:] = [(Limits, {"json_paths": json_paths, "upload_paths": UPLOAD_PATHS})]
        built: Starlette = super().to_asgi(is_main)
        paths = frozenset(literal_paths(built.routes))
        built.add_middleware(KnownPaths, paths=paths)
        built.add_middleware(Problems)
        quieten()
        return built


# One process and one thread compute: numpy and ONNX Runtime use the cores, and answers do not wait for one another's
# caches. The access log is off: it costs more than the answer, and the metrics tell the same.
@bentoml.service(
    name="aftersight",
    service_class=FrontedService,
    workers=1,
    threads=1,
    # Without a host on its command line BentoML would listen to everybody.
    http={"host": "127.0.0.1", "port": 3000},
    logging={"access": {"enabled": False}},
)
@bentoml.asgi_app(app, path="/")
class Aftersight:
    """Triage of after-sales tickets, and their customers' risk of leaving."""

    def __init__(self) -> None:
        self.model = the_desk()
        self.release = self.model.release
        photo_model = the_photo_model()
        self.photos = PhotoDesk(photo_model)
        answering = (self.model.triage, self.model.triage.satisfaction, self.model.churn, photo_model)
        self.releases = tuple(m.release for m in answering if m)
        # What is loaded stays: the collector need not look at it again in the middle of a request.
        gc.collect()
        gc.freeze()

    @bentoml.on_deployment
    @staticmethod
    def check() -> None:
        """Look before BentoML starts workers: one that fails to start would be started again for ever."""
        read_keys()
        the_desk()
        the_photo_model()

    @bentoml.api
    def triage(self, ticket: TicketIn) -> TriageOut:
        """Answer one ticket: category, tags, urgency, what it names, and what may be done without a person."""
        [answer] = self.model.answer([to_ticket(ticket)])
        return TriageOut.model_validate(answer.as_dict())

    @bentoml.api
    def triage_batch(self, tickets: Tickets, ctx: bentoml.Context) -> list[TriageOut | RefusedOut]:
        """Answer up to 500 tickets, in order; a bad ticket costs only its own entry."""
        language = spoken(ctx.request.headers.get("accept-language", ""))
        places = [f"tickets[{i}]" for i in range(len(tickets))]
        return _ENTRIES.validate_python(answer_each(self.model, tickets, places, language))

    @bentoml.api
    def churn(self, customers: Customers, ctx: bentoml.Context) -> list[ChurnEntryOut | RefusedCustomerOut]:
        """Tell how likely up to 5,000 customers are to leave, and why, in order; a bad one costs only its own entry."""
        language = spoken(ctx.request.headers.get("accept-language", ""))
        return _CUSTOMERS.validate_python(churn_each(self.model.churn, customers, language))
