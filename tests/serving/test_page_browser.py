"""The customer's page in a real browser: with and without JavaScript, on a telephone, by keyboard alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.photo_stub import DARK, GREEN, phone

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = Path("/usr/bin/chromium")
if not CHROMIUM.exists():
    pytest.skip(f"{CHROMIUM} is not there", allow_module_level=True)

TELEPHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=str(CHROMIUM), args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Any, photo_server: str) -> Iterator[Callable[..., Any]]:
    """Open the page; afterwards the console must be free of errors and violations of the policy."""
    contexts, said = [], []

    def open_page(path: str = "/", *, fine: bool = True, **options: Any) -> Any:
        context = browser.new_context(**{"viewport": TELEPHONE, "locale": "zh-CN", **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        if fine:
            page.on(
                "console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None
            )
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(photo_server + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []


@pytest.fixture
def shots(tmp_path: Path) -> dict[str, str]:
    files = {"phone": phone(), "big": phone((3000, 4000), 93), "green": GREEN, "dark": DARK, "bad": b"not a photo"}
    for name, content in files.items():
        (tmp_path / f"{name}.jpg").write_bytes(content)
    return {name: str(tmp_path / f"{name}.jpg") for name in files}


def overflow(page: Any) -> int:
    width: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width


def test_take_send_and_see(visit: Any, shots: dict[str, str]) -> None:
    page = visit()
    page.set_input_files("input[multiple]", [shots["phone"], shots["green"]])
    assert page.locator("#thumbs img").count() == 2
    page.get_by_label("发生了什么").fill("昨天掉地上屏幕碎了")
    page.get_by_role("button", name="开始诊断").click()
    page.wait_for_selector(".verdict")
    assert "屏幕碎裂" in page.inner_text("h1")
    assert page.evaluate("document.activeElement.tagName") == "H1"
    assert page.locator("figure").count() == 2
    outline, photo = page.locator(".edge").first.bounding_box(), page.locator("figure image").first.bounding_box()
    assert outline["x"] - photo["x"] == pytest.approx(0.30 * photo["width"], abs=4)
    assert outline["width"] == pytest.approx(0.42 * photo["width"], abs=8)
    assert page.locator(".steps li").count() >= 4
    assert overflow(page) <= 0
    page.go_back()
    page.wait_for_selector("#ask")


def test_large_photos_are_made_small_before_they_travel(visit: Any, shots: dict[str, str]) -> None:
    page = visit()
    page.set_input_files("input[multiple]", [shots["big"]])
    sent: list[int] = []
    page.on("request", lambda request: sent.append(len(request.post_data_buffer or b"")))
    with page.expect_response("**/photo") as answer:
        page.get_by_role("button", name="开始诊断").click()
    length = int(answer.value.request.all_headers().get("content-length", 0)) or max(sent)
    assert answer.value.status == 200
    assert 20_000 < length < Path(shots["big"]).stat().st_size / 2


def test_photos_can_be_taken_back(visit: Any, shots: dict[str, str]) -> None:
    page = visit()
    page.set_input_files("input[multiple]", [shots["phone"]] * 4)
    page.set_input_files("input[capture]", [shots["green"]])
    page.set_input_files("input[multiple]", [shots["dark"]] * 4)
    assert page.locator("#thumbs img").count() == 6
    assert "最多 6 张" in page.inner_text("#status")
    for left in range(5, -1, -1):
        page.locator("#thumbs button").first.click()
        assert page.locator("#thumbs img").count() == left
    page.get_by_role("button", name="开始诊断").click()
    assert "请先拍照或选择照片" in page.inner_text("#status")


def test_a_bad_file_is_said_beside_the_form_and_the_words_stay(visit: Any, shots: dict[str, str]) -> None:
    page = visit(fine=False)  # a browser notes every answer of 400 in its console
    page.set_input_files("input[multiple]", [shots["phone"], shots["bad"]])
    page.get_by_label("发生了什么").fill("我的话")
    page.get_by_role("button", name="开始诊断").click()
    page.wait_for_selector("#status.bad")
    assert "第 2 张照片" in page.inner_text("#status")
    assert page.locator("#thumbs img").count() == 2
    assert page.input_value("#text") == "我的话"


def test_without_javascript(visit: Any, shots: dict[str, str]) -> None:
    page = visit(java_script_enabled=False, locale="en-GB", fine=False)
    page.get_by_role("button", name="Check my photos").click()
    assert "Photos" in page.inner_text("[role=alert]")
    page.set_input_files("input[multiple]", [shots["bad"]])
    page.fill("#text", "my words")
    page.get_by_role("button", name="Check my photos").click()
    assert "Photo 1" in page.inner_text("[role=alert]")
    assert page.input_value("#text") == "my words"
    page.set_input_files("input[capture]", [shots["phone"]])
    page.get_by_role("button", name="Check my photos").click()
    assert "Broken screen" in page.inner_text("h1")
    assert page.locator(".edge").count() == 2
    page.locator("summary").click()
    page.get_by_label("What it really is").select_option("scratch")
    page.get_by_role("button", name="Send", exact=True).click()
    assert "recorded" in page.inner_text("h1")
    page.get_by_role("button", name="Send it to a person").click()
    assert "with a person" in page.inner_text("h1")


def test_the_whole_way_by_keyboard(visit: Any, shots: dict[str, str], photo_state: Path) -> None:
    page = visit()
    order = []
    for _ in range(7):
        page.keyboard.press("Tab")
        order.append(page.evaluate("(document.activeElement.name || document.activeElement.className || '')"))
    assert order[:6] == ["brand", "switch", "photo", "photo", "text", "go"]
    page.set_input_files("input[multiple]", [shots["phone"]])
    page.focus("#text")
    page.keyboard.type("屏幕碎了")
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_selector(".verdict")
    page.focus("#note")
    page.keyboard.type("请回电 13800138000")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".number")
    case = page.inner_text(".number b")
    lines = (photo_state / "feedback" / "photos.jsonl").read_text(encoding="utf-8").splitlines()
    [row] = [row for row in map(json.loads, lines) if row["case"] == case]
    assert (row["kind"], row["note"]) == ("human", "请回电 [phone]")


def test_every_control_has_a_name_and_room_for_a_thumb(visit: Any, shots: dict[str, str]) -> None:
    page = visit()
    page.set_input_files("input[multiple]", [shots["phone"]])
    for _ in range(2):
        for control in page.locator(
            "a:visible, button:visible, summary:visible, .pick:visible, textarea:visible"
        ).all():
            box = control.bounding_box()
            assert box["height"] >= 44, control.evaluate("e => e.outerHTML")
            name = control.evaluate("e => e.innerText || e.ariaLabel || e.labels?.[0]?.innerText || ''")
            assert name.strip(), control.evaluate("e => e.outerHTML")
        if page.locator("#ask").count():
            page.get_by_role("button", name="开始诊断").click()
            page.wait_for_selector(".verdict")
    assert page.locator("[role=img]").first.get_attribute("aria-label").startswith("第 1 张照片")


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_every_screen(visit: Any, shots: dict[str, str], width: int, scheme: str) -> None:
    page = visit(viewport={"width": width, "height": 800}, color_scheme=scheme, locale="en-US")
    assert overflow(page) <= 0
    page.set_input_files("input[multiple]", [shots["phone"]])
    page.get_by_role("button", name="Check my photos").click()
    page.wait_for_selector(".verdict")
    assert overflow(page) <= 0


def test_the_switch_of_languages(visit: Any) -> None:
    page = visit()
    page.get_by_role("link", name="English").click()
    assert page.inner_text("h1") == "Take a photo, see what is wrong"
    assert page.evaluate("document.documentElement.lang") == "en"


def test_the_desk_loads_too(visit: Any) -> None:
    page = visit("/desk")
    page.fill("#text", "屏幕碎了")
    page.get_by_role("button", name="分诊").click()
    page.wait_for_selector("dl")
