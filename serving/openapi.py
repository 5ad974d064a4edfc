"""The OpenAPI description at ``/docs.json``, from the same types that check requests and answers.

BentoML's own declares bodies of errors that it does not send, writes 3.1 schemas under a 3.0 heading, and names
BentoML's authors as the contact.
"""

from __future__ import annotations

import inspect
from typing import Any, Final

from bentoml import Service
from fastapi import FastAPI

from serving.contract import ProblemOut

__all__ = ["describe"]

_REF: Final = "#/components/schemas/{model}"
_ERRORS: Final = {
    "400": "The request cannot be read; the error names the field and the rule.",
    "401": "The API key is missing or wrong.",
    "413": "The body is too large.",
    "415": "The body is not declared as the type that this route takes.",
    "503": "Busy, try again after the seconds in Retry-After; or (rule no_model) nothing can answer this yet.",
}
_PLAIN: Final = {
    "/livez": "200 while the process runs.",
    "/readyz": "200 when tickets are answered.",
    "/metrics": "For Prometheus.",
}


def _content(schema: dict[str, Any], description: str, media_type: str = "application/json") -> dict[str, Any]:
    return {"description": description, "content": {media_type: {"schema": schema}}}


def _errors(statuses: tuple[str, ...]) -> dict[str, Any]:
    return {s: _content({"$ref": _REF.format(model="ProblemOut")}, _ERRORS[s]) for s in statuses}


def _hoisted(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """Move the definitions a schema brings to where all share them."""
    schemas.update(schema.pop("$defs", {}))
    return schema


def _api(api: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    request = _hoisted(api.input_spec.model_json_schema(ref_template=_REF), schemas)
    answer = _hoisted(api.output_spec.model_json_schema(ref_template=_REF, mode="serialization"), schemas)
    summary, _, rest = inspect.cleandoc(api.doc or "").partition("\n\n")
    return {
        "operationId": api.name,
        "summary": summary,
        "description": rest.partition("\n\nParameters")[0],
        "requestBody": {"required": True, **_content(request, "")},
        "responses": {"200": _content(answer, "The answer."), **_errors(tuple(_ERRORS))},
    }


def _page(operation: dict[str, Any]) -> dict[str, Any]:
    """Describe a route of the mounted application; FastAPI's own error answers never leave us."""
    responses = {status: answer for status, answer in operation["responses"].items() if status != "422"}
    statuses = tuple(_ERRORS) if "requestBody" in operation else ("401", "503")
    return {**operation, "responses": {**responses, **_errors(statuses)}}


def describe(service: Service[Any], app: FastAPI, version: str) -> dict[str, Any]:
    """Describe every route of a service.

    Parameters
    ----------
    service : bentoml.Service
    app : FastAPI
        Mounted at ``/``.
    version : str
        Of the model that answers.

    Returns
    -------
    dict
        OpenAPI 3.1.
    """
    mounted = app.openapi()
    schemas = dict(mounted.get("components", {}).get("schemas", {}))
    schemas |= {"ProblemOut": _hoisted(ProblemOut.model_json_schema(ref_template=_REF), schemas)}
    plain = {"200": _content({"type": "string"}, "As said.", "text/plain")}
    paths = {
        **{api.route: {"post": _api(api, schemas)} for api in service.apis.values()},
        **{p: {verb: _page(op) for verb, op in item.items()} for p, item in mounted["paths"].items()},
        **{p: {"get": {"operationId": p[1:], "summary": said, "responses": plain}} for p, said in _PLAIN.items()},
    }
    header = {"type": "apiKey", "in": "header", "name": "X-API-Key"}
    return {
        "openapi": "3.1.0",
        "info": {"title": app.title, "description": app.description, "version": version},
        "servers": [{"url": "."}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}, "header": header},
        },
        "security": [{}, {"bearer": []}, {"header": []}],
    }
