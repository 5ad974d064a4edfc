"""How networks and trees are run: ONNX Runtime, on one thread."""

from __future__ import annotations

from pathlib import Path

import onnxruntime as ort

__all__ = ["open_session"]


def open_session(network: bytes, folder: Path | None = None) -> ort.InferenceSession:
    """Open an ONNX model.

    Parameters
    ----------
    network : bytes
    folder : Path, optional
        A model may name files that hold its weights: they must lie here. Without it, anywhere below or above the
        working directory.
    """
    options = ort.SessionOptions()
    # A second thread beside tickets makes both slower, and a short text by itself, too, on a small machine.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if folder is not None:
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(folder))
    return ort.InferenceSession(network, options, providers=["CPUExecutionProvider"])
