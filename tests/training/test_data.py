"""The rows that releases learn from."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from features.errors import ConfigError
from features.taxonomy import default_taxonomy
from training import data as sources
from training.config import load_config
from training.corpus import distinct, near_duplicates
from training.data import SOURCES, Row, Table, content_key, data_root, load_table, read_csv_table
from training.dataset import gather

TAXONOMY = default_taxonomy()
ALLOWED = {t.key: set(t.categories) for t in TAXONOMY.tags}
CATEGORIES = {c.key for c in TAXONOMY.categories}


@pytest.fixture(scope="module")
def corpus() -> Table:
    table = load_table("corpus")
    assert table is not None
    return table


def check_labels(rows: tuple[Row, ...]) -> None:
    for row in rows:
        assert row.category in CATEGORIES, row.id
        assert row.urgency in {None, "p1", "p2", "p3", "p4"}, row.id
        assert len(set(row.tags or ())) == len(row.tags or ()), row.id
        for tag in row.tags or ():
            assert row.category in ALLOWED[tag], f"{row.id}: {tag} under {row.category}"


def test_the_corpus_is_large_enough_for_every_label(corpus: Table) -> None:
    assert len(corpus.rows) >= 2400
    tags = Counter(t for r in corpus.rows for t in r.tags or ())
    assert set(tags) == set(ALLOWED)
    assert min(tags.values()) >= 40
    assert Counter(r.urgency for r in corpus.rows)["p1"] >= 120
    assert min(Counter(r.category for r in corpus.rows).values()) >= 100


def test_the_corpus_keeps_to_the_taxonomy(corpus: Table) -> None:
    check_labels(corpus.rows)
    assert len({r.id for r in corpus.rows}) == len(corpus.rows)
    assert all(r.text.strip() == r.text for r in corpus.rows if r.category != "other")


def test_the_corpus_does_not_repeat_itself(corpus: Table) -> None:
    texts = [r.text for r in corpus.rows]
    assert len({j for _, j in near_duplicates(texts)}) / len(texts) < 0.02
    assert distinct(texts, 3) > 0.5


def test_near_duplicates_are_found() -> None:
    texts = ["昨天买的手机屏幕碎了想问保修", "昨天买的手机屏幕碎了想问保修吗", "发票什么时候开"]
    assert near_duplicates(texts) == [(0, 1)]


def test_labels_by_reading_hold_no_text() -> None:
    with (Path(sources.__file__).parent / "read_labels.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert set(lines[0]) == {"id", "category", "tags", "urgency"}
    assert len({r["id"] for r in lines}) == len(lines)
    for row in lines:
        assert all(v.isascii() and len(v) < 120 for v in row.values()), row
        assert row["id"].split("-")[0] in {"osc", "stc3", "jddc", "uss"}
    check_labels(tuple(Row(r["id"], "", "read", r["category"], tuple(r["tags"].split()), r["urgency"]) for r in lines))


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_every_source_that_is_here(name: str) -> None:
    table = load_table(name)
    if table is None:
        pytest.skip(f"{name} lies in the shared data, which is not at {data_root()}")
    check_labels(table.rows)
    assert len(table.digest) == 64
    assert len({r.id for r in table.rows}) == len(table.rows)
    assert all(r.source.split("/")[0] in {name, "gold"} for r in table.rows)
    assert all(r.text for r in table.rows)


def test_without_the_shared_data_the_corpus_is_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AFTERSIGHT_DATA", str(tmp_path))
    assert {n for n in SOURCES if load_table(n)} == {"corpus"}


def test_a_part_of_a_source_may_count_otherwise() -> None:
    knobs = [
        "weights.gold=0",
        "weights.read=0",
        "weights.corpus=0.25",
        "weights.corpus/out_of_scope=0.75",
        "rewritten=0",
    ]
    data = gather(load_config(knobs))
    assert {w for r, w in zip(data.rows, data.weight, strict=True) if r.source.endswith("scope")} == {0.75}
    assert {w for r, w in zip(data.rows, data.weight, strict=True) if not r.source.endswith("scope")} == {0.25}
    assert {t.name for t in data.tables} == {"corpus"}


def test_an_unknown_source() -> None:
    with pytest.raises(ConfigError, match="there are: corpus"):
        load_table("golden")


@pytest.mark.parametrize(("a", "b"), [("退 货！", "退货"), ("退貨", "退货"), ("Ｒefund?", "refund"), ("!!", "!!")])
def test_what_counts_as_the_same(a: str, b: str) -> None:
    assert content_key(a) == content_key(b)


def test_what_does_not() -> None:
    assert content_key("!!") != content_key("??")
    assert content_key("退货") != content_key("退款")


@pytest.mark.parametrize(("name", "mark"), [("t.csv", ","), ("t.tsv", "\t")])
def test_a_table_of_the_callers(tmp_path: Path, name: str, mark: str) -> None:
    path = tmp_path / name
    path.write_text(f'\ufefftitle{mark}kind\n"a, ""b""\nc"{mark}x\n{mark}y\nz{mark}\nd{mark}y\n', encoding="utf-8")
    table = read_csv_table(path, "title", "kind")
    assert [(r.text, r.category) for r in table.rows] == [('a, "b"\nc', "x"), ("d", "y")]
    assert table.rows[0].tags is None


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "text,label\n", "text,label\nonly\n", "text,label\n,x\n"])
def test_a_table_that_is_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"t\.csv"):
        read_csv_table(path, "text", "label")


def test_a_table_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        read_csv_table(tmp_path / "nowhere.csv", "text", "label")
    (tmp_path / "t.csv").write_bytes(b"text,label\n\xff\xfe,x\n")
    with pytest.raises(ConfigError):
        read_csv_table(tmp_path / "t.csv", "text", "label")
