"""Photo bytes -> an upright RGB array of bounded size, or an `InputError` that says why not.

The order is the safety: bytes are counted, the format is told by its magic bytes, sizes are read from the header and
bounded, everything but the picture is dropped (`features.photo_container`), and only then a decoder runs, one of four
that are named. What a decoder throws stays inside.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from features.errors import InputError
from features.photo_container import Header, read_jpeg, read_png, read_webp
from features.photo_heif import decode_heic, is_heic, read_heic

__all__ = ["FORMATS", "MAX_BYTES", "MAX_PIXELS", "MAX_PIXELS_WHOLE", "MAX_SIDE", "Photo", "read_photo"]

FORMATS: Final = "JPEG, PNG, WebP, HEIC"
# A 50-megapixel JPEG of a phone at best quality is 12 to 18 MiB.
MAX_BYTES: Final = 20 * 2**20
# Panoramas of phones are up to 16,384 wide. JPEG itself ends at 65,535.
MAX_SIDE: Final = 20_000
# The largest usual phone photo has 50 megapixels; the cap stays under Pillow's own warning at 89. At reduced scale
# 64 megapixels take 50 MiB and 0.2 s.
MAX_PIXELS: Final = 64_000_000
# What must be decoded at full size, by the memory it takes, for half a second each. JPEG (progressive) and PNG: 4 to 9
# bytes a pixel, 220 MiB; phones save 24 megapixels at most, screenshots 5. WebP: 16 bytes, 270 MiB; messengers write
# it, well under 16. HEIC: 5 bytes, 220 MiB, and 48 megapixels is what an iPhone Pro sends.
MAX_PIXELS_WHOLE: Final = {"JPEG": 25_000_000, "PNG": 25_000_000, "WebP": 16_000_000, "HEIC": 50_000_000}
# A photo that lost its end on the way still shows the damage; with less than this the device may be missing.
MIN_COMPLETE: Final = 0.9
# A file that has its end but hardly any data lies about its size. Half, as a real photo may stand on a grey band.
MIN_FILLED: Final = 0.5
# What libjpeg paints where no data came: the middle of the range.
_NO_DATA: Final = 128

_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """A photo that can be looked at.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (h, w, 3)
        Upright RGB, not writable; the long side is bounded.
    width, height : int
        Of the original, upright.
    format : {'JPEG', 'PNG', 'WebP', 'HEIC'}
    sha256 : str
        Of the bytes as they came.
    """

    pixels: npt.NDArray[np.uint8]
    width: int
    height: int
    format: str
    sha256: str


def _header(data: bytes) -> Header | None:
    """Tell the format by its magic bytes and read its header; ``None`` for any other format."""
    if data[:3] == b"\xff\xd8\xff":
        return read_jpeg(data)
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return read_png(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return read_webp(data)
    return read_heic(data, MAX_PIXELS_WHOLE["HEIC"]) if is_heic(data) else None


def _check_size(header: Header, field: str) -> None:
    width, height = header.width, header.height
    if min(width, height) < 1:
        raise InputError(field, "photo_damaged")
    most = MAX_PIXELS if header.scalable else MAX_PIXELS_WHOLE[header.format]
    size = f"{width}x{height}"
    if max(width, height) > MAX_SIDE:
        raise InputError(field, "photo_pixels", size=size, limit=f"{MAX_SIDE} a side")
    if width * height > most:
        raise InputError(field, "photo_pixels", size=size, limit=f"{most // 1_000_000} MP ({header.format})")


def _target(width: int, height: int, long_side: int) -> tuple[int, int]:
    """Fit a size into a square, never larger than it is and never less than a pixel."""
    scale = min(1.0, long_side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _open(clean: bytes, header: Header, target: tuple[int, int]) -> Image.Image:
    image = Image.open(io.BytesIO(clean), formats=[header.format])
    if image.size != (header.width, header.height):
        raise ValueError("the decoder sees another size than was checked")
    if header.format == "JPEG":
        image.draft(None, target)  # libjpeg then computes 1/2, 1/4 or 1/8 of the pixels, never fewer than asked
    image.load()
    return image


def _came(image: Image.Image, least: float) -> bool:
    """Tell whether a part of the rows of a JPEG came; libjpeg paints the rest grey."""
    tail = image.crop((0, int(least * image.height), *image.size))  # the whole as an array would cost a copy of it
    return any(low != _NO_DATA or high != _NO_DATA for low, high in _extrema(tail))


def _extrema(image: Image.Image) -> tuple[tuple[int, int], ...]:
    """Give the lowest and highest value of each channel."""
    found: Any = image.getextrema()
    return found if isinstance(found[0], tuple) else (found,)


def _decode(header: Header, target: tuple[int, int]) -> Image.Image:
    if header.format == "HEIC":
        return decode_heic(header.clean, max(header.width, header.height) // max(target))
    least = MIN_FILLED
    try:
        image = _open(header.clean, header, target)
    except OSError:
        if header.format != "JPEG":
            raise
        image, least = _open(header.clean + b"\xff\xd9", header, target), MIN_COMPLETE
    if header.format == "JPEG" and not _came(image, least):
        raise ValueError("too much of the photo is missing")
    return image


def _rgb(image: Image.Image) -> Image.Image:
    """Convert any mode to RGB: transparency over white, 16 bits scaled and not clipped."""
    if image.mode.startswith("I"):  # 16-bit grey, of which Pillow's own conversion keeps the lowest 8 bits, clipped
        image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def _upright(header: Header, long_side: int) -> npt.NDArray[np.uint8]:
    target = _target(header.width, header.height, long_side)
    image = _decode(header, target)
    if image.mode in ("1", "P", "PA", "I", "I;16", "I;16B"):
        image = _rgb(image)  # these modes cannot be averaged
    if image.size != target:
        image = image.resize(target, Image.Resampling.HAMMING, reducing_gap=2.0)
    if image.mode != "RGB" or "transparency" in image.info:  # of what is RGB already Pillow would make a copy
        image = _rgb(image)
    if header.orientation in _UPRIGHT:
        image = image.transpose(_UPRIGHT[header.orientation])
    pixels = np.asarray(image)  # (h, w, 3)
    pixels.setflags(write=False)
    return pixels


def read_photo(data: bytes, long_side: int = 1280, field: str = "photo") -> Photo:
    """Read a photo that a customer sent.

    Of an animated file the first frame is read. A JPEG that is cut off is accepted if at least 90 % of its rows came
    (a progressive one: in any fineness, and `features.photo_quality` judges the blur); the missing rows are grey, so
    that places in the photo stay where they are. A PNG, WebP or HEIC that is cut off is refused: phones send JPEG.
    Colour profiles are dropped with the metadata: what phones use differs from sRGB by less than the light does.

    Parameters
    ----------
    data : bytes
        The file as it came.
    long_side : int, default=1280
        The long side is reduced to this many pixels; smaller photos stay as they are.
    field : str, default="photo"
        Where the photo stands in the request, for the error.

    Returns
    -------
    Photo

    Raises
    ------
    InputError
        ``missing`` (no bytes), ``photo_bytes``, ``photo_format``, ``photo_pixels`` or ``photo_damaged``. Nothing else
        is raised, whatever the bytes.
    """
    if not data:
        raise InputError(field, "missing")
    if len(data) > MAX_BYTES:
        raise InputError(field, "photo_bytes", limit=MAX_BYTES // 2**20)
    try:
        header = _header(data)
    except Exception as error:  # the walkers' ValueError, and whatever libheif has
        raise InputError(field, "photo_damaged") from error
    if header is None:
        raise InputError(field, "photo_format", expected=FORMATS)
    _check_size(header, field)
    try:
        pixels = _upright(header, long_side)
    except Exception as error:  # decoders throw OSError, SyntaxError, ValueError, EOFError, MemoryError, …
        raise InputError(field, "photo_damaged") from error
    width, height = header.width, header.height
    if header.orientation >= 5:
        width, height = height, width
    return Photo(pixels, width, height, header.format, hashlib.sha256(data).hexdigest())
