"""Look at what the renderer makes: a contact sheet, or one picture.

``python -m training.render --out sheet.png --seed 0 --rows 6``,
``python -m training.render --one screen_broken --seed 3 --size 900 --out broken.jpg``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from training.render.damage import CONDITIONS
from training.render.scene import render
from training.render.sheet import contact_sheet


def main(arguments: list[str] | None = None) -> None:
    """Write a contact sheet, or one picture."""
    parser = argparse.ArgumentParser(prog="python -m training.render", description="Write a contact sheet.")
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    parser.add_argument("--one", choices=CONDITIONS, help="one picture of this condition instead of a sheet")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", type=int, default=6, help="pictures of each condition")
    parser.add_argument("--size", type=int, default=256, help="side of one picture in pixels")
    parser.add_argument("--outline", action="store_true", help="draw the masks' outlines")
    a = parser.parse_args(arguments)
    if a.one:
        Image.fromarray(render(np.random.default_rng(a.seed), a.one, a.size).pixels).save(a.out, quality=88)
    else:
        contact_sheet(a.seed, a.rows, a.size, a.outline).save(a.out)


if __name__ == "__main__":
    main()
