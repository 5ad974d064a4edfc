"""What every release says of itself: figures in four digits, tables in Markdown, who made it and when."""

from __future__ import annotations

import getpass
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

__all__ = ["made_by", "markdown", "rounded"]


def rounded(table: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, Any]]:
    """Four digits, and JSON has no NaN."""
    return {k: {x: None if v != v else round(v, 4) for x, v in row.items()} for k, row in table.items()}


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table."""
    return "\n".join(f"| {' | '.join(r)} |" for r in [head, ["---"] * len(head), *rows])


def made_by(run: str) -> dict[str, str]:
    """Give the provenance of a release that a run of MLflow makes now."""
    return {"run": run, "created": datetime.now(UTC).isoformat(timespec="seconds"), "by": getpass.getuser()}
