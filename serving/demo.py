"""A demonstration: starts the server, sends it tickets, photos and a customer over HTTP, shows the answers."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.request import Request, urlopen

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from features.entities import mask
from features.errors import ConfigError
from serving.demo_customer import ask_risk, customer_row
from serving.demo_photos import PHOTOS, diagnose_photo, photo_row

__all__ = ["TICKETS", "demo", "id_number"]

# A terminal says how wide it is; a pipe does not, and 80 columns would break every line.
WIDTH: Final = 150
SHOWN_CHARS: Final = 34
_START_SECONDS: Final = 60


def id_number(first17: str) -> str:
    """Give a Chinese identity number its check character (ISO 7064 MOD 11-2).

    Examples
    --------
    >>> id_number("11010119800101001")
    '110101198001010010'
    """
    rest = sum(int(c) * pow(2, 17 - i, 11) for i, c in enumerate(first17)) % 11
    return first17 + "10X98765432"[rest]


# Invented, all of it. The seventeen digits name a day of birth in a district, and no person that we know of.
TICKETS: Final = (
    "手机用了三天屏幕就碎了，想问一下保修能不能换屏？",
    "充电的时候冒烟了，吓死我了！！赶紧处理，不然我打12315",
    "My order was supposed to arrive last Friday and the tracking has not moved since. Where is it?",
    "屏幕没有碎，电池也没问题，就是想问问发票怎么开",
    "你们客服什么态度？？打了五次电话没人管，我要投诉！再不退款就曝光你们",
    "手機進水之後無法開機，請問維修需要多少錢？螢幕也有裂痕",
    "收到的颜色发错了，我要退货退款，订单号 JD20240506123456，电话 13800138000",
    f"实名认证一直失败，身份证号 {id_number('11010119900307001')}，麻烦帮我看看",
    "",
    "加V信 vx88888 日赚五百，轻松兼职，点击 http://example.com/abc",
    "You charged me twice for one phone. Refund one of the payments today or I call my bank.",
    "谢谢，已经解决了，客服小姐姐很耐心",
)


@contextmanager
def _server() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    # Told to stop while it waits, the demonstration still stops the server it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    command = [sys.executable, "-m", "serving", "up", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 (ourselves)
    try:
        said = process.stdout.readline() if process.stdout else ""
        if not said:
            raise ConfigError(f"the server did not start: exit code {process.wait(_START_SECONDS)}")
        yield next(word for word in said.split() if word.startswith("http")), process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


def _ask(url: str, number: int, text: str) -> dict[str, Any]:
    body = json.dumps({"ticket": {"id": f"demo-{number}", "text": text}}).encode()
    request = Request(f"{url}triage", body, {"Content-Type": "application/json"})  # noqa: S310 (our own server)
    with urlopen(request, timeout=_START_SECONDS) as answer:  # noqa: S310
        told: dict[str, Any] = json.load(answer)
    return told


def _row(text: str, answer: dict[str, Any]) -> list[str]:
    """Give what a person wants to see of an answer; personal data in the text is masked."""
    category, urgency, decision = answer["category"], answer["urgency"], answer["decision"]
    masked = mask(text).replace("\n", " ")
    return [
        masked if len(masked) <= SHOWN_CHARS else masked[: SHOWN_CHARS - 1] + "…",
        f"{category['name']} {category['probability']:.0%}",
        ", ".join(tag["name"] for tag in answer["tags"]),
        urgency["level"] if urgency else "",
        f"{answer['priority']['score']:.2f}",
        decision["category"],
        decision["reasons"].get("category", {}).get("code", ""),
    ]


_TICKET_HEADINGS: Final = ("ticket", "category", "tags", "urgency", "priority", "decision", "reason")
_CUSTOMER_HEADINGS: Final = ("customer", "risk of leaving", "why")
_PHOTO_HEADINGS: Final = ("photo", "condition", "severity", "place", "decision", "what happens next")


def _table(headings: tuple[str, ...], rows: list[list[str]]) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    for heading in headings:
        table.add_column(heading)
    for row in rows:
        table.add_row(*map(escape, row))
    return table


def _shown(path: Path) -> str:
    """Give a path from here where it lies below."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _how_to_go_on(url: str) -> str:
    example = json.dumps({"ticket": {"id": "1", "text": "屏幕碎了，能保修吗？"}}, ensure_ascii=False)
    return (
        f"  curl -s {url}triage -H 'Content-Type: application/json' -d '{example}'\n"
        f"  in a browser: {url}desk for tickets, {url} for photos\n  OpenAPI: {url}docs.json"
    )


def demo(*, stay: bool = False) -> int:
    """Show what the service does.

    Parameters
    ----------
    stay : bool
        Keep the server running until Ctrl-C.

    Returns
    -------
    int
        The exit code.
    """
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False, soft_wrap=False)
    began = time.monotonic()
    with _server() as (url, process):
        answers = [_ask(url, 0, TICKETS[0])]
        first = time.monotonic() - began
        answers += [_ask(url, i, text) for i, text in enumerate(TICKETS[1:], 1)]
        rows = [_row(text, answer) for text, answer in zip(TICKETS, answers, strict=True)]
        console.print(_table(_TICKET_HEADINGS, rows))
        console.print(_table(_PHOTO_HEADINGS, [photo_row(p, diagnose_photo(url, p)) for p in PHOTOS]))
        console.print(_table(_CUSTOMER_HEADINGS, [customer_row(ask_risk(url))]))
        console.print(f"The photos are rendered; see them in {_shown(PHOTOS[0].parent)}", soft_wrap=True)
        console.print(f"{first:.1f} s from start to first answer, release {answers[0]['release']['version']}")
        lead = "It keeps running until Ctrl-C:" if stay else "Go on with `python -m serving up`, then:"
        rest = _how_to_go_on(url if stay else "http://127.0.0.1:3000/")
        console.print(f"{lead}\n{rest}", soft_wrap=True, markup=False)
        if stay:
            process.wait()
    return 0
