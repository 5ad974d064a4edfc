"""The customer's page without a browser: words, contrast, headers, messages."""

from __future__ import annotations

import io
import json
import re
from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from PIL import Image

from features.cases import CONDITIONS, Damage
from features.errors import InputError
from features.photo import read_photo
from serving.customer import STATIC, new_case, result_page, static_files
from serving.feedback import Feedback
from tests.photo_stub import BLUE, DARK, GREEN, GREY, RED, StubDiagnosis, phone

ROOT = Path(__file__).parents[2]
WORDS = yaml.safe_load((ROOT / "serving" / "words.yaml").read_text(encoding="utf-8"))


def send(client: httpx.Client, *contents: bytes, language: str = "zh", text: str = "") -> httpx.Response:
    files = [("photo", ("p.jpg", content, "image/jpeg")) for content in contents]
    return client.post("/photo", files=files, data={"language": language, "text": text})


def test_every_word_is_there_in_both_languages_and_used() -> None:
    sources = [*(ROOT / "serving" / "templates").glob("*.html"), ROOT / "serving" / "customer.py"]
    used = "".join(path.read_text(encoding="utf-8") for path in sources)
    for key, row in WORDS.items():
        assert set(row) == {"zh", "en"}, key
        assert all(row.values()), key
        stem = re.sub(
            r"_(?:light|moderate|severe|high|middle|low|phone|parcel|human|wrong|human_more|wrong_more)$", "_", key
        )
        assert key in used or (stem != key and stem in used) or key.startswith("says_"), key
        assert key == "other_language" or not re.search(r"[\u4e00-\u9fff]", row["en"]), key
    assert {f"says_{key}" for key in CONDITIONS} <= set(WORDS)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("scheme", [0, 1])
def test_contrast_is_that_of_wcag_aa(scheme: int) -> None:
    css = static_files()["page.css"].decode()
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", css.split(":root {")[scheme + 1].split("}")[0]))
    pairs = [(ink, ground) for ink in ("ink", "soft", "brand", "good", "warn", "bad") for ground in ("ground", "card")]
    pairs += [("on-brand", "brand"), ("brand", "tint"), ("ink", "tint")]
    for ink, ground in pairs:
        light, dark = sorted((_luminance(colours[ink]), _luminance(colours[ground])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, ground)
    light, dark = sorted((_luminance(colours["field"]), _luminance(colours["card"])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3.0  # the outline of what can be filled in


def test_the_languages(photo_http: httpx.Client) -> None:
    def page(query: str = "", accept: str = "") -> str:
        return photo_http.get(f"/{query}", headers={"Accept-Language": accept}).text

    assert 'lang="zh-Hans"' in page(accept="zh-CN,zh;q=0.9")
    assert '<html lang="en"' in page(accept="en-GB")
    assert '<html lang="en"' in page("?lang=en", accept="zh")
    assert 'lang="zh-Hans"' in page("?lang=zh", accept="en")
    assert '<html lang="en"' in page("?lang=%3Cscript%3E")
    assert "<script>" not in page("?lang=%3Cscript%3E")


def test_headers(photo_http: httpx.Client) -> None:
    page = photo_http.get("/")
    csp = page.headers["content-security-policy"]
    assert "default-src 'none'" in csp
    assert "unsafe" not in csp
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-content-type-options"] == "nosniff"
    for name, kind in STATIC.items():
        url = re.search(rf"/static/{re.escape(name)}\?v=[0-9a-f]{{12}}", page.text)
        assert url, name
        file = photo_http.get(url[0])
        assert (file.status_code, file.headers["content-type"]) == (200, kind)
        assert "immutable" in file.headers["cache-control"]
    assert photo_http.get("/static/../words.yaml").status_code == 404
    assert photo_http.get("/static/%2e%2e/words.yaml").status_code == 404


@pytest.mark.parametrize("path", ["/", "/?lang=zh"])
def test_nothing_is_inline_and_nothing_comes_from_elsewhere(photo_http: httpx.Client, path: str) -> None:
    for page in (photo_http.get(path).text, send(photo_http, phone(), text="屏幕碎了").text):
        assert not re.search(r"<script(?! src=\"/static/)|<style|\sstyle=|\son\w+=|javascript:", page)
        assert not re.search(r"(?:src|href|action)=\"(?!/|data:image/jpeg;base64,)", page)


def test_reloading_a_result_leads_to_the_start(photo_http: httpx.Client) -> None:
    for path in ("/photo", "/photo/human", "/photo/wrong"):
        back = photo_http.get(path)
        assert (back.status_code, back.headers["location"]) == (303, "/")


def test_the_result_shows_the_damage_and_what_to_do(photo_http: httpx.Client) -> None:
    page = send(photo_http, phone(), text="昨天掉地上屏幕碎了，数据很重要").text
    for words in ("屏幕碎裂", "中度", "很有把握", "93 %", "裂纹 96 %", "受损部分约占屏幕的 23 %", "需要保留数据"):
        assert words in page, words
    edge = re.search(r'class="edge" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', page)
    assert edge
    assert [float(v) for v in edge.groups()] == pytest.approx([120, 128, 168, 181.3], abs=0.1)


def test_the_photo_comes_back_small_and_without_what_it_carried(photo_http: httpx.Client) -> None:
    sent = phone()
    assert b"SECRET-PLACE" in sent
    url = re.search(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)", send(photo_http, sent).text)
    assert url
    back = b64decode(url[1])
    image = Image.open(io.BytesIO(back))
    assert max(image.size) <= 880
    assert not image.getexif()
    assert b"SECRET-PLACE" not in back


def test_what_is_not_sure_says_so(photo_http: httpx.Client) -> None:
    nothing = send(photo_http, GREY, language="en").text
    assert "neither a phone nor a parcel" in nothing
    assert 'class="sure"' not in nothing
    unsure = send(photo_http, DARK, RED, language="en").text
    assert "It looks like" in unsure
    assert "too dark" in unsure
    assert "This one needs a person" in unsure
    assert "moderate" not in unsure


@pytest.mark.parametrize("key", CONDITIONS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_condition_has_a_page(key: str, language: str) -> None:
    found = StubDiagnosis().diagnose([read_photo(RED)], "", language)
    marks = tuple(Damage("dent", 0.5, box, 0) for box in ((0, 0, 1, 1), (0.9, 0.9, 1, 1), (0.5, 0.5, 0.5, 0.5))) * 5
    found = replace(found, subject=CONDITIONS[key][0], condition=replace(found.condition, key=key), damages=marks)
    page = result_page(found, ["data:image/jpeg;base64,AA"], [(100, 200)], "<b>&", language)
    assert page.count('class="edge"') == 8
    assert "<b>&" not in page
    assert not re.search(r"\bNone\b|nan", page)


# What customers say.


def rows(state: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (state / "feedback" / "photos.jsonl").read_text(encoding="utf-8").splitlines()]


def test_messages_are_recorded_masked_and_photos_are_not(photo_http: httpx.Client, photo_state: Path) -> None:
    page = send(photo_http, BLUE, text="我的电话 13800138000").text
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
    said = photo_http.post("/photo/wrong", data={**hidden, "right": "screen_broken", "note": "打 13900139000 找我"})
    assert said.status_code == 200
    assert hidden["case"] in said.text
    assert "转人工" in said.text
    human = photo_http.post("/photo/human", data={**hidden, "note": ""})
    assert human.status_code == 200
    mine = [row for row in rows(photo_state) if row["case"] == hidden["case"]]
    assert [row["kind"] for row in mine] == ["wrong", "human"]
    assert (mine[0]["condition"], mine[0]["right"]) == ("parcel_damaged", "screen_broken")
    assert mine[0]["release"] == "diagnosis/0123456789ab"
    assert (mine[0]["text"], mine[0]["note"]) == ("我的电话 [phone]", "打 [phone] 找我")
    assert "base64" not in json.dumps(mine)


@pytest.mark.parametrize(
    "form", [b"", b"case=x", b"case=../../etc", b"&a=b" * 50, b"\xff\xfe", b"case=ABCD-2345%0A", b"{}"]
)
def test_messages_that_are_none_of_ours(photo_http: httpx.Client, photo_state: Path, form: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for path in ("/photo/human", "/photo/wrong"):
        assert photo_http.post(path, content=form, headers=headers).status_code == 400


def test_messages_from_elsewhere_are_refused(photo_http: httpx.Client) -> None:
    form = {"case": new_case()}
    assert photo_http.post("/photo/human", data=form, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 400
    assert photo_http.post("/photo/human", data=form, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_what_strangers_write_into_hidden_fields_is_dropped(tmp_path: Path) -> None:
    book = Feedback(tmp_path)
    book.record(
        "human", {"case": "ABCD-2345", "condition": "x", "rule": "<b>", "release": "a\nb", "note": "\ud83d" * 3000}
    )
    [row] = rows(tmp_path)
    assert (row["condition"], row["rule"], row["release"]) == (None, None, None)
    assert len(row["note"]) == 2000
    assert (book.path.stat().st_mode & 0o777, book.path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_the_book_of_messages_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.feedback.MAX_FILE_BYTES", 600)
    book = Feedback(tmp_path)
    said = {"case": "ABCD-2345"}
    book.record("human", said)
    book.record("wrong", said)
    with pytest.raises(InputError, match="busy"):
        book.record("human", {**said, "note": "x" * 300})
    assert book.path.stat().st_size <= 600


def test_cases_are_easily_read_out() -> None:
    cases = {new_case() for _ in range(500)}
    assert len(cases) == 500
    assert all(re.fullmatch(r"[2-9A-HJKMNP-TV-Z]{4}-[2-9A-HJKMNP-TV-Z]{4}", case) for case in cases)


def test_two_languages_of_green(photo_http: httpx.Client) -> None:
    assert "外观完好" in send(photo_http, GREEN).text
    assert "It looks intact" in send(photo_http, GREEN, language="en").text
