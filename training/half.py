"""Half precision, where the processor has it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["bfloat16_is_fast"]

_MULTIPLIES: Final = {"amx_bf16", "avx512_bf16"}


def bfloat16_is_fast() -> bool:
    """Tell whether the processor multiplies matrices in bfloat16: then twice as fast as in single precision or more.

    Elsewhere it is slower. What is learnt differs in the last digits from one kind of processor to the other.
    """
    try:
        return bool(_MULTIPLIES & set(Path("/proc/cpuinfo").read_text(encoding="ascii").split()))
    except (OSError, ValueError):
        return False
