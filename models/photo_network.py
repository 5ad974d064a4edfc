"""The network that looks at photos, behind ONNX Runtime: bytes of pixels in, calibrated conditions and maps out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.errors import ReleaseError
from models.places import HEAT, Box, Floats, Frame, letterbox, outline
from models.release import Release
from models.session import open_session

__all__ = ["Look", "PhotoNetwork"]


@dataclass(frozen=True, slots=True)
class Look:
    """What the network sees in one photo: calibrated conditions ``(c,)``, maps of probabilities ``(k, h, w)``."""

    p: Floats
    heat: Floats
    frame: Frame

    def map(self, kind: str) -> Floats:
        """Give the map of one kind of `models.places.HEAT`, ``(h, w)``."""
        out: Floats = self.heat[HEAT.index(kind)]
        return out

    @property
    def device(self) -> Box | None:
        """Where the device lies, in shares of the photo."""
        found = outline(self.map("device"))
        return self.frame.shares(found) if found else None


class PhotoNetwork:
    """The network of a release, for any set of conditions.

    Parameters
    ----------
    release : Release

    Attributes
    ----------
    conditions : list of str
    size : int
        Side of its input in pixels.

    Raises
    ------
    ReleaseError
        If the release does not hold one, or it does not run.
    """

    def __init__(self, release: Release) -> None:
        try:
            self._load(release)
        except ReleaseError:
            raise
        except Exception as error:  # ONNX Runtime has its own kinds
            raise ReleaseError(f"not what a release of photos holds: {error!r}") from error

    def _load(self, release: Release) -> None:
        config = release.config
        self.size = int(config["size"])
        self.conditions: list[str] = [c.key for c in release.taxonomy.categories]
        if tuple(config["maps"]) != HEAT:
            raise ReleaseError("release.json: maps that are not known here")
        names = ("scale", "bias", "map_scale", "map_bias")
        self._scale, self._bias, self._map_scale, self._map_bias = (
            release.tensors[name].astype(np.float32) for name in names
        )
        c, k = len(self.conditions), len(HEAT)
        shapes = [release.tensors[name].shape for name in names]
        if shapes != [(1,), (c,), (k,), (k,)]:
            raise ReleaseError("weights.safetensors: shapes do not fit the conditions and maps")
        self._session = open_session(release.network, release.path)
        logits, heat = self.raw(np.zeros((1, self.size, self.size, 3), np.uint8))
        # Looked at as they come: calibration would stretch a single logit or map over all.
        if logits.shape != (1, c) or heat.shape != (1, k, heat.shape[-1], heat.shape[-1]):
            raise ReleaseError("model.onnx: does not fit the conditions and maps")
        if not (np.isfinite(logits).all() and np.isfinite(heat).all()):
            raise ReleaseError("model.onnx: gives NaN or infinity")

    def raw(self, square: npt.NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """Give the logits ``(n, c)`` and the maps' ``(n, k, h, w)`` of squares ``(n, size, size, 3)``."""
        logits, heat = self._session.run(["logits", "heat"], {"photo": square})
        return logits, heat

    def look(self, pixels: Any) -> Look:
        """Look at one upright photo, ``(h, w, 3)`` of bytes."""
        square, frame = letterbox(pixels, self.size)
        logits, heat = self.raw(square[None])
        scaled = logits[0] * self._scale + self._bias
        p = np.exp(scaled - scaled.max())
        maps = heat[0] * self._map_scale[:, None, None] + self._map_bias[:, None, None]
        return Look((p / p.sum()).astype(np.float32), frame.inside(0.5 * (1 + np.tanh(0.5 * maps))), frame)
