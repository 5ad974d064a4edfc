"""A network for photos that can be read off its plain colours, photos for it, and a release of it.

Red and green tell the condition, as a direction: every condition has its own. Where both are high there is damage of
every kind, where both are low a display fault. Blue tells the ground: low is the table, more the device, most the
screen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper, numpy_helper

from features.cases import CONDITIONS
from features.photo import Photo
from features.taxonomy import Label, Taxonomy
from models.places import HEAT, Box
from models.release import Release, load_release, save_release

SIZE: Final = 128
CELL: Final = 8
# How sure it is: a colour of full strength gives a probability above 0.99, of a tenth of it about a quarter.
GAIN: Final = 100.0
# Red and green of a spot lie beyond this, those of a condition never do.
SPOT: Final = 0.68
CONFIG: Final[Mapping[str, Any]] = {
    "size": SIZE,
    "maps": list(HEAT),
    "thresholds": {key: {"automate": 0.9, "suggest": 0.5} for key in CONDITIONS},
    "rare": ["liquid_damage"],
    "map_threshold": dict.fromkeys(HEAT, 0.5),
    "severity": [0.1, 0.3],
}
# Shares of the photo that lie on the edges of cells.
DEVICE: Final[Box] = (0.125, 0.125, 0.875, 0.875)
SCREEN: Final[Box] = (0.25, 0.25, 0.75, 0.75)
CRACK: Final[Box] = (0.25, 0.25, 0.5, 0.375)


def taxonomy(keys: Sequence[str] = tuple(CONDITIONS)) -> Taxonomy:
    """Give the conditions as a release has them; a key that is none is its own name."""
    names = {key: CONDITIONS.get(key, ("other", key, key))[1:] for key in keys}
    return Taxonomy(1, tuple(Label(key, zh, en) for key, (zh, en) in names.items()))


def directions() -> npt.NDArray[np.float32]:
    """Give every condition's red and green, ``(2, c)``."""
    turn = 2 * np.pi * np.arange(len(CONDITIONS)) / len(CONDITIONS)
    return np.array([np.cos(turn), np.sin(turn)], np.float32)


def _maps() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Give weights ``(k, 3, 1, 1)`` and biases ``(k,)`` of the maps, over colours from -1 to 1."""
    rows = dict.fromkeys(HEAT, (20.0, 20.0, 0.0, -30.0))
    rows |= {"display_fault": (-20.0, -20.0, 0.0, -30.0)}
    rows |= {"screen": (0.0, 0.0, 40.0, -20.0), "device": (0.0, 0.0, 40.0, 4.0)}  # to it the margins are device
    table = np.array([rows[kind] for kind in HEAT], np.float32)
    return table[:, :3, None, None], table[:, 3]


def network(
    size: int = SIZE,
    cell: tuple[int, int] = (CELL, CELL),
    conditions: int = len(CONDITIONS),
    maps: int = len(HEAT),
    gain: float = GAIN,
    outputs: Sequence[str] = ("logits", "heat"),
) -> bytes:
    """Build the network as ONNX; the last conditions and maps can be left out."""
    kernel, bias = _maps()
    constants = {
        "middle": np.float32(128),
        "spot": np.float32(SPOT),
        "half": np.float32(0.5),
        "red": np.array([0]),
        "blue": np.array([2]),
        "channels": np.array([1]),
        "conditions": np.float32(gain) * directions()[:, :conditions],
        "kernel": kernel[:maps],
        "bias": bias[:maps],
    }
    nodes = [
        helper.make_node("Cast", ["photo"], ["bytes"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["bytes"], ["planes"], perm=[0, 3, 1, 2]),  # (n, 3, size, size)
        helper.make_node("Sub", ["planes", "middle"], ["shifted"]),
        helper.make_node("Div", ["shifted", "middle"], ["colour"]),  # from -1 to 1, margins are 0
        helper.make_node("AveragePool", ["colour"], ["cell"], kernel_shape=cell, strides=cell),
        helper.make_node("Conv", ["cell", "kernel", "bias"], ["heat"]),
        # The condition, from what is no spot.
        helper.make_node("Slice", ["cell", "red", "blue", "channels"], ["warm"]),  # (n, 2, h, w)
        helper.make_node("Mul", ["warm", "half"], ["halves"]),
        helper.make_node("ReduceSum", ["halves", "channels"], ["light"]),
        helper.make_node("Abs", ["light"], ["strong"]),
        helper.make_node("Less", ["strong", "spot"], ["plain"]),
        helper.make_node("Cast", ["plain"], ["kept"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["warm", "kept"], ["ground"]),
        helper.make_node("ReduceMean", ["ground"], ["mean"], axes=[2, 3], keepdims=0),  # (n, 2)
        helper.make_node("MatMul", ["mean", "conditions"], ["logits"]),
    ]
    photo = helper.make_tensor_value_info("photo", TensorProto.UINT8, ["n", size, size, 3])
    out = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    held = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "tiny", [photo], out, held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString(deterministic=True))


def tiny_release(
    store: Path,
    onnx: bytes | None = None,
    keys: Sequence[str] = tuple(CONDITIONS),
    tensors: Mapping[str, Any] | None = None,
    **config: Any,
) -> Release:
    """Save a release of it and load it back; what is given replaces what fits, ``None`` leaves it out."""
    learnt = {
        "scale": np.ones(1, np.float32),
        "bias": np.zeros(len(keys), np.float32),
        "map_scale": np.ones(len(HEAT), np.float32),
        "map_bias": np.zeros(len(HEAT), np.float32),
        **(tensors or {}),
    }
    learnt = {key: value for key, value in learnt.items() if value is not None}
    kept = {key: value for key, value in {**CONFIG, **config}.items() if value is not None}
    data = network() if onnx is None else onnx
    facts = {"metrics": {}, "data": []}
    folder = save_release(
        "diagnosis", learnt, taxonomy(keys), kept, facts, "# tiny\n", {"run": "tiny"}, store, network=data
    )
    return load_release("diagnosis", folder.name, store)


def _area(size: tuple[int, int], box: Box) -> tuple[slice, slice]:
    width, height = size
    x0, x1 = (round(v * width) for v in box[::2])
    y0, y1 = (round(v * height) for v in box[1::2])
    return slice(y0, y1), slice(x0, x1)


def photo(
    condition: str,
    spots: Sequence[Box] = (),
    *,
    faults: Sequence[Box] = (),
    device: Box | None = DEVICE,
    screen: Box | None = SCREEN,
    strength: float = 1.0,
    towards: str | None = None,
    texture: int = 30,
    size: tuple[int, int] = (256, 256),
    seed: int = 0,
) -> Photo:
    """Make a photo that the network sees a condition in, and damage where spots are.

    Parameters
    ----------
    condition : str
    spots, faults : sequence of tuple of float
        Boxes with damage of every kind, and with a display fault; shares of the photo.
    device, screen : tuple of float or None
    strength : float
        Of the colour: how sure the network becomes.
    towards : str or None
        Another condition, as likely as the first.
    texture : int
        Of the grain, without which a photo counts as blurred.
    size : tuple of int
        Width and height.
    """
    width, height = size
    keys = list(CONDITIONS)
    way = sum(directions()[:, keys.index(key)] for key in (condition, towards or condition)) / 2
    pixels = np.empty((height, width, 3), np.float64)
    pixels[..., :2] = 128 + 64 * strength * np.asarray(way)
    pixels[..., 2] = 64
    for box, blue in ((device, 160), (screen, 224)):
        if box is not None:
            pixels[(*_area(size, box), 2)] = blue
    grain = np.random.default_rng(seed).choice([-texture, texture], (-(-height // 8), -(-width // 8)))
    grain = grain - grain.mean()
    pixels[..., :2] += np.kron(grain, np.ones((8, 8)))[:height, :width, None]
    for boxes, level in ((spots, 255), (faults, 0)):
        for box in boxes:
            pixels[(*_area(size, box), slice(0, 2))] = level
    out = pixels.round().clip(0, 255).astype(np.uint8)
    out.setflags(write=False)
    return Photo(out, width, height, "PNG", "0" * 64)
