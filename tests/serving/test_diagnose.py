"""Photos over HTTP: the contract, with a stub in the model's place."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from features.errors import InputError
from serving.photo_contract import MAX_PHOTOS, DiagnosisOut
from serving.photos import MAX_QUEUED, PhotoDesk, Question, diagnose, question
from tests.conftest import running
from tests.photo_stub import BLUE, DARK, GREEN, GREY, RED, StubDiagnosis, phone

Files = list[tuple[str, Any]]


def photos(*contents: bytes) -> Files:
    return [("photo", ("p.jpg", content, "image/jpeg")) for content in contents]


def test_the_answer_is_the_contract_and_nothing_else(photo_http: httpx.Client) -> None:
    answer = photo_http.post("/diagnose", files=photos(RED))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert DiagnosisOut.model_validate(told).model_dump() == told
    assert told["condition"]["key"] == "screen_broken"
    assert told["release"]["name"] == "diagnosis"
    assert told["advice"]["steps"]


@pytest.mark.parametrize(
    ("sent", "key"),
    [(GREEN, "intact"), (BLUE, "parcel_damaged"), (GREY, "nothing_to_diagnose"), (phone(), "screen_broken")],
)
def test_photos_reach_the_model_in_their_colours(photo_http: httpx.Client, sent: bytes, key: str) -> None:
    assert photo_http.post("/diagnose", files=photos(sent)).json()["condition"]["key"] == key


def test_several_photos_are_one_case_in_order(photo_http: httpx.Client) -> None:
    from tests.photo_stub import colour

    sizes = [(100 + 10 * i, 80) for i in range(MAX_PHOTOS)]
    told = photo_http.post("/diagnose", files=photos(*(colour((90, 200, 90), size) for size in sizes))).json()
    assert [(p["width"], p["height"]) for p in told["photos"]] == sizes


def test_words_count_and_give_the_language(photo_http: httpx.Client) -> None:
    def ask(text: str, language: str = "", accept: str = "") -> Any:
        fields = {"text": text, "language": language}
        headers = {"Accept-Language": accept}
        return photo_http.post("/diagnose", files=photos(RED), data=fields, headers=headers).json()

    assert ask("物流太慢了，没收到")["advice"] == ask("物流太慢了，没收到", accept="en")["advice"]
    assert ask("物流太慢了，没收到")["advice"]["to_human"] is True
    assert ask("I bought it yesterday")["advice"]["rule"] == "exchange_check"
    assert ask("")["condition"]["name"] == "Broken screen"
    assert ask("", accept="zh-CN")["condition"]["name"] == "屏幕碎裂"
    assert ask("屏幕碎了", language="en")["condition"]["name"] == "Broken screen"


def test_modes(photo_http: httpx.Client) -> None:
    def ask(mode: str) -> httpx.Response:
        return photo_http.post("/diagnose", files=photos(RED, DARK), data={"mode": mode} if mode else {})

    assert ask("").json()["quality"]["problems"] == ["dark"] == ask("warn").json()["quality"]["problems"]
    assert ask("off").json()["quality"]["problems"] == []
    strict = ask("strict")
    assert strict.status_code == 400
    assert (strict.json()["error"]["field"], strict.json()["error"]["rule"]) == ("photo[1]", "photo_quality")


def test_a_photo_of_twelve_megapixels_spills_to_disk_and_is_read(photo_http: httpx.Client) -> None:
    sent = phone((3000, 4000), 93)
    assert len(sent) > 2**20
    told = photo_http.post("/diagnose", files=photos(sent)).json()
    assert (told["photos"][0]["width"], told["photos"][0]["height"]) == (3000, 4000)


def test_keys_apply(keyed_server: str) -> None:
    assert httpx.post(f"{keyed_server}/diagnose", files=photos(RED)).status_code == 401
    assert httpx.get(f"{keyed_server}/static/page.css").status_code == 401


def test_it_is_described(photo_http: httpx.Client) -> None:
    described = photo_http.get("/docs.json").json()["paths"]["/diagnose"]["post"]
    form = described["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["properties"]["photo"]["maxItems"] == MAX_PHOTOS
    assert {"200", "400", "401", "413", "415", "503"} == set(described["responses"])


# A server where no diagnosis is released.

BARE = """
import serving.model
serving.model.the_photo_model = lambda: None
from serving.up import up
up("127.0.0.1", 0, 1)
"""


def test_without_a_release_tickets_are_answered_and_photos_say_so(tmp_path: Path) -> None:
    with running(tmp_path / "log", ("-c", BARE)) as url, httpx.Client(base_url=url, timeout=30) as http:
        refused = http.post("/diagnose", files=photos(RED))
        assert (refused.status_code, refused.json()["error"]["rule"]) == (503, "no_model")
        assert http.post("/triage", json={"ticket": {"text": "屏幕碎了"}}).status_code == 200
        page = http.get("/", headers={"Accept-Language": "zh"})
    assert page.status_code == 200
    assert "照片诊断暂未开通" in page.text
    assert 'action="/photo/human"' in page.text


# The desk itself.


def files(*contents: bytes) -> Iterator[bytes]:
    yield from contents


def test_no_model_says_so() -> None:
    with pytest.raises(InputError) as caught:
        PhotoDesk(None).ready()
    assert caught.value.rule == "no_model"


def test_a_full_queue_refuses_at_once_and_recovers() -> None:
    desk, door = PhotoDesk(StubDiagnosis()), threading.Event()

    async def ask() -> None:
        first = asyncio.create_task(desk.run(MAX_QUEUED, door.wait))
        await asyncio.sleep(0.05)
        with pytest.raises(InputError) as caught:
            await desk.run(1, lambda: None)
        assert caught.value.rule == "busy"
        door.set()
        assert await first
        assert await desk.run(6, lambda: 5) == 5

    asyncio.run(ask())
    assert desk.queued == 0


def test_work_that_fails_gives_its_place_back() -> None:
    desk = PhotoDesk(StubDiagnosis())

    async def ask() -> None:
        with pytest.raises(InputError):
            await desk.run(1, lambda: diagnose(StubDiagnosis(), files(b"not a photo"), Question()))

    asyncio.run(ask())
    assert desk.queued == 0


def test_photos_step_back_behind_tickets() -> None:
    """The thread of photos alone has the lower priority."""
    import os

    def priorities() -> tuple[int, int]:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id()), os.getpriority(os.PRIO_PROCESS, os.getpid())

    theirs, ours = asyncio.run(PhotoDesk(None).run(1, priorities))
    assert theirs > ours


@pytest.mark.parametrize(
    ("fields", "field", "rule"),
    [
        ({"text": "字" * 20_001}, "text", "too_long"),
        ({"mode": "loud"}, "mode", "choice"),
        ({"language": "klingon!"}, "language", "invalid"),
    ],
)
def test_fields_are_checked(fields: dict[str, str], field: str, rule: str) -> None:
    with pytest.raises(InputError) as caught:
        question(fields, "zh")
    assert (caught.value.field, caught.value.rule) == (field, rule)


def test_photos_that_cannot_be_read_are_named() -> None:
    with pytest.raises(InputError) as caught:
        diagnose(StubDiagnosis(), files(RED, b"GIF89a..."), Question())
    assert (caught.value.field, caught.value.rule) == ("photo[1]", "photo_format")


# The command line.


def test_files_in_lines_out(tmp_path: Path) -> None:
    import json

    from serving.bulk_photos import diagnose_files

    paths = [tmp_path / name for name in ("a.jpg", "b.jpg", "c.jpg", "nowhere.jpg")]
    for path, content in zip(paths, (RED, b"not a photo", GREEN), strict=False):
        path.write_bytes(content)
    out = tmp_path / "out.jsonl"
    assert diagnose_files(StubDiagnosis(), [[path] for path in paths], out, Question()) == (2, 2)
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["file"] for line in lines] == [str(path) for path in paths]
    assert [line.get("error", {}).get("rule") for line in lines] == [None, "photo_format", None, "missing"]
    assert lines[0]["condition"]["key"] == "screen_broken"
    assert diagnose_files(StubDiagnosis(), [[paths[0], paths[2]]], out, Question()) == (1, 0)
    [case] = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(case["files"]) == len(case["photos"]) == 2
    assert diagnose_files(StubDiagnosis(), [paths], out, Question()) == (0, 1)
    assert json.loads(out.read_text())["error"]["field"] == "photo[1]"


def test_the_output_is_whole_or_as_it_was(tmp_path: Path) -> None:
    from serving.bulk_photos import diagnose_files

    class Broken(StubDiagnosis):
        def diagnose(self, *_: Any, **__: Any) -> Any:
            raise MemoryError

    photo, out = tmp_path / "a.jpg", tmp_path / "out.jsonl"
    photo.write_bytes(RED)
    out.write_text("before")
    with pytest.raises(MemoryError):
        diagnose_files(Broken(), [[photo]], out, Question())
    assert out.read_text() == "before"


def test_the_command_says_what_it_cannot_do(run_cli: Any, tmp_path: Path) -> None:
    from models.release import list_versions

    photo = tmp_path / "a.jpg"
    photo.write_bytes(RED)
    done = run_cli("diagnose", photo, "--out", "-", "--release", "ffffffffffff")
    assert done.returncode == 2, list_versions("diagnosis")
    assert "Traceback" not in done.stderr
    assert run_cli("diagnose", "--out", "-").returncode == 2
