"""``evaluate``: a saved release of photos, by the code that answers, on any table of photos."""

from __future__ import annotations

import argparse
import logging

import numpy as np

from features.errors import ConfigError
from features.photo import read_photo
from models.photo_network import PhotoNetwork
from models.release import Release
from training.diagnosis.judge import figures
from training.diagnosis.run import own_photos

__all__ = ["evaluate_photos"]

log = logging.getLogger(__name__)


def evaluate_photos(release: Release, arguments: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Give accuracy and calibration in all, by condition and by source.

    Of a table with an official split the test part is judged; rows of other labels than the release's are left out.

    Raises
    ------
    ConfigError
        If no row has a label that the release knows.
    """
    network = PhotoNetwork(release)
    table, _, _ = own_photos(arguments)
    if table.digest in {d["sha256"] for d in release.manifest["data"]}:
        log.warning("the release was fitted on photos of this very table: only an official test part is an estimate")
    rows = [i for i, r in enumerate(table.rows) if r.label in network.conditions]
    splits = {table.rows[i].split for i in rows}
    if arguments.data and {"train", "test"} <= splits:
        rows = [i for i in rows if table.rows[i].split == "test"]
    if not rows:
        raise ConfigError(f"no photo has a label of {', '.join(network.conditions)}")
    p = np.stack([network.look(read_photo(table.data(i)).pixels).p for i in rows])
    truth = np.array([network.conditions.index(table.rows[i].label) for i in rows])
    return figures(p, truth, network.conditions, [table.rows[i].source for i in rows])
