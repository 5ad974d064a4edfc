"""A photo's time in the network on one thread, against torch: ``python tests/bench/bench_photo_network.py``.

The weights are the pretrained ones: time does not depend on what was learnt. All ways take turns; the median counts.
"torch eager" is EfficientNet-lite0 as timm gives it, without our heads; "the same, folded" is our whole network as it
is trained, its batch norms folded into the convolutions.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[2]))

from features.cases import CONDITIONS
from features.photo import read_photo
from models.places import HEAT, letterbox
from serving.demo_photos import PHOTOS
from training.diagnosis.export import eight_bits, to_onnx
from training.diagnosis.network import Network, Whole, lite0

SIZE, TURNS = 384, 25


def session(network: bytes) -> Callable[[np.ndarray], object]:
    """Give what runs a network in ONNX Runtime on one thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    run = ort.InferenceSession(network, options, providers=["CPUExecutionProvider"]).run
    return lambda square: run(None, {"photo": square})


def eager(whole: nn.Module) -> Callable[[np.ndarray], object]:
    """Give what runs a network in torch."""

    def run(square: np.ndarray) -> object:
        with torch.inference_mode():
            return whole(torch.from_numpy(square))

    return run


class Plain(nn.Module):
    """The backbone alone, as timm gives it, photos of bytes in."""

    def __init__(self) -> None:
        super().__init__()
        self.model = lite0()

    def forward(self, photo: Tensor) -> Tensor:
        """Name the thing."""
        named: Tensor = self.model(photo.permute(0, 3, 1, 2).float() / 127.5 - 1.0)
        return named


def main() -> None:
    """Print the medians and the ratios."""
    torch.set_num_threads(1)
    squares = np.stack([letterbox(read_photo(p.read_bytes()).pixels, SIZE)[0] for p in PHOTOS])
    network = Network(len(CONDITIONS), len(HEAT)).eval()
    full = to_onnx(network, SIZE)
    ways = {
        "torch eager": eager(Plain()),
        "the same, folded": eager(Whole(network)),
        "onnx fp32": session(full),
        "onnx int8": session(eight_bits(full, squares)),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(TURNS):
        for name, way in ways.items():
            start = time.perf_counter()
            way(squares[turn % len(squares)][None])
            seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(times[3:]) for name, times in seconds.items()}
    for name, median in medians.items():
        print(f"{name:16} {median * 1e3:6.1f} ms  {medians['torch eager'] / median:.2f}x")


if __name__ == "__main__":
    main()
