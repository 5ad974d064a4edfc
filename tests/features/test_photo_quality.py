"""The quality gate: real photos pass, spoilt copies of them do not, and the customer is told what to do."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from features.errors import InputError
from features.photo import Photo, read_photo
from features.photo_quality import PROBLEMS, assess, gate

DATA = Path(os.environ.get("AFTERSIGHT_DATA") or Path(__file__).parents[3] / "shared" / "data") / "photos"
NEEDS_DATA = pytest.mark.skipif(not (DATA / "manifest.csv").exists(), reason=f"no photos in {DATA}")


def made(seed: int = 1, size: tuple[int, int] = (640, 480)) -> Photo:
    """Make a photo of rectangles with sharp edges and a little noise."""
    rng = np.random.default_rng(seed)
    pixels = np.full((size[1], size[0], 3), 110.0)
    for _ in range(60):
        x, y, w, h = rng.integers(0, (size[0] - 90, size[1] - 90, 90, 90))
        pixels[y : y + h, x : x + w] = rng.integers(20, 235, 3)
    pixels += rng.normal(0, 3, pixels.shape)
    return Photo(pixels.clip(0, 255).astype(np.uint8), *size, "JPEG", "0" * 64)


def changed(photo: Photo, change: Callable[[np.ndarray], np.ndarray]) -> Photo:
    pixels = np.asarray(change(photo.pixels.astype(np.float32)))
    return replace(photo, pixels=pixels.clip(0, 255).astype(np.uint8))


def blurred(photo: Photo, share: float) -> Photo:
    radius = share * max(photo.pixels.shape)
    return replace(photo, pixels=np.asarray(Image.fromarray(photo.pixels).filter(ImageFilter.GaussianBlur(radius))))


def moved(photo: Photo, share: float) -> Photo:
    n = max(3, int(share * max(photo.pixels.shape)))
    return changed(photo, lambda p: np.mean([p[:, i : p.shape[1] - n + i] for i in range(n)], axis=0))


def glaring(photo: Photo) -> Photo:
    y, x = np.mgrid[: photo.pixels.shape[0], : photo.pixels.shape[1]]
    spot = 600 * np.exp(-((x - 300) ** 2 + (y - 220) ** 2) / (2 * 40**2))
    return changed(photo, lambda p: p + spot[..., None])


SPOILT: dict[str, tuple[Callable[[Photo], Photo], str, float]] = {
    # name: how, the problem, the least share that must be found
    "blur of 1 %": (lambda p: blurred(p, 0.01), "blurred", 0.97),
    "blur of 2 %": (lambda p: blurred(p, 0.02), "blurred", 0.98),
    "motion of 3 %": (lambda p: moved(p, 0.03), "blurred", 0.85),
    "a tenth of the light": (lambda p: changed(p, lambda x: x * 0.1), "too_dark", 1),
    "a quarter of the light": (lambda p: changed(p, lambda x: x * 0.25), "too_dark", 0.98),
    "fog": (lambda p: changed(p, lambda x: x * 0.25 + 190), "too_bright", 0.98),
    "light times 8": (lambda p: changed(p, lambda x: x * 8), "too_bright", 0.7),
}


def test_a_good_photo_passes() -> None:
    quality = assess(made())
    assert quality.usable
    assert quality.problems == ()
    assert quality.hint() == ""


@pytest.mark.parametrize("name", SPOILT)
def test_dir_spoilt_photos_do_not_pass(name: str) -> None:
    spoil, problem, _ = SPOILT[name]
    quality = assess(spoil(made()))
    assert problem in quality.problems
    assert not quality.usable
    assert quality.hint("zh-Hans") == PROBLEMS[problem][0]
    assert quality.hint("en") == PROBLEMS[problem][1]


@pytest.mark.parametrize("size", [(100, 100), (1, 1), (2, 900), (127, 3000)])
def test_too_small(size: tuple[int, int]) -> None:
    photo = Photo(np.zeros((size[1], size[0], 3), np.uint8), *size, "PNG", "")
    assert assess(photo).problems == ("too_small",)


def test_a_narrow_rest_of_a_panorama_is_too_small() -> None:
    photo = Photo(np.zeros((9, 1280, 3), np.uint8), 20_000, 140, "JPEG", "")
    assert assess(photo).problems == ("too_small",)


def test_inv_size_and_mirror_do_not_matter() -> None:
    big = made(size=(1280, 960))
    for photo in (big, blurred(big, 0.02), changed(big, lambda x: x * 0.2), changed(big, lambda x: x * 0.2 + 200)):
        half = replace(photo, pixels=np.asarray(Image.fromarray(photo.pixels).resize((640, 480))))
        assert assess(photo).problems == assess(half).problems
        assert assess(photo).problems == assess(replace(photo, pixels=photo.pixels[:, ::-1])).problems


def test_inv_a_white_background_is_not_too_bright() -> None:
    photo = made()
    pixels = np.full((1000, 1000, 3), 255, np.uint8)
    pixels[300:780, 200:840] = photo.pixels
    assert assess(replace(photo, pixels=pixels, width=1000, height=1000)).usable


def test_glare_is_advice() -> None:
    quality = assess(glaring(made()))
    assert quality.problems == ("glare",)
    assert quality.usable
    assert assess(glaring(made()), device=(0.7, 0.7, 1, 1)).problems == ()  # the reflection is beside the device


def test_cut_off_is_said_of_a_box() -> None:
    assert assess(made(), device=(0, 0.2, 1, 0.8)).problems == ("cut_off",)
    assert assess(made(), device=(0.1, 0, 0.9, 1)).usable
    assert assess(made(), device=(0, 0.2, 0.5, 0.8)).problems == ()  # a phone in the hand touches one edge
    assert assess(made(), device=(0.5, 0.5, 0.5, 0.5)).usable  # an empty box is survived


def test_modes() -> None:
    dark = changed(made(), lambda x: x * 0.1)
    assert gate(dark, "off").usable
    warned = gate(dark, "warn")
    assert warned.as_dict("zh") == {"usable": False, "problems": ["too_dark"], "hint": PROBLEMS["too_dark"][0]}
    with pytest.raises(InputError) as caught:
        gate(dark, "strict", language="zh", field="photo[1]")
    assert caught.value.rule == "photo_quality"
    assert PROBLEMS["too_dark"][0] in caught.value.message("zh")
    assert gate(made(), "strict").usable
    assert gate(glaring(made()), "strict").problems == ("glare",)


@lru_cache(maxsize=1)
def real(every: int = 9) -> list[tuple[str, Photo]]:
    """Read each ninth real photo of a phone or a parcel that a person can judge."""
    with (DATA / "manifest.csv").open(encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if r["subject"] in ("phone", "parcel")]
    rows = [r for r in rows if r["condition"] not in ("unclear", "illustration")]
    return [(r["source"], read_photo((DATA / r["path"]).read_bytes())) for r in rows[::every]]


@NEEDS_DATA
def test_mft_real_photos_pass() -> None:
    verdicts = [(source, assess(photo)) for source, photo in real()]
    refused = Counter(source for source, quality in verdicts if not quality.usable)
    assert len(verdicts) > 200
    assert sum(refused.values()) <= 0.02 * len(verdicts), refused
    assert refused.keys().isdisjoint({"floor_phones", "one_iphone", "doorstep_parcels", "msd", "web_cracks"})


@NEEDS_DATA
@pytest.mark.parametrize("name", SPOILT)
def test_mft_spoilt_real_photos_do_not(name: str) -> None:
    spoil, _, least = SPOILT[name]
    photos = [photo for source, photo in real() if source != "msd"][::2]
    found = [not assess(spoil(photo)).usable for photo in photos]
    assert np.mean(found) >= least
