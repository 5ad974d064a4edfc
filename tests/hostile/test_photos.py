"""Every photo of the corpus, and what hypothesis makes of good ones: a `Photo`, or an `InputError`, and no third."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from features.errors import InputError
from features.photo import Photo, read_photo

sys.path.insert(0, str(Path(__file__).parent))

from photo_corpus import Cases, corpus
from photo_makers import animated, exif, heic_grid, interlaced, png_with_exif, save, scene

ROOT = Path(__file__).parents[2]
# Of processor time. The slowest are true pictures of many pixels; most files take a millisecond.
SECONDS = 4.0
GROWTH_MIB, PEAK_MIB = 64, 400


def verdict(data: bytes) -> str:
    """Read a photo and check what every photo must be; give ``ok`` or the rule of the error."""
    try:
        check(read_photo(data))
    except InputError as error:
        return error.rule if error.message("zh") and error.message("en") else "no message"
    return "ok"


def check(photo: Photo) -> None:
    h, w, channels = photo.pixels.shape
    assert channels == 3
    assert photo.pixels.dtype == np.uint8
    assert 1 <= max(h, w) <= 1280
    assert (w, h) == (photo.width, photo.height) or max(h, w) == 1280
    assert (w >= h) == (photo.width >= photo.height) or min(h, w) == max(h, w)
    assert len(photo.sha256) == 64


@pytest.fixture(scope="module")
def cases() -> Cases:
    return corpus()


def test_the_corpus_is_large(cases: Cases) -> None:
    assert len(cases) > 400


def test_every_file_is_a_photo_or_an_error(cases: Cases) -> None:
    wrong, slow = {}, {}
    for name, (data, expected) in cases.items():
        start = time.process_time()
        got = verdict(data)
        taken = time.process_time() - start
        if expected not in ("any", got):
            wrong[name] = (expected, got)
        if taken > SECONDS:
            slow[name] = taken
    assert wrong == {}
    assert slow == {}


RUN = """
import sys, warnings
from pathlib import Path
warnings.simplefilter("error")
from features.errors import InputError
from features.photo import read_photo

def mib(what):  # not getrusage: its peak is inherited from the parent
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(what))

def read(path):
    try:
        read_photo(path.read_bytes())
    except InputError:
        pass

files = sorted(Path(sys.argv[1]).iterdir())
for path in files[:8]:  # decoders loaded, pools filled
    read(path)
before = mib("VmRSS")
for path in files:
    read(path)
print(mib("VmRSS") - before, mib("VmHWM") - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_memory(cases: Cases, tmp_path: Path) -> None:
    first = ["jpeg", "jpeg progressive", "png interlaced", "webp", "webp lossless", "heic", "heic grid", "a ZIP"]
    names = first[:-1] + [name for name in cases if name not in first]
    for i, name in enumerate(names):
        (tmp_path / f"{i:04}").write_bytes(cases[name][0])
    command = [sys.executable, "-c", RUN, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    growth, peak = map(float, done.stdout.split())
    print(f"{len(names)} files: memory grows by {growth:.0f} MiB, at most {peak:.0f} MiB more at any time")
    assert growth <= GROWTH_MIB
    assert peak <= PEAK_MIB
    assert done.stderr == ""


MAGIC = [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x90\0\0\0WEBP", b"\0\0\0\x18ftypheic\0\0\0\0heicmif1"]
GOOD: list[Callable[[], bytes]] = [
    lambda: save(scene(32, 24)),
    lambda: save(scene(32, 24), progressive=True),
    lambda: save(scene(32, 24), exif=b"Exif\0\0" + exif(6)),
    lambda: png_with_exif(exif(6)),
    interlaced,
    lambda: save(scene(32, 24).convert("RGBA"), "WEBP", exif=exif(5)),
    lambda: animated("WEBP"),
    lambda: animated("PNG"),
    lambda: save(scene(32, 24), "HEIF"),
    lambda: heic_grid(64, 3, 180, 180),
]
FILES = [make() for make in GOOD]
EDITS = st.lists(
    st.tuples(
        st.floats(0, 1), st.sampled_from(["set", "cut", "drop", "add", "copy"]), st.binary(min_size=1, max_size=9)
    ),
    min_size=1,
    max_size=6,
)


def edited(data: bytes, edits: list[tuple[float, str, bytes]]) -> bytes:
    for place, what, new in edits:
        at = int(place * len(data))
        if what == "set":
            data = data[:at] + new + data[at + len(new) :]
        elif what == "cut":
            data = data[:at]
        elif what == "drop":
            data = data[:at] + data[at + new[0] :]
        elif what == "add":
            data = data[:at] + new + data[at:]
        else:
            data = data[:at] + data[at : at + new[0]] + data[at:]
    return data


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(MAGIC), st.binary(max_size=400))
def test_random_bytes_never_break_it(magic: bytes, rest: bytes) -> None:
    verdict(magic + rest)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(range(len(FILES))), EDITS)
@example(0, [(1.0, "add", b"\xff\xd9")])
def test_changed_files_never_break_it(which: int, edits: list[tuple[float, str, bytes]]) -> None:
    verdict(edited(FILES[which], edits))
