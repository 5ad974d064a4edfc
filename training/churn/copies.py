"""Which rows of a table are one customer: rows that stand in a training and in a judging fold at once are a leak.

Equal rows are copies; so are rows of one identifier (a customer a month, say). Some tables hold more: rows whose words
were changed, cells blanked, numbers raised by a fixed step. They are found by how many fields agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from training.churn.table import CustomerTable

__all__ = ["by_content", "by_customer", "customer_weights"]

Ints = npt.NDArray[np.int64]

# Every row is compared with every other: 20,000 rows take a minute, and ten times as many would take two hours.
MOST_COMPARED = 20_000
NOTHING = -(10**12)


def _grouped(n: int, pairs: Sequence[tuple[int, int]]) -> Ints:
    ends = np.array(pairs, np.int64).reshape(-1, 2)
    links = coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(n, n))
    group: Ints = connected_components(links, directed=False)[1].astype(np.int64)
    return group


def _equal(table: CustomerTable) -> list[tuple[int, int]]:
    """Pair rows that agree in everything but the identifier, and rows of one identifier."""
    first: dict[object, int] = {}
    pairs = []
    columns = [table.values[f.name] for f in table.fields]
    for i, key in enumerate(zip(*columns, table.left, strict=True)):
        pairs.append((first.setdefault(("row", *key), i), i))
        if table.ids[i]:
            pairs.append((first.setdefault(("id", table.ids[i]), i), i))
    return pairs


def by_content(table: CustomerTable) -> Ints:
    """Give numbers to rows such that equal rows, and rows of one identifier, have one number, ``(n,)``."""
    return _grouped(len(table), _equal(table))


def by_customer(table: CustomerTable, alike: float, steps: Mapping[str, float]) -> Ints:
    """Give numbers to rows by customer: `by_content`, and rows that agree in nearly all fields.

    Parameters
    ----------
    table : CustomerTable
    alike : float
        The share of fields that must agree; a value that is missing in both agrees.
    steps : mapping of str to float
        By how much each field of a copy may be raised, all of them at once.

    Returns
    -------
    ndarray of int64, (n,)
    """
    pairs = _equal(table)
    if alike < 1.0 and len(table) <= MOST_COMPARED:
        raised = np.array([round(steps.get(f.name, 0.0) * 1000) for f in table.fields])
        pairs += _alike(_plain(table), raised, int(np.ceil(alike * len(table.fields))))
    return _grouped(len(table), pairs)


def _plain(table: CustomerTable) -> Ints:
    """Give all values as whole numbers, ``(fields, n)``: thousandths, places of words, `NOTHING` where missing."""
    rows = []
    for f in table.fields:
        values = table.values[f.name]
        place = {v: i for i, v in enumerate(dict.fromkeys(values))}
        rows.append([NOTHING if v is None else place[v] if isinstance(v, str) else round(v * 1000) for v in values])
    return np.array(rows, np.int64)


def _alike(columns: Ints, raised: Ints, least: int) -> list[tuple[int, int]]:
    pairs = []
    for step in [np.zeros_like(raised), raised] if raised.any() else [raised]:
        for i, row in enumerate((columns + np.where(columns == NOTHING, 0, step[:, None])).T):
            agreeing = (columns == row[:, None]).sum(axis=0, dtype=np.uint8)
            pairs += [(i, int(j)) for j in np.flatnonzero(agreeing >= least) if j != i]
    return pairs


def customer_weights(group: Ints) -> npt.NDArray[np.float64]:
    """Let every customer count once, however many rows there are of it, ``(n,)``."""
    weights: npt.NDArray[np.float64] = 1.0 / np.bincount(group)[group]
    return weights
