"""A transformer behind ONNX Runtime: normalised texts in; logits of all labels out, or sentence vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from tokenizers import Tokenizer

from features.errors import ReleaseError
from features.text import for_reader, shortened
from models.session import open_session
from models.space import Floats

__all__ = ["TextNetwork", "readable"]

# What stands for a text without letters: the network needs something to read.
NOTHING: Final = "空"
# A network's time grows with the length; 99 % of real tickets are shorter.
MOST_CHARS: Final = 240


def readable(normal: str) -> str:
    """Give normalised text as the network reads it: placeholders as words, and not too long."""
    return shortened(for_reader(normal).strip(), MOST_CHARS) or NOTHING


class TextNetwork:
    """The network and the tokenizer of a release.

    Parameters
    ----------
    network : bytes
        ONNX: ``input_ids`` and ``attention_mask`` ``(n, length)`` in, ``(n, outputs)`` out.
    tokenizer : bytes
        As the library tokenizers writes it.
    prefix : str
        What the network expects before every text.
    outputs : int
    output : str
        The name of what comes out.

    Raises
    ------
    ReleaseError
        If they do not load, or do not fit the outputs.
    """

    def __init__(self, network: bytes, tokenizer: bytes, prefix: str, outputs: int, output: str = "logits") -> None:
        self._prefix, self._output = prefix, output
        try:
            self._tokenizer: Any = Tokenizer.from_str(tokenizer.decode())
            self._session = open_session(network)
            probe = self._said("预热")
        except Exception as error:  # both libraries have kinds of their own
            raise ReleaseError(f"not what a network of texts is: {error!r}") from error
        if probe.shape != (outputs,) or not np.isfinite(probe).all():
            raise ReleaseError(f"model.onnx: gives {probe.shape} instead of {outputs} {output}")

    def _said(self, normal: str) -> Floats:
        ids = self._tokenizer.encode(self._prefix + readable(normal)).ids
        pieces = np.array([ids], np.int64)
        fed = {"input_ids": pieces, "attention_mask": np.ones_like(pieces)}
        out: Floats = self._session.run([self._output], fed)[0][0]
        return out

    def read(self, normals: Sequence[str]) -> Floats:
        """Read normalised texts, ``(n, outputs)``.

        One at a time: eight-bit activations take their range from all that is computed together, so that a neighbour
        would change a ticket's answer, and batches gain nothing on a processor.
        """
        return np.stack([self._said(n) for n in normals])
