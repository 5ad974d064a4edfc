"""Photos in: every format and mode becomes the same upright RGB, whatever is written beside the pixels."""

from __future__ import annotations

import io
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from features.errors import InputError
from features.photo import MAX_BYTES, MAX_PIXELS, Photo, read_photo
from features.photo_container import exif_orientation, read_jpeg, read_png, read_webp

sys.path.insert(0, str(Path(__file__).parents[1] / "hostile"))

import photo_makers as make

CORNERS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]


def corners(photo: Photo) -> list[tuple[int, ...]]:
    """Give the colours of the four corners, each channel rounded to 0 or 255."""
    h, w = photo.pixels.shape[:2]
    points = [(h // 12, w // 12), (h // 12, w - w // 12), (h - h // 12, w // 12), (h - h // 12, w - w // 12)]
    return [tuple(int(c > 127) * 255 for c in photo.pixels[point]) for point in points]


def scene_like_a_photo(width: int, height: int) -> Image.Image:
    rng = np.random.default_rng(5)
    rough = Image.fromarray(rng.integers(0, 256, (height // 50, width // 50, 3), np.uint8))
    return rough.resize((width, height), Image.Resampling.BICUBIC)


def rule(data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        read_photo(data)
    assert caught.value.field == "photo"
    assert caught.value.message("zh")
    return caught.value.rule


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_every_format(form: str) -> None:
    data = make.save(make.scene(), form)
    photo = read_photo(data)
    assert (photo.width, photo.height, photo.pixels.shape) == (96, 64, (64, 96, 3))
    assert photo.pixels.dtype == np.uint8
    assert photo.format == {"WEBP": "WebP", "HEIF": "HEIC"}.get(form, form)
    assert len(photo.sha256) == 64
    assert corners(photo) == CORNERS
    assert not photo.pixels.flags.writeable


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_orientation_as_pillow_does_it(value: int, form: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = value
    data = make.save(make.scene(), form, exif=exif)
    photo = read_photo(data)
    slow = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    assert (photo.width, photo.height) == slow.size
    assert np.array_equal(photo.pixels, np.asarray(slow.convert("RGB")))


def test_heic_is_rotated_once() -> None:
    data = make.save(make.scene(), "HEIF", exif=make.exif(6))  # written as EXIF and as a property of the file
    assert b"irot" in data
    photo = read_photo(data)
    assert (photo.width, photo.height) == (64, 96)
    assert corners(photo) == [CORNERS[i] for i in (2, 0, 3, 1)]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [3, 4])
def test_orientation_in_any_spelling(order: str, kind: int) -> None:
    assert exif_orientation(make.exif(8, order, kind)) == 8
    assert exif_orientation(b"Exif\0\0" + make.exif(8, order, kind)) == 8
    assert exif_orientation(make.exif(9, order, kind)) == 1


@pytest.mark.parametrize(
    ("form", "size", "long_side"),
    [
        ("JPEG", (4000, 3000), 1280),
        ("JPEG", (3000, 1000), 700),
        ("JPEG", (900, 1300), 640),
        ("PNG", (3000, 1000), 700),
        ("PNG", (900, 1300), 640),
        ("WEBP", (3000, 1000), 700),
        ("WEBP", (900, 1300), 640),
        ("HEIF", (900, 1300), 640),
        ("HEIF", (1300, 905), 200),
    ],
)
def test_reduced_like_the_slow_way(form: str, size: tuple[int, int], long_side: int) -> None:
    data = make.save(scene_like_a_photo(*size), form, **({"quality": 90} if form != "PNG" else {"compress_level": 1}))
    photo = read_photo(data, long_side=long_side)
    assert max(photo.pixels.shape) == long_side
    assert (photo.width, photo.height) == size
    slow = scene_like_a_photo(*size).resize(photo.pixels.shape[1::-1])
    assert np.abs(photo.pixels.astype(int) - np.asarray(slow)).mean() < 3


def test_transparency_is_white() -> None:
    for form in ("PNG", "WEBP", "HEIF"):
        clear = Image.new("RGBA", (40, 40), (255, 0, 0, 0))
        assert read_photo(make.save(clear, form)).pixels.min() >= 250, form
    half = read_photo(make.save(Image.new("LA", (8, 8), (0, 128)), "PNG")).pixels
    assert abs(int(half[0, 0, 0]) - 127) <= 1
    palette = Image.new("P", (8, 8), 3)
    palette.putpalette([200, 0, 0] * 256)
    assert read_photo(make.save(palette, "PNG", transparency=3)).pixels.min() == 255


def test_16_bits_are_scaled() -> None:
    grey = np.linspace(0, 65_535, 256 * 8).astype(np.uint16).reshape(8, 256)
    photo = read_photo(make.save(Image.fromarray(grey), "PNG"))
    assert np.array_equal(photo.pixels[..., 1], (grey >> 8).astype(np.uint8))


def test_modes_agree() -> None:
    image = make.scene()
    plain = read_photo(make.save(image, "PNG")).pixels.astype(int)
    same = {"RGBA": make.save(image.convert("RGBA"), "PNG"), "CMYK": make.save(image.convert("CMYK"), quality=95)}
    for name, data in same.items():
        assert np.abs(read_photo(data).pixels - plain).mean() < 8, name
    grey = read_photo(make.save(image.convert("L"), "PNG")).pixels
    assert (grey[..., 0] == grey[..., 2]).all()
    bits = read_photo(make.save(image.convert("1"), "PNG")).pixels
    assert set(np.unique(bits)) == {0, 255}
    assert read_photo(make.interlaced()).pixels.min() >= 100


@pytest.mark.parametrize("form", ["WEBP", "PNG"])
def test_only_the_first_frame(form: str) -> None:
    assert corners(read_photo(make.animated(form))) == CORNERS


def test_a_jpeg_that_lost_its_end() -> None:
    data = make.save(scene_like_a_photo(800, 600), quality=90)
    whole = read_photo(data).pixels
    photo = read_photo(data[: len(data) * 95 // 100])
    assert photo.pixels.shape == whole.shape
    assert np.array_equal(photo.pixels[:500], whole[:500])
    assert (photo.pixels[-8:] == 128).all()
    assert rule(data[: len(data) * 80 // 100]) == "photo_damaged"
    progressive = make.save(scene_like_a_photo(800, 600), quality=90, progressive=True)
    coarse = read_photo(progressive[: len(progressive) * 60 // 100]).pixels
    assert np.abs(coarse.astype(int) - whole).mean() < 10


def test_the_limits() -> None:
    jpeg = make.save(make.scene())
    assert rule(b"") == "missing"
    assert rule(jpeg + bytes(MAX_BYTES)) == "photo_bytes"
    assert read_photo(jpeg + bytes(MAX_BYTES - len(jpeg))).width == 96
    assert rule(make.resized(jpeg, 20_001, 10)) == "photo_pixels"
    assert rule(make.resized(jpeg, 8_000, MAX_PIXELS // 8_000 + 1)) == "photo_pixels"
    assert rule(make.png(5_001, 5_000, 8, 2, b"")) == "photo_pixels"
    assert rule(make.resized(make.save(make.scene(), progressive=True), 5_001, 5_000)) == "photo_pixels"
    assert rule(b"GIF89a" + bytes(99)) == "photo_format"


def test_a_grey_band_is_no_damage() -> None:
    image = make.scene(96, 96)
    image.paste((128, 128, 128), (0, 60, 96, 96))
    assert read_photo(make.save(image)).height == 96


def test_metadata_do_not_come_along() -> None:
    secret = b"GPS 48.137154 11.576124"
    exif = make.exif(6, "<", 3, secret)
    jpeg = make.in_jpeg(make.save(make.scene()), make.segment(0xE1, b"Exif\0\0" + exif), make.segment(0xFE, secret))
    png = make.png_with_exif(exif)
    webp = make.save(make.scene(), "WEBP", exif=exif, xmp=secret, icc_profile=secret)
    for header in (read_jpeg(jpeg), read_png(png), read_webp(webp)):
        assert secret not in header.clean
        assert header.orientation == 6


def test_threads_do_not_disturb_each_other() -> None:
    files = [make.save(scene_like_a_photo(900, 700), form) for form in ("JPEG", "PNG", "WEBP", "HEIF")] * 6
    with ThreadPoolExecutor(8) as pool:
        photos = list(pool.map(read_photo, files))
    for i, photo in enumerate(photos):
        assert np.array_equal(photo.pixels, photos[i % 4].pixels)


def test_messages_name_the_field_and_the_limit() -> None:
    with pytest.raises(InputError) as caught:
        read_photo(make.png(50_000, 50_000, 8, 2, b""), field="photo[2]")
    assert caught.value.field == "photo[2]"
    assert "50000x50000" in caught.value.message("en")
    assert "像素" in caught.value.message("zh-Hans")
