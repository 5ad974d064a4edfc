"""The least that can answer /triage over HTTP: uvicorn, Starlette, pydantic, the same model. No limits, no metrics.

python -m tests.bench.raw_twin PORT
"""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

sys.path.insert(0, str(Path(__file__).parents[2]))

from models.triage import open_triage
from serving.contract import TicketIn, TriageOut, to_ticket


class Body(BaseModel):
    ticket: TicketIn


MODEL = open_triage()


async def triage(request: Request) -> Response:
    body = Body.model_validate_json(await request.body())
    [answer] = MODEL.answer([to_ticket(body.ticket)])
    return Response(TriageOut.model_validate(answer.as_dict()).model_dump_json(), media_type="application/json")


app = Starlette(routes=[Route("/triage", triage, methods=["POST"])])

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_config=None, access_log=False)
