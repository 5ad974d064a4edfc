"""The taxonomy is checked on load: every way to contradict itself is refused by name."""

import json

import pytest
import yaml

from features.errors import TaxonomyError
from features.taxonomy import DEFAULT_PATH, default_taxonomy, flat_taxonomy, parse_taxonomy

GOOD = {
    "version": 1,
    "categories": {"a": {"zh": "甲", "en": "A"}, "b": {"zh": "乙", "en": "B"}},
    "tags": {
        "x": {"zh": "子", "en": "X", "categories": ["a", "b"]},
        "y": {"zh": "丑", "en": "Y", "categories": ["a"], "parent": "x"},
    },
    "urgency": {"p1": {"zh": "急", "en": "P1"}},
}


def broken(path: str, value: object) -> str:
    root = json.loads(json.dumps(GOOD))
    *way, last = path.split(".")
    place = root
    for step in way:
        place = place[step]
    place[last] = value
    return yaml.safe_dump(root, allow_unicode=True)


def test_the_default_holds_what_the_design_says() -> None:
    taxonomy = default_taxonomy()
    assert [c.key for c in taxonomy.categories] == ["return_exchange", "repair", "inquiry", "complaint", "other"]
    assert len(taxonomy.tags) == 34
    assert [u.key for u in taxonomy.urgency] == ["p1", "p2", "p3", "p4"]
    assert taxonomy.allowed.shape == (5, 34)
    assert not taxonomy.allowed[4].any()  # other takes no tag
    assert len(taxonomy.digest) == 64


def test_good_and_round_trip() -> None:
    taxonomy = parse_taxonomy(yaml.safe_dump(GOOD, allow_unicode=True))
    assert taxonomy.ancestors == {"x": (), "y": ("x",)}
    assert parse_taxonomy(json.dumps(taxonomy.as_dict())).digest == taxonomy.digest


@pytest.mark.parametrize(
    ("path", "value", "names"),
    [
        ("colour", "red", "colour"),
        ("categories.a.colour", "red", "categories.a"),
        ("tags.x.categories", [], "tags.x"),
        ("tags.x.categories", ["nowhere"], "nowhere"),
        ("tags.x.categories", "a", "tags.x"),
        ("tags.x", {"zh": "子", "en": "X", "categories": ["a"], "parent": "y"}, "ancestor"),
        ("tags.x.parent", "nobody", "nobody"),
        ("tags.y.zh", "子", "子"),
        ("categories.b.en", "A", "'A'"),
        ("categories.b.en", " ", "categories.b"),
        ("categories.b", None, "categories.b"),
        ("categories", {}, "at least one"),
        ("version", "one", "version"),
    ],
)
def test_contradictions_are_refused_by_name(path: str, value: object, names: str) -> None:
    with pytest.raises(TaxonomyError, match=names):
        parse_taxonomy(broken(path, value))


def test_a_child_stands_only_where_its_parent_does() -> None:
    with pytest.raises(TaxonomyError, match="parent"):
        parse_taxonomy(broken("tags.x.categories", ["b"]))


def test_a_key_written_twice_is_refused() -> None:
    text = DEFAULT_PATH.read_text(encoding="utf-8").replace("delivery_lost:", "logistics_delay:", 1)
    with pytest.raises(TaxonomyError, match="logistics_delay"):
        parse_taxonomy(text)


@pytest.mark.parametrize("text", ["", "- a list", "a: [", "!!python/object/apply:os.system ['true']", "&a [*a]"])
def test_what_is_no_taxonomy_is_refused(text: str) -> None:
    with pytest.raises(TaxonomyError):
        parse_taxonomy(text)


def test_a_flat_table_becomes_a_taxonomy() -> None:
    taxonomy = flat_taxonomy(["card_arrival", "退款"])
    assert [c.name("zh") for c in taxonomy.categories] == ["card_arrival", "退款"]
    assert taxonomy.allowed.shape == (2, 0)
