"""The labels: categories, tags, urgency levels, and which tag may stand under which category."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import yaml

from features.errors import TaxonomyError
from features.strict_yaml import load_strict

__all__ = ["Label", "Tag", "Taxonomy", "default_taxonomy", "flat_taxonomy", "load_taxonomy", "parse_taxonomy"]

DEFAULT_PATH: Final = Path(__file__).with_name("taxonomy.yaml")
_KEYS: Final = {
    "taxonomy": {"version", "categories", "tags", "urgency"},
    "label": {"zh", "en", "means"},
    "tag": {"zh", "en", "means", "categories", "parent"},
}


@dataclass(frozen=True, slots=True)
class Label:
    """A category or an urgency level: its key and its names."""

    key: str
    zh: str
    en: str
    means: str = ""

    def name(self, language: str) -> str:
        """Give the name a reader of `language` sees."""
        return self.zh if language.startswith("zh") else self.en


@dataclass(frozen=True, slots=True)
class Tag(Label):
    """A tag: a label that may stand only under `categories`; giving it implies its `parent`."""

    categories: tuple[str, ...] = ()
    parent: str | None = None


@dataclass(frozen=True)
class Taxonomy:
    """All labels of one version, checked.

    Attributes
    ----------
    version : int
    categories, urgency : tuple of Label
    tags : tuple of Tag
    """

    version: int
    categories: tuple[Label, ...]
    tags: tuple[Tag, ...] = ()
    urgency: tuple[Label, ...] = ()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the labels and their order (weights go by place), whatever the layout of the file."""
        return hashlib.sha256(json.dumps(self.as_dict(), ensure_ascii=False).encode()).hexdigest()

    @cached_property
    def allowed(self) -> npt.NDArray[np.bool_]:
        """Which tag may stand under which category, ``(categories, tags)``."""
        cells = [[c.key in t.categories for t in self.tags] for c in self.categories]
        return np.array(cells, dtype=np.bool_).reshape(len(self.categories), len(self.tags))

    @cached_property
    def ancestors(self) -> dict[str, tuple[str, ...]]:
        """Every tag's parent and grandparents, nearest first."""
        parent = {t.key: t.parent for t in self.tags}
        return {t.key: tuple(_chain(t.key, parent)) for t in self.tags}

    def as_dict(self) -> dict[str, Any]:
        """Give the content in the layout of the YAML file."""

        def plain(label: Label) -> dict[str, Any]:
            row: dict[str, Any] = {"zh": label.zh, "en": label.en}
            if label.means:
                row["means"] = label.means
            if isinstance(label, Tag):
                row["categories"] = list(label.categories)
                if label.parent:
                    row["parent"] = label.parent
            return row

        parts = {"categories": self.categories, "tags": self.tags, "urgency": self.urgency}
        return {"version": self.version, **{k: {x.key: plain(x) for x in v} for k, v in parts.items()}}


def _known(where: str, row: object, kind: str) -> Mapping[str, Any]:
    if not isinstance(row, Mapping):
        raise TaxonomyError(f"{where}: expected a mapping")
    unknown = set(row) - _KEYS[kind]
    if unknown:
        raise TaxonomyError(f"{where}: unknown keys {sorted(map(str, unknown))}")
    return row


def _label(where: str, key: str, row: Mapping[str, Any]) -> dict[str, Any]:
    names = {k: row.get(k) for k in ("zh", "en")}
    if not all(isinstance(v, str) and v.strip() for v in names.values()):
        raise TaxonomyError(f"{where}: needs both names, zh and en")
    return {"key": key, **names, "means": row.get("means", "")}


def _chain(key: str, parent: Mapping[str, str | None]) -> list[str]:
    chain: list[str] = []
    while (up := parent.get(key)) is not None:
        if up in chain:
            raise TaxonomyError(f"tags: {key} is its own ancestor")
        chain.append(up)
        key = up
    return chain


def _check_names(taxonomy: Taxonomy) -> None:
    for part in ("categories", "tags", "urgency"):
        for field in ("zh", "en"):
            names = [getattr(x, field) for x in getattr(taxonomy, part)]
            if twice := {n for n in names if names.count(n) > 1}:
                raise TaxonomyError(f"{part}: the {field} name {min(twice)!r} is used twice")


def _check(taxonomy: Taxonomy) -> Taxonomy:
    categories = {c.key for c in taxonomy.categories}
    by_key = {t.key: t for t in taxonomy.tags}
    if not categories:
        raise TaxonomyError("categories: at least one is needed")
    _check_names(taxonomy)
    for tag in taxonomy.tags:
        if not tag.categories:
            raise TaxonomyError(f"tags.{tag.key}: stands under no category")
        if unknown := set(tag.categories) - categories:
            raise TaxonomyError(f"tags.{tag.key}: unknown categories {sorted(unknown)}")
        if tag.parent is not None:
            if tag.parent not in by_key:
                raise TaxonomyError(f"tags.{tag.key}: unknown parent {tag.parent!r}")
            if not set(tag.categories) <= set(by_key[tag.parent].categories):
                raise TaxonomyError(f"tags.{tag.key}: allowed where its parent {tag.parent} is not")
    _ = taxonomy.ancestors  # walks every chain, so a cycle shows here and not in an answer
    return taxonomy


def parse_taxonomy(text: str) -> Taxonomy:
    """Read and check a taxonomy.

    Parameters
    ----------
    text : str
        YAML (or JSON) in the layout of ``features/taxonomy.yaml``.

    Raises
    ------
    TaxonomyError
        On unknown keys, keys or names written twice, a tag without a category or under an unknown one,
        a parent that is unknown or its own descendant. The message names the place.
    """
    try:
        root = _known("taxonomy", load_strict(text), "taxonomy")
    except yaml.YAMLError as error:
        raise TaxonomyError(f"not YAML: {error}") from error
    if not isinstance(root.get("version"), int):
        raise TaxonomyError("version: expected a whole number")
    labels: dict[str, list[Label]] = {"categories": [], "urgency": []}
    for part, found in labels.items():
        for key, row in (root.get(part) or {}).items():
            where = f"{part}.{key}"
            found.append(Label(**_label(where, str(key), _known(where, row, "label"))))
    tags = []
    for key, row in (root.get("tags") or {}).items():
        where = f"tags.{key}"
        row = _known(where, row, "tag")
        categories = row.get("categories") or []
        if not isinstance(categories, list):
            raise TaxonomyError(f"{where}.categories: expected a list")
        tags.append(
            Tag(**_label(where, str(key), row), categories=tuple(map(str, categories)), parent=row.get("parent"))
        )
    return _check(Taxonomy(root["version"], tuple(labels["categories"]), tuple(tags), tuple(labels["urgency"])))


def load_taxonomy(path: Path) -> Taxonomy:
    """Read and check the taxonomy in the file `path`; errors as `parse_taxonomy`."""
    return parse_taxonomy(path.read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def default_taxonomy() -> Taxonomy:
    """Give the project's own taxonomy."""
    return load_taxonomy(DEFAULT_PATH)


def flat_taxonomy(names: list[str]) -> Taxonomy:
    """Make a taxonomy of categories alone, for a table with one label column."""
    return _check(Taxonomy(1, tuple(Label(n, n, n) for n in names)))
