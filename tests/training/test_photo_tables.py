"""Photos as they come, which of them show the same, and how they are dealt into folds."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from features.cases import CONDITIONS
from features.errors import ConfigError
from training.diagnosis.alike import NEAR, fingerprint, folds, groups
from training.diagnosis.manifest import CONDITION_OF, PhotoRow, PhotoTable, of_phones_and_parcels, read_photos

Bytes = npt.NDArray[np.uint8]
Rows = Sequence[tuple[object, ...]]
HEAD = ("path", "source", "condition", "group", "split", "kind")
LISTED: Rows = (
    HEAD,
    ("a.jpg", "shop", "whole", "one", "train", "mug"),
    ("b.jpg", "shop", "broken", "", "test", "mug"),
    ("c.jpg", "web", "whole", "", "", "pot"),
    ("d.jpg", "web", "broken", "", "", "pot"),
    ("e.jpg", "web", "", "", "", ""),
)


def photo(seed: int, size: tuple[int, int] = (240, 180)) -> Image.Image:
    """A picture that is like no other, and soft as photos are."""
    grid = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), np.uint8)
    return Image.fromarray(grid).resize(size, Image.Resampling.BICUBIC)


def place(root: Path, paths: Iterable[str]) -> None:
    for n, path in enumerate(paths):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        photo(n, (24, 18)).save(root / path)


def manifest(root: Path, rows: Rows = LISTED, missing: str = "") -> Path:
    place(root, [str(row[0]) for row in rows[1:] if row[0] != missing])
    with (root / "mugs.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return root / "mugs.csv"


def table(*rows: PhotoRow, root: Path) -> PhotoTable:
    place(root, [row.path for row in rows])
    return PhotoTable("t", root, rows, "").kept(rows)


def test_a_folder_for_each_label(tmp_path: Path) -> None:
    place(tmp_path / "mugs", ["whole/1.jpg", "whole/deep/er/2.PNG", "broken/3.webp", "cover.jpg"])
    (tmp_path / "mugs" / "broken" / "notes.txt").write_text("not a photo")
    found = read_photos(tmp_path / "mugs")
    assert found.name == "mugs"
    assert [(r.path, r.label) for r in found.rows] == [
        ("broken/3.webp", "broken"),
        ("whole/1.jpg", "whole"),
        ("whole/deep/er/2.PNG", "whole"),
    ]
    assert [found.data(i) for i in range(3)] == [(found.root / r.path).read_bytes() for r in found.rows]


def test_a_manifest(tmp_path: Path) -> None:
    found = read_photos(manifest(tmp_path))
    assert (found.name, found.root) == ("mugs", tmp_path)
    assert [r.path for r in found.rows] == ["a.jpg", "b.jpg", "c.jpg", "d.jpg"], "a row without a label is none"
    assert found.rows[0] == PhotoRow("a.jpg", "whole", "shop", "one", "train")


def test_another_column_may_hold_the_label(tmp_path: Path) -> None:
    assert [r.label for r in read_photos(manifest(tmp_path), label="kind").rows] == ["mug", "mug", "pot", "pot"]


def test_one_source_alone(tmp_path: Path) -> None:
    found = read_photos(manifest(tmp_path), source="web")
    assert found.name == "web"
    assert [r.path for r in found.rows] == ["c.jpg", "d.jpg"]


def test_a_manifest_needs_two_columns_and_may_start_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = manifest(tmp_path, (("path", "condition"), ("a.jpg", "x"), ("sub/b.jpg", "y")))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_photos(path).rows == (PhotoRow("a.jpg", "x"), PhotoRow("sub/b.jpg", "y"))


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ((HEAD,), "mugs.csv: needs rows"),
        ((("file", "condition"), ("a.jpg", "x"), ("b.jpg", "y")), "columns path and condition"),
        ((("path", "state"), ("a.jpg", "x"), ("b.jpg", "y")), "columns path and condition"),
        ((("path", "condition"), ("a.jpg", "x"), ("b.jpg", "x")), "mugs.csv: needs photos of at least two labels"),
        ((("path", "condition"), ("a.jpg", "x"), ("b.jpg", "")), "at least two labels"),
        ((("path", "condition"), ("a.jpg", "x"), ("gone.jpg", "y")), "gone.jpg is listed and not there"),
    ],
)
def test_a_manifest_that_cannot_be_learnt_from(tmp_path: Path, rows: Rows, named: str) -> None:
    path = manifest(tmp_path, rows, missing="gone.jpg")
    with pytest.raises(ConfigError, match=named):
        read_photos(path)


@pytest.mark.parametrize("label", ["colour", "Condition"])
def test_a_label_column_that_is_not_there(tmp_path: Path, label: str) -> None:
    with pytest.raises(ConfigError, match=f"columns path and {label}"):
        read_photos(manifest(tmp_path), label=label)


def test_what_else_cannot_be_learnt_from(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no .*nowhere"):
        read_photos(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="two labels"):
        read_photos(manifest(tmp_path), source="nobody")
    place(tmp_path / "one", ["whole/1.jpg", "whole/2.jpg", "3.jpg"])
    with pytest.raises(ConfigError, match="one: needs photos of at least two labels"):
        read_photos(tmp_path / "one")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\xff\xd8\xff\xe0 a photo, not a table", id="a photo"),
        pytest.param("path,condition\nä.jpg,x\n".encode("utf-16"), id="another encoding"),
        pytest.param(b"condition,path\nx\ny,b.jpg\n", id="a row without a path"),
    ],
)
def test_a_file_that_is_no_table_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mugs.csv").write_bytes(content)
    place(tmp_path, ["b.jpg"])
    with pytest.raises(ConfigError, match=r"mugs\.csv"):
        read_photos(tmp_path / "mugs.csv")


def test_a_row_without_a_label_may_be_anything(tmp_path: Path) -> None:
    (tmp_path / "mugs.csv").write_text("path,condition\na.jpg,x\nb.jpg,y\n,\nc.jpg\n")
    place(tmp_path, ["a.jpg", "b.jpg"])
    assert [r.path for r in read_photos(tmp_path / "mugs.csv").rows] == ["a.jpg", "b.jpg"]


def test_the_digest_is_that_of_bytes_paths_and_labels(tmp_path: Path) -> None:
    rows = [PhotoRow("a.jpg", "x"), PhotoRow("b.jpg", "y")]
    one, other = (table(*rows, root=tmp_path / name) for name in ("one", "other"))
    assert one.digest == other.digest
    assert len({one.digest, one.kept(rows[:1]).digest, one.kept([rows[0], PhotoRow("b.jpg", "x")]).digest}) == 3
    with (tmp_path / "other" / "b.jpg").open("ab") as file:
        file.write(b"\0")
    assert other.kept(rows).digest != one.digest


def test_what_is_kept_must_be_there(tmp_path: Path) -> None:
    found = table(PhotoRow("a.jpg", "x"), root=tmp_path)
    with pytest.raises(ConfigError, match=r"t: no/such\.jpg is listed"):
        found.kept([PhotoRow("no/such.jpg", "x")])


def test_every_label_of_the_shared_photos_leads_to_the_contract() -> None:
    assert set(CONDITION_OF.values()) <= set(CONDITIONS)


@pytest.mark.parametrize(
    ("label", "source", "reread", "condition"),
    [
        ("screen_crack", "web_phones", {}, "screen_broken"),
        ("screen_shatter", "web_phones", {}, "screen_broken"),
        ("oil", "msd", {}, "stain"),
        ("not_a_product", "imagenet_sample", {}, "nothing_to_diagnose"),
        ("illustration", "web_phones", {}, "nothing_to_diagnose"),
        ("illustration", "web_parcels", {}, None),
        ("unclear", "web_phones", {}, None),
        ("car_severe", "vds_cars", {}, None),
        ("parcel_damaged", "roboflow_parcels", {"a.jpg": "parcel_intact"}, "parcel_intact"),
        ("parcel_damaged", "roboflow_parcels", {"a.jpg": ""}, None),
        ("parcel_damaged", "roboflow_parcels", {"b.jpg": "intact"}, "parcel_damaged"),
        ("unclear", "web_phones", {"a.jpg": "body_damage"}, "body_damage"),
        ("illustration", "web_parcels", {"a.jpg": "nothing_to_diagnose"}, "nothing_to_diagnose"),
    ],
)
def test_phones_and_parcels(
    tmp_path: Path, label: str, source: str, reread: dict[str, str], condition: str | None
) -> None:
    found = of_phones_and_parcels(table(PhotoRow("a.jpg", label, source, "g", "test"), root=tmp_path), reread)
    assert found.rows == ((PhotoRow("a.jpg", condition, source, "g", "test"),) if condition else ())


def apart(one: Image.Image, other: Image.Image) -> int:
    a, b = (fingerprint(np.asarray(image.convert("RGB"))) for image in (one, other))
    return int((a != b).sum())


@pytest.mark.parametrize("seed", range(5))
def test_a_copy_has_the_same_fingerprint(seed: int) -> None:
    image = photo(seed, (320, 240))
    for quality in (30, 60, 90):
        file = io.BytesIO()
        image.save(file, "JPEG", quality=quality)
        assert apart(image, Image.open(file)) <= NEAR
    for side in (64, 150, 900):
        assert apart(image, image.resize((side, side * 3 // 4), Image.Resampling.LANCZOS)) <= NEAR
    assert apart(image, image.point(lambda v: v // 2 + 60)) <= NEAR


def test_other_pictures_have_other_fingerprints() -> None:
    images = [photo(seed) for seed in range(12)]
    assert min(apart(a, b) for i, a in enumerate(images) for b in images[:i]) > 4 * NEAR
    assert apart(images[0], images[0].transpose(Image.Transpose.FLIP_LEFT_RIGHT)) > NEAR


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 500, 3), (64, 64, 3)], ids=str)
def test_a_fingerprint_of_any_shape(shape: tuple[int, int, int]) -> None:
    found = fingerprint(np.full(shape, 200, np.uint8))
    assert found.shape == (264,)
    assert not found.any(), "nothing grows brighter in an even picture"


def slow_groups(prints: npt.NDArray[np.bool_], names: Sequence[str]) -> list[set[int]]:
    """Join sets pair by pair, the obvious way."""
    sets = [{i} for i in range(len(prints))]
    joined = True
    while joined:
        joined = False
        for one in sets:
            for other in sets:
                pairs = [(i, j) for i in one for j in other] if one is not other else []
                if any((names[i] and names[i] == names[j]) or (prints[i] != prints[j]).sum() <= NEAR for i, j in pairs):
                    one |= other
                    sets.remove(other)
                    joined = True
                    break
            if joined:
                break
    return sorted(sets, key=min)


def as_sets(group: npt.NDArray[np.int64]) -> list[set[int]]:
    return sorted(({int(i) for i in np.flatnonzero(group == g)} for g in np.unique(group)), key=min)


@given(st.data(), st.integers(1, 7))
def test_groups_agree_with_the_slow_way(data: st.DataObject, n: int) -> None:
    prints = data.draw(arrays(np.bool_, (n, 3 * NEAR)))
    names = data.draw(st.lists(st.sampled_from(["", "", "a", "b"]), min_size=n, max_size=n))
    assert as_sets(groups(prints, names)) == slow_groups(prints, names)


def test_copies_of_copies_and_names_join_transitively() -> None:
    prints = np.zeros((6, 264), bool)
    prints[1, :NEAR] = prints[2, : 2 * NEAR] = True  # 0 - 1 - 2, though 0 and 2 lie further apart
    prints[3, 100:200] = prints[4, 60:160] = prints[5, 120:264] = True
    assert as_sets(groups(prints, ["", "", "phone", "phone", "", ""])) == [{0, 1, 2, 3}, {4}, {5}]
    assert as_sets(groups(prints, [""] * 6)) == [{0, 1, 2}, {3}, {4}, {5}]


DEALT = st.lists(st.tuples(st.integers(0, 12), st.sampled_from("xyz")), min_size=1, max_size=60)


@given(DEALT, st.integers(2, 6), st.integers(0, 5))
def test_folds_keep_a_group_together_and_are_the_same_every_time(
    rows: list[tuple[int, str]], n: int, seed: int
) -> None:
    group, stratum = np.array([g for g, _ in rows]), [s for _, s in rows]
    fold = folds(group, stratum, n, seed)
    assert fold.shape == group.shape
    assert set(fold) <= set(range(n))
    assert all(len(set(fold[group == g])) == 1 for g in set(group))
    np.testing.assert_array_equal(fold, folds(group, stratum, n, seed))


@given(st.lists(st.sampled_from("xyz"), min_size=8, max_size=60), st.integers(2, 4))
def test_lone_photos_are_dealt_evenly_within_each_stratum(stratum: list[str], n: int) -> None:
    fold = folds(np.arange(len(stratum)), stratum, n, seed=0)
    for s in set(stratum):
        counts = np.bincount(fold[[x == s for x in stratum]], minlength=n)
        assert counts.max() - counts.min() <= 1


def test_groups_are_dealt_as_evenly_as_they_allow() -> None:
    rng = np.random.default_rng(0)
    group = rng.integers(0, 60, 400)
    stratum = ["xy"[int(g) % 2] for g in group]
    fold = folds(group, stratum, 4, seed=0)
    for s in "xy":
        counts = np.bincount(fold[[x == s for x in stratum]], minlength=4)
        assert counts.max() - counts.min() <= 0.15 * counts.mean()
    assert (fold != folds(group, stratum, 4, seed=1)).any()
