"""The network as ONNX, in full precision and in eight bits, and what each step costs."""

from __future__ import annotations

import io
import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from training.diagnosis.network import Network, Whole

__all__ = ["eight_bits", "silent", "to_onnx"]

OPSET: Final = 17


def to_onnx(network: Network, size: int) -> bytes:
    """Export a network with the frozen half before it; bytes of pixels go in."""
    whole = Whole(network).eval().to(memory_format=torch.contiguous_format)
    example = torch.zeros((1, size, size, 3), dtype=torch.uint8)
    out = io.BytesIO()
    with warnings.catch_warnings():  # the exporter that writes plain graphs is called deprecated; the new one is slow
        warnings.simplefilter("ignore")
        torch.onnx.export(
            whole, (example,), cast("Any", out), dynamo=False, opset_version=OPSET, input_names=["photo"],
            output_names=["logits", "heat"], dynamic_axes={name: {0: "n"} for name in ("photo", "logits", "heat")},
        )  # fmt: skip
    model = onnx.load_from_string(out.getvalue())
    del model.metadata_props[:]
    model.producer_version = ""
    return bytes(model.SerializeToString(deterministic=True))


@contextmanager
def silent() -> Iterator[None]:
    """Keep a line for every channel of small weights from the log."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


class _Squares(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, squares: npt.NDArray[np.uint8]) -> None:
        self._left: Iterator[npt.NDArray[np.uint8]] = iter(squares)

    def get_next(self) -> dict[str, Any] | None:
        square = next(self._left, None)
        return None if square is None else {"photo": square[None]}


def eight_bits(network: bytes, squares: npt.NDArray[np.uint8]) -> bytes:
    """Quantise the convolutions to eight bits; the decision and the map stay in full precision.

    Parameters
    ----------
    network : bytes
        ONNX.
    squares : ndarray (n, size, size, 3)
        Photos to take the ranges of activations from.
    """
    with tempfile.TemporaryDirectory() as folder, silent():
        source, ready, out = (Path(folder) / f"{name}.onnx" for name in ("source", "ready", "out"))
        source.write_bytes(network)
        quant_pre_process(source, ready, skip_symbolic_shape=True)
        kept = [n.name for n in onnx.load(ready).graph.node if "/heat/" in n.name]
        quantize_static(
            ready, out, _Squares(squares), quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, nodes_to_exclude=kept,
            op_types_to_quantize=["Conv", "Clip"],  # with Clip: ranges then end where ReLU6 does
        )  # fmt: skip
        return out.read_bytes()
