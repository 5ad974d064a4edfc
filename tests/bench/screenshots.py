"""Pictures of the customer's page on a telephone: ``python -m tests.bench.screenshots FOLDER PHOTO...``.

A real browser opens the page of a real server, takes each photo, and what the customer then sees is saved under the
photo's name. ``--words`` is what the customer writes; ``--language`` the browser's.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.conftest import running

CHROMIUM = "/usr/bin/chromium"
TELEPHONE = {"width": 390, "height": 844}
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def shoot(browser: Browser, url: str, photo: Path, words: str, language: str, out: Path) -> None:
    """Send one photo as a customer does, and save the whole page of the answer."""
    page = browser.new_page(viewport=TELEPHONE, locale=language, device_scale_factor=2)
    page.goto(url)
    page.set_input_files("input[multiple]", str(photo))
    page.fill("textarea", words)
    page.click("#ask .go")
    page.wait_for_selector(".verdict")
    page.screenshot(path=out, full_page=True)
    page.close()


def main() -> None:
    """Shoot all photos."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--words", default="")
    parser.add_argument("--language", default="zh-CN")
    told = parser.parse_args()
    told.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as logs, running(Path(logs) / "log") as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        for photo in told.photos:
            shoot(browser, url, photo, told.words, told.language, told.folder / f"{photo.stem}.png")
        browser.close()


if __name__ == "__main__":
    main()
