"""``python -m serving demo`` is the first thing that anybody sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from features.entities import mask
from serving.demo import TICKETS, id_number
from serving.demo_photos import PHOTOS


def test_demo(run_cli: Callable[..., Any]) -> None:
    done = run_cli("demo")
    assert done.returncode == 0, done.stderr
    assert "s from start to first answer" in done.stdout
    assert "curl" in done.stdout
    assert all(photo.name in done.stdout for photo in PHOTOS)
    assert id_number("11010119900307001") not in done.stdout
    assert "demo-customer" in done.stdout
    assert "流失几率 ×" in done.stdout


def test_the_identity_number_is_well_formed() -> None:
    assert mask(f"身份证号 {id_number('11010119900307001')}") == "身份证号 [id_card]"
    assert any(id_number("11010119900307001") in text for text in TICKETS)
    assert len(TICKETS) == 12
