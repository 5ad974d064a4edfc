"""What ``/docs.json`` promises is what the server does: checked with inputs that nobody thought of."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode

ROUTES = [
    ("POST", "/triage"),
    ("POST", "/triage_batch"),
    ("POST", "/diagnose"),
    ("GET", "/releases"),
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
]


@pytest.fixture(scope="session")
def described(server: str) -> Any:
    return schemathesis.openapi.from_url(f"{server}/docs.json")


@pytest.mark.parametrize(("verb", "path"), ROUTES)
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_route_keeps_its_promise(described: Any, verb: str, path: str, mode: GenerationMode) -> None:
    operation = described[path][verb]
    if mode is GenerationMode.NEGATIVE and verb == "GET":
        return  # there is nothing in these requests that could be wrong

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def check(case: Any) -> None:
        case.call_and_validate()

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
