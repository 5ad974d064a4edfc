"""Forms from somebody who means no good, or whose program is broken: a clear 4xx that names the field, never a 5xx."""

from __future__ import annotations

import random
import socket
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.limits import MAX_UPLOADS
from serving.uploads import MAX_PARTS
from tests.photo_stub import RED

B = "frontier"
TYPE = {"Content-Type": f"multipart/form-data; boundary={B}"}
END = f"--{B}--\r\n".encode()


def part(disposition: str, content: bytes, *headers: str) -> bytes:
    lines = "".join(f"{h}\r\n" for h in (f"Content-Disposition: form-data; {disposition}", *headers))
    return f"--{B}\r\n{lines}\r\n".encode("utf-8", "surrogateescape") + content + b"\r\n"


def photo(content: bytes = RED, name: str = "p.jpg") -> bytes:
    return part(f'name="photo"; filename="{name}"', content, "Content-Type: image/jpeg")


def field(name: str, content: bytes) -> bytes:
    return part(f'name="{name}"', content)


BAD = {
    "empty body": (b"", "body", "not_multipart"),
    "only the end": (END, "photo", "missing"),
    "no photo": (field("text", b"hello") + END, "photo", "missing"),
    "nothing chosen in a browser": (photo(b"", "") + photo(b"", "") + END, "photo", "missing"),
    "an empty file": (photo(b"", "a.jpg") + END, "photo[0]", "missing"),
    "an empty second file": (photo() + photo(b"", "a.jpg") + END, "photo[1]", "missing"),
    "a text part named photo": (field("photo", RED) + END, "photo[0]", "type"),
    "an address instead of a file": (field("photo", b"http://169.254.169.254/latest/") + END, "photo[0]", "type"),
    "a path instead of a file": (photo() + field("photo", b"/etc/passwd") + END, "photo[1]", "type"),
    "an address in a file": (photo(b"http://169.254.169.254/latest/") + END, "photo[0]", "photo_format"),
    "a web page": (photo(b"<html><script>alert(1)</script>") + END, "photo[0]", "photo_format"),
    "an SVG": (photo(b'<svg xmlns="http://www.w3.org/2000/svg"/>') + END, "photo[0]", "photo_format"),
    "seven photos": (photo() * 7 + END, "photo", "too_many"),
    "a photo cut off": (photo(RED[:200]) + END, "photo[0]", "photo_damaged"),
    "a photo of noise": (photo(b"\xff\xd8\xff" + random.Random(1).randbytes(5000)) + END, "photo[0]", "photo_damaged"),
    "21 MiB": (photo(b"\xff\xd8\xff" + b"\0" * 21 * 2**20) + END, "photo[0]", "photo_bytes"),
    "50 MB in one": (photo(b"\0" * 50_000_000) + END, "photo[0]", "photo_bytes"),
    "55 MB in three": (photo(RED + b"\0" * 18_300_000) * 3 + END, "body", "body_too_large"),
    "no end": (photo(), "body", "not_multipart"),
    "cut off in a photo": (photo()[:400], "body", "not_multipart"),
    "cut off in a header": (photo()[:30], "body", "not_multipart"),
    "the wrong boundary": (photo().replace(B.encode(), b"other") + END, "body", "not_multipart"),
    "no boundary at all": (RED, "body", "not_multipart"),
    "JSON": (b'{"photo": "x"}', "body", "not_multipart"),
    "10,000 fields": (field("x", b"y") * 10_000 + END, "parts", "too_many"),
    "10,000 photos": (photo(b"x") * 10_000 + END, None, "too_many"),
    "10,000 empty parts": (f"--{B}\r\n\r\n\r\n".encode() * 10_000 + END, "body", "not_multipart"),
    "a huge field name": (field("x" * 1_000_000, b"y") + photo() + END, "body", "not_multipart"),
    "a huge file name": (photo(name="x" * 1_000_000) + END, "body", "not_multipart"),
    "a huge header": (part('name="a"', b"", "X-Y: " + "z" * 1_000_000) + END, "body", "not_multipart"),
    "1,000 headers": (part('name="a"', b"", *["X-Y: z"] * 1000) + END, "body", "not_multipart"),
    "no name": (part('filename="a.jpg"', RED) + END, "body", "not_multipart"),
    # RFC 7578 does not allow this one in forms.
    "a coded name": (part("name=\"photo\"; filename*=UTF-8''%2e%2e%2fx.jpg", RED) + END, "photo[0]", "type"),
    "no disposition": (f"--{B}\r\nA: b\r\n\r\n".encode() + RED + b"\r\n" + END, "body", "not_multipart"),
    "another disposition": (photo().replace(b"form-data", b"attachment") + END, "body", "not_multipart"),
    "text as a file": (part('name="text"; filename="t.txt"', b"hello") + photo() + END, "text", "type"),
    "text too long": (field("text", "字".encode() * 20_001) + photo() + END, "text", "too_long"),
    "text of a megabyte": (field("text", b"x" * 1_000_000) + photo() + END, "text", "too_long"),
    "a mode that is none": (field("mode", b"loud") + photo() + END, "mode", "choice"),
    "a language that is none": (field("language", b"../../etc") + photo() + END, "language", "invalid"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_forms(photo_http: httpx.Client, name: str) -> None:
    body, where, rule = BAD[name]
    answer = photo_http.post("/diagnose", content=body, headers=TYPE)
    assert answer.status_code == (413 if rule == "body_too_large" else 400), answer.text
    error = answer.json()["error"]
    assert where in (None, error["field"]), error
    assert rule == error["rule"], error
    assert len(answer.content) < 1000


@pytest.mark.parametrize("name", ["no photo", "seven photos", "a web page", "cut off in a photo", "10,000 fields"])
def test_a_person_gets_a_page(photo_http: httpx.Client, name: str) -> None:
    answer = photo_http.post("/photo", content=BAD[name][0], headers={**TYPE, "Accept-Language": "zh"})
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert "photo[" not in answer.text


@pytest.mark.parametrize(
    "content_type",
    ["", "application/json", "text/plain", "multipart/form-data", "multipart/form-data; boundary=",
     "multipart/mixed; boundary=x",
     "application/x-www-form-urlencoded", "image/jpeg", "multipart/form-data; boundary=" + "x" * 300, "\xff"],
)  # fmt: skip
def test_only_a_form_is_a_form(photo_http: httpx.Client, content_type: str) -> None:
    headers = {"Content-Type": content_type.encode("latin-1")} if content_type else {}
    answer = photo_http.post("/diagnose", content=photo() + END, headers=headers)
    assert answer.status_code in (400, 415), answer.text
    assert answer.json()["error"]["rule"] in ("choice", "not_multipart")


FINE = {
    "a path for a name": photo(name="../../../../etc/passwd"),
    "a script for a name": photo(name="<script>alert(1)</script>"),
    "a drive for a name": photo(name="C:\\\\windows\\\\system.ini"),
    "NUL in a name": photo(name="a\x00.jpg"),
    "bytes for a name": photo(name="\udcff\udcfe"),
    "a lie about the type": part('name="photo"; filename="a"', RED, "Content-Type: text/html"),
    "unknown fields": field("url", b"http://169.254.169.254/") + field("__class__", b"x") + photo(),
    "an unknown file": part('name="other"; filename="x.exe"', b"MZ" * 5000) + photo(),
    "the same field twice": field("text", b"x") + field("text", "屏幕碎了".encode()) + photo(),
    "text that is no UTF-8": field("text", b"\xff\xfe\x00") + photo(),
    "half an emoji": field("text", b"\xed\xa0\xbd") + photo(),
    "an empty choice among photos": photo(b"", "") + photo() + photo(b"", ""),
    "empty fields": field("text", b"") + field("language", b"") + field("mode", b"") + photo(),
    "something before and after": b"preamble\r\n" + photo(),
    "what looks like the boundary": photo(RED + f"\r\n-{B}\r\n--{B[:-1]}".encode()),
}


@pytest.mark.parametrize("name", FINE)
def test_odd_forms_are_answered(photo_http: httpx.Client, name: str) -> None:
    answer = photo_http.post("/diagnose", content=FINE[name] + END, headers=TYPE)
    assert answer.status_code in (200, 400), answer.text
    if name != "something before and after":
        assert answer.status_code == 200, answer.text
    assert "passwd" not in answer.text
    page = photo_http.post("/photo", content=FINE[name] + END, headers=TYPE)
    assert page.status_code == answer.status_code
    assert "<script>" not in page.text


def test_words_cannot_become_markup(photo_http: httpx.Client) -> None:
    evil = b"\"><script>alert(1)</script><img src=x onerror=alert(1)>'"
    for body in (field("text", evil) + photo() + END, field("text", evil) + END):
        page = photo_http.post("/photo", content=body, headers=TYPE).text
        assert "<script>alert" not in page
        assert "<img" not in page


def test_a_body_without_a_length_is_counted(photo_http: httpx.Client) -> None:
    def endless() -> Any:
        yield photo()[:-2]
        for _ in range(60):
            yield b"\0" * 2**20

    answer = photo_http.post("/diagnose", content=endless(), headers=TYPE)
    assert (answer.status_code, answer.json()["error"]["rule"]) in {(413, "body_too_large"), (400, "photo_bytes")}


def _connect(server: str) -> socket.socket:
    address = urlsplit(server)
    return socket.create_connection((str(address.hostname), address.port or 0), timeout=10)


def test_whoever_asks_first_need_not_send(photo_server: str) -> None:
    head = f"POST /diagnose HTTP/1.1\r\nHost: x\r\nContent-Type: {TYPE['Content-Type']}\r\n"
    with _connect(photo_server) as connection:
        connection.sendall((head + "Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n").encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_whoever_hangs_up_leaves_nothing(photo_server: str, photo_http: httpx.Client, photo_log: Path) -> None:
    """A connection that breaks in the middle is nobody's error: no trace in the log, and no place taken."""
    head = (
        f"POST /diagnose HTTP/1.1\r\nHost: x\r\nContent-Type: {TYPE['Content-Type']}\r\nContent-Length: 5000000\r\n\r\n"
    )
    for _ in range(20):
        with _connect(photo_server) as connection:
            connection.sendall(head.encode() + photo()[:500])
    time.sleep(0.3)
    assert photo_http.post("/diagnose", content=photo() + END, headers=TYPE).status_code == 200
    assert "Traceback" not in photo_log.read_text()


def test_slow_uploads_do_not_keep_tickets_waiting(photo_server: str, photo_http: httpx.Client) -> None:
    """All places for uploads taken: photos are refused at once, tickets answered."""
    head = (
        f"POST /diagnose HTTP/1.1\r\nHost: x\r\nContent-Type: {TYPE['Content-Type']}\r\nContent-Length: 5000000\r\n\r\n"
    )
    slow = [_connect(photo_server) for _ in range(MAX_UPLOADS)]
    try:
        for connection in slow:
            connection.sendall(head.encode() + photo()[:500])
        time.sleep(0.5)
        refused = photo_http.post("/diagnose", content=photo() + END, headers=TYPE)
        assert (refused.status_code, refused.json()["error"]["rule"]) == (503, "busy")
        assert photo_http.post("/triage", json={"ticket": {"text": "屏幕碎了"}}).status_code == 200
    finally:
        for connection in slow:
            connection.close()
    time.sleep(0.3)
    assert photo_http.post("/diagnose", content=photo() + END, headers=TYPE).status_code == 200


def test_names_and_words_stay_out_of_the_log(photo_http: httpx.Client, photo_log: Path) -> None:
    photo_http.post("/diagnose", content=field("text", b"4111111111111111") + photo(b"x") + END, headers=TYPE)
    photo_http.post("/diagnose", content=photo(name="4111111111111111.jpg") + END, headers=TYPE)
    log = photo_log.read_text()
    assert "4111111111111111" not in log
    assert "Traceback" not in log


def test_no_more_parts_than_a_form_has() -> None:
    assert MAX_PARTS >= 6 + 3


PIECES = st.sampled_from(
    [f"--{B}".encode(), b"\r\n", b"\r\n\r\n", b"--", b"Content-Disposition: form-data; ", b'name="photo"',
     b'; filename="a"',
     b'name="text"', RED, b":", b"\0", b"\xff", b"Content-Disposition: form-data; name=", END, photo()]
)  # fmt: skip


@settings(max_examples=120, deadline=None, derandomize=True, database=None)
@given(st.lists(PIECES, max_size=14).map(b"".join))
def test_any_pieces_of_a_form(photo_server: str, body: bytes) -> None:
    assert httpx.post(f"{photo_server}/diagnose", content=body, headers=TYPE, timeout=20).status_code in (200, 400)
