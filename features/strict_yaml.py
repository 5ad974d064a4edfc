"""YAML for files that people write: plain data only, and no key twice."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml

__all__ = ["load_strict"]


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
