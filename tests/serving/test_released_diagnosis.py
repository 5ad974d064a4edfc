"""The diagnosis that is released, over HTTP and from the shell, on photos that anybody may have: rendered ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.release import STORE, current_version
from serving.demo_photos import PHOTOS
from serving.photo_contract import DiagnosisOut
from tests.photo_stub import DARK, GREY

BY_NAME = {photo.stem: photo.read_bytes() for photo in PHOTOS}
MOST_BYTES = 15_000_000


def ask(http: httpx.Client, *photos: bytes, text: str = "", language: str = "en") -> Any:
    files = [("photo", ("p.jpg", photo, "image/jpeg")) for photo in photos]
    answer = http.post("/diagnose", files=files, data={"text": text}, headers={"Accept-Language": language})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert DiagnosisOut.model_validate(told).model_dump() == told
    return told


def test_a_broken_screen_is_seen_and_outlined(http: httpx.Client) -> None:
    told = ask(http, BY_NAME["screen_broken"])
    assert told["condition"]["key"] == "screen_broken"
    assert told["damages"][0]["key"] == "crack"
    assert told["severity"]["level"] != "none"
    assert told["release"]["version"] == current_version("diagnosis")


def test_a_whole_phone_has_no_damage(http: httpx.Client) -> None:
    told = ask(http, BY_NAME["intact"])
    assert (told["condition"]["key"], told["damages"], told["severity"]["level"]) == ("intact", [], "none")


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_what_has_hardly_any_real_photo_never_acts_alone(http: httpx.Client, name: str) -> None:
    told = ask(http, BY_NAME[name])
    if told["condition"]["key"] not in ("intact", "screen_broken", "parcel_intact", "parcel_damaged"):
        assert told["decision"]["condition"] != "automate"


def test_a_blank_photo_is_a_guess_and_says_so(http: httpx.Client) -> None:
    for blank in (GREY, DARK):
        told = ask(http, blank)
        assert told["decision"]["condition"] == "abstain"
        assert told["decision"]["reasons"]["condition"]["code"] == "photo_quality"
        assert told["quality"]["hint"]


def test_words_that_contradict_the_photo_go_to_a_person(http: httpx.Client) -> None:
    told = ask(http, BY_NAME["screen_broken"], text="物流太慢了，还没收到货")
    assert told["advice"]["to_human"] is True
    assert told["decision"]["condition"] != "automate"


def test_the_back_of_a_broken_phone_does_not_mend_it(http: httpx.Client) -> None:
    told = ask(http, BY_NAME["screen_broken"], BY_NAME["intact"])
    assert told["condition"]["key"] == "screen_broken"
    assert {d["photo"] for d in told["damages"]} == {0}
    assert [p["condition"]["key"] for p in told["photos"]] == ["screen_broken", "intact"]


def test_from_the_shell(run_cli: Callable[..., Any], tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    done = run_cli("diagnose", *map(str, PHOTOS), "--out", str(out))
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [Path(line["file"]).name for line in lines] == [photo.name for photo in PHOTOS]
    assert all(line["condition"]["key"] for line in lines)


def test_it_is_small() -> None:
    folder = STORE / "diagnosis" / current_version("diagnosis")
    assert sum(file.stat().st_size for file in folder.iterdir()) < MOST_BYTES
