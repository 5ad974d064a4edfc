"""YAML for files that people write: plain data only, and no key twice."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from typing import Any

import yaml

from features.errors import ConfigError

__all__ = ["known_keys", "load_strict", "read_page"]


class _StrictLoader(yaml.SafeLoader):
    """YAML that refuses a key written twice, where plain YAML silently keeps the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Read a mapping."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if twice := {k for k in keys if keys.count(k) > 1}:
            raise yaml.constructor.ConstructorError(
                None, None, f"written twice: {', '.join(map(str, sorted(twice)))}", node.start_mark
            )
        return super().construct_mapping(node, deep)


def load_strict(text: str) -> Any:
    """Read YAML (or JSON).

    Raises
    ------
    yaml.YAMLError
        If it is not YAML, asks for anything but plain data, or writes a key twice.
    """
    return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 (a SafeLoader)


def read_page(text: str, name: str) -> Any:
    """Read a page of configuration as `load_strict` does.

    Raises
    ------
    ConfigError
        If it cannot be read; the message begins with the page's name.
    """
    try:
        return load_strict(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{name}: {error}") from error


def known_keys(where: str, row: object, keys: Collection[str]) -> Mapping[str, Any]:
    """Take a part of a page that must be a mapping and have no other keys than these.

    Raises
    ------
    ConfigError
        Which names the place.
    """
    if not isinstance(row, Mapping):
        raise ConfigError(f"{where}: expected a mapping")
    if unknown := set(row) - set(keys):
        raise ConfigError(f"{where}: unknown keys {sorted(map(str, unknown))}")
    return row
