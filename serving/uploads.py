"""Reads a form with photos as it comes: the bytes go to one temporary file, and only what we take is kept.

Nothing in a form is ever fetched or opened by name: a photo is the bytes of a file part, and its name is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from os import SEEK_END
from tempfile import SpooledTemporaryFile
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from features.errors import InputError
from features.photo import MAX_BYTES
from features.text import MAX_CHARS
from serving.limits import UPLOAD_HELD_BYTES
from serving.photo_contract import MAX_PHOTOS
from serving.problems import header

__all__ = ["MAX_PARTS", "Upload", "read_upload"]

# Six photos and a dozen fields; a form with more was not made by a page of ours or by anybody's program in earnest.
MAX_PARTS: Final = 32
# A character has at most four bytes in UTF-8.
MAX_FIELD_BYTES: Final = 4 * MAX_CHARS
PHOTO: Final = "photo"
FIELDS: Final = ("text", "language", "mode")


@dataclass(slots=True)
class _Part:
    """A part of the form: where its bytes lie; of an unknown one they are not kept."""

    name: str
    file: bool
    named: bool
    start: int
    size: int = 0

    @property
    def kept(self) -> bool:
        return self.name == PHOTO or self.name in FIELDS


class Upload:
    """Photos and fields of a form; to be closed.

    Attributes
    ----------
    fields : dict of str to str
        Of equal names the last one counts, as in JSON.
    file : binary file
        In memory up to `UPLOAD_HELD_BYTES`, then on disk without a name.
    places : list of tuple of int
        Where in it each photo begins, and its size.
    """

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.file = SpooledTemporaryFile(max_size=UPLOAD_HELD_BYTES)  # noqa: SIM115 (closed by `close`)
        self.places: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return len(self.places)

    def read(self, start: int, size: int) -> bytes:
        """Read some bytes again."""
        self.file.seek(start)
        return self.file.read(size)

    def photos(self) -> Iterator[bytes]:
        """Read the photos, one at a time."""
        for start, size in self.places:
            yield self.read(start, size)

    def close(self) -> None:
        """Remove the temporary file."""
        self.file.close()


@dataclass(slots=True)
class _Form:
    """What the parser calls, in the order of the bytes; the first complaint stops the form, not its reading."""

    upload: Upload
    parts: int = 0
    ended: bool = False
    part: _Part | None = None
    header_name: bytearray = field(default_factory=bytearray)
    header_value: bytearray = field(default_factory=bytearray)
    disposition: bytes = b""

    def on_part_begin(self) -> None:
        self.parts += 1
        self.disposition = b""
        if self.parts > MAX_PARTS:
            raise InputError("parts", "too_many", limit=MAX_PARTS)

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self.header_name += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self.header_value += data[start:end]

    def on_header_end(self) -> None:
        if self.header_name.lower() == b"content-disposition":
            self.disposition = bytes(self.header_value)
        self.header_name.clear()
        self.header_value.clear()

    def on_headers_finished(self) -> None:
        kind, options = parse_options_header(self.disposition)
        if kind != b"form-data" or b"name" not in options:
            raise InputError("body", "not_multipart")
        file, named = b"filename" in options, bool(options.get(b"filename"))
        self.part = _Part(options[b"name"].decode("utf-8", "replace"), file, named, self.upload.file.seek(0, SEEK_END))
        if self.part.name == PHOTO and not file:
            raise InputError(self._where(), "type", expected="file")
        if self.part.name in FIELDS and file:
            raise InputError(self.part.name, "type", expected="string")

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        part = self.part
        if part is None or not part.kept:
            return
        part.size += end - start
        if part.file and part.size > MAX_BYTES:
            raise InputError(self._where(), "photo_bytes", limit=MAX_BYTES // 2**20)
        if not part.file and part.size > MAX_FIELD_BYTES:
            raise InputError(part.name[:100], "too_long", limit=MAX_CHARS)
        self.upload.file.write(data[start:end])

    def on_part_end(self) -> None:
        part, self.part = self.part, None
        if part is None or not part.kept:
            return
        if not part.file:
            text = self.upload.read(part.start, part.size).decode("utf-8", "replace")
            self.upload.fields[part.name] = text.replace("\r\n", "\n")
        elif part.size or part.named:  # a browser sends an empty, nameless file where none was chosen
            if len(self.upload) >= MAX_PHOTOS:
                raise InputError(PHOTO, "too_many", limit=MAX_PHOTOS)
            self.upload.places.append((part.start, part.size))

    def on_end(self) -> None:
        self.ended = True

    def _where(self) -> str:
        return f"{PHOTO}[{len(self.upload)}]"


def _parser(scope: Scope, form: _Form) -> MultipartParser:
    kind, options = parse_options_header(header(scope, b"content-type"))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise InputError("Content-Type", "choice", expected="multipart/form-data; boundary=…")
    called = ("part_begin", "header_field", "header_value", "header_end", "headers_finished", "part_data", "part_end")
    callbacks = {f"on_{name}": getattr(form, f"on_{name}") for name in (*called, "end")}
    try:
        return MultipartParser(options[b"boundary"], callbacks)  # type: ignore[arg-type]  # a TypedDict of the same
    except FormParserError as error:
        raise InputError("body", "not_multipart") from error


async def _feed(parser: MultipartParser, receive: Receive) -> None:
    """Read to the end even what is refused early: a client that is still sending reads no answer."""
    complaint: InputError | None = None
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        more = message.get("more_body", False)
        try:
            if complaint is None:
                parser.write(message.get("body", b""))
        except InputError as error:
            complaint = error
        except FormParserError:
            complaint = InputError("body", "not_multipart")
    if complaint:
        raise complaint


async def read_upload(scope: Scope, receive: Receive) -> Upload:
    """Read a form.

    Parameters
    ----------
    scope : Scope
    receive : Receive
        One that bounds the body, as `serving.limits.Limits` passes on.

    Returns
    -------
    Upload
        With at least one photo.

    Raises
    ------
    InputError
        With the field at fault: ``photo``, ``photo[1]``, ``text``, ``body``, ``Content-Type``.
    ClientDisconnect
    """
    upload = Upload()
    try:
        form = _Form(upload)
        await _feed(_parser(scope, form), receive)
        if not form.ended:
            raise InputError("body", "not_multipart")
        if not len(upload):
            raise InputError(PHOTO, "missing")
    except BaseException:
        upload.close()
        raise
    return upload
