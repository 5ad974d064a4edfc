"""Procedural damage: phones that never were, broken in ways that are exactly known.

It teaches where damage lies and the classes that have no real photos; it never proves accuracy.
"""

from training.render.damage import CONDITIONS, KINDS
from training.render.flat import flat_picture
from training.render.light import camera
from training.render.photos import corners_in, corners_of
from training.render.scene import Rendered, render

__all__ = ["CONDITIONS", "KINDS", "Rendered", "camera", "corners_in", "corners_of", "flat_picture", "render"]
