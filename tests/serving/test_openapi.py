"""What ``/docs.json`` promises is what the server does: checked with inputs that nobody thought of."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

ROUTES = [
    ("POST", "/triage"),
    ("POST", "/triage_batch"),
    ("POST", "/churn"),
    ("POST", "/diagnose"),
    ("GET", "/releases"),
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
]


@pytest.fixture(scope="session")
def described(server: str) -> Any:
    return schemathesis.openapi.from_url(f"{server}/docs.json")


def beyond_a_schema(path: str, answer: Any) -> list[Any]:
    """Checks that cannot hold for a form of files: what it must refuse is in tests/hostile/test_uploads.py.

    No schema says which bytes are a photo; and in a form a number is its digits and an empty list is nothing, so that
    what was made to be wrong comes to be right on the way.
    """
    if path != "/diagnose":
        return []
    refused = answer.status_code == 400 and answer.json()["error"]["field"].startswith("photo[")
    return [negative_data_rejection, *([positive_data_acceptance] if refused else [])]


@pytest.mark.parametrize(("verb", "path"), ROUTES)
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_route_keeps_its_promise(described: Any, verb: str, path: str, mode: GenerationMode) -> None:
    operation = described[path][verb]
    if mode is GenerationMode.NEGATIVE and verb == "GET":
        return  # there is nothing in these requests that could be wrong

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def check(case: Any) -> None:
        answer = case.call()
        case.validate_response(answer, excluded_checks=beyond_a_schema(path, answer))

    check()


def test_every_public_route_is_described(http: httpx.Client) -> None:
    described = http.get("/docs.json").json()
    found = {(verb.upper(), path) for path, item in described["paths"].items() for verb in item}
    assert found == set(ROUTES)


def test_every_reference_leads_somewhere(http: httpx.Client) -> None:
    described = http.get("/docs.json").json()

    def references(node: Any) -> list[str]:
        if isinstance(node, list):
            return [found for item in node for found in references(item)]
        if not isinstance(node, dict):
            return []
        return [v for k, v in node.items() if k == "$ref"] + [f for v in node.values() for f in references(v)]

    found = references(described)
    assert found
    assert {ref.rpartition("/")[2] for ref in found} <= set(described["components"]["schemas"])
