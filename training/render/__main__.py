"""``python -m training.render --out sheet.png --seed 0 --rows 6``: look at what the renderer makes."""

from __future__ import annotations

import argparse
from pathlib import Path

from training.render.sheet import contact_sheet


def main(arguments: list[str] | None = None) -> None:
    """Write a contact sheet."""
    parser = argparse.ArgumentParser(prog="python -m training.render", description="Write a contact sheet.")
    parser.add_argument("--out", type=Path, required=True, help="the PNG to write")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", type=int, default=6, help="pictures of each condition")
    parser.add_argument("--size", type=int, default=256, help="side of one picture in pixels")
    parser.add_argument("--outline", action="store_true", help="draw the masks' outlines")
    a = parser.parse_args(arguments)
    contact_sheet(a.seed, a.rows, a.size, a.outline).save(a.out)


if __name__ == "__main__":
    main()
