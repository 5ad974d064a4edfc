"""HEIC, the format of iPhones, through libheif: the same two steps as the other formats, header and pixels."""

from __future__ import annotations

from functools import lru_cache
from types import ModuleType
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from features.photo_container import Header
from features.photo_heif_index import check_heic

__all__ = ["decode_heic", "is_heic", "read_heic"]

# HEVC still pictures only. AVIF, image sequences and films share the container.
_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis"})
# Rows taken at a time when a picture is reduced: a multiple of every factor up to 8.
_STRIP: Final = 840


def is_heic(data: bytes) -> bool:
    """Tell whether these are the first bytes of a HEIC file, by its list of brands."""
    if data[4:8] != b"ftyp":
        return False
    brands = data[8 : min(int.from_bytes(data[:4]), 512)]
    return not _BRANDS.isdisjoint(brands[i : i + 4] for i in range(0, len(brands), 4))


@lru_cache(maxsize=1)
def _heif() -> ModuleType:
    """Import pillow-heif at the first HEIC photo; its options are those of the process, and no one else uses it."""
    import pillow_heif

    pillow_heif.options.DECODE_THREADS = 1  # requests run beside each other; within one it doubles the memory
    pillow_heif.options.THUMBNAILS = pillow_heif.options.DEPTH_IMAGES = pillow_heif.options.AUX_IMAGES = False
    return pillow_heif


def read_heic(data: bytes, max_pixels: int) -> Header:
    """Read the size of the primary picture; nothing is decoded yet.

    The size is that of the upright picture: rotation is a property of the file and libheif applies it, so that the
    EXIF orientation must not be applied again.
    """
    check_heic(data, max_pixels)
    images = _heif().open_heif(data)
    width, height = images[images.primary_index].size
    return Header("HEIC", width, height, False, 1, data)


def decode_heic(data: bytes, factor: int) -> Image.Image:
    """Decode the primary picture as RGB or RGBA, reduced by a whole factor.

    It is reduced in strips: a Pillow picture takes 4 bytes a pixel, and a second copy of 48 megapixels is 195 MB.
    """
    images = _heif().open_heif(data, convert_hdr_to_8bit=True)
    primary = images[images.primary_index]
    mode = {"RGBa": "RGBA", "I;16": "L"}.get(primary.mode, primary.mode)
    pixels: npt.NDArray[np.uint8] = np.asarray(primary)  # (h, w, channels), no copy
    if pixels.dtype != np.uint8:  # grey of 10 or 12 bits, which libheif gives as 16
        pixels = (pixels >> 8).astype(np.uint8)
    if factor < 2:
        return Image.fromarray(pixels, mode)
    height = -(-pixels.shape[0] // factor)
    reduced = Image.new(mode, (-(-pixels.shape[1] // factor), height))
    rows = _STRIP // factor * factor
    for top in range(0, pixels.shape[0], rows):
        reduced.paste(Image.fromarray(pixels[top : top + rows], mode).reduce(factor), (0, top // factor))
    return reduced
