"""A server with a model that knows four colours instead of damages, and photos to show it.

``PYTHONPATH=. python tests/photo_stub.py [SECONDS]`` starts it on a free port; each photo then computes for that long.
"""

from __future__ import annotations

import io
import random
import sys
import time
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from features.advice import advise
from features.cases import CONDITIONS, Damage, Diagnosis, PhotoQuality, Severity
from features.photo import Photo
from features.schema import Action, Decision, Reason, ReleaseId, Scored

# What the middle of a photo says: the brightest channel, or none of them.
_CONDITIONS = ("screen_broken", "intact", "parcel_damaged", "nothing_to_diagnose")


class StubDiagnosis:
    """Red: a broken screen; green: intact; blue: a damaged parcel; grey: nothing; almost black: not usable."""

    release = ReleaseId("diagnosis", "0123456789ab", "0" * 64)
    manifest: dict[str, object] = {}  # noqa: RUF012

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def diagnose(self, photos: Sequence[Photo], text: str = "", language: str = "zh") -> Diagnosis:
        for _ in photos:
            self._compute()
        means = [photo.pixels.mean(axis=(0, 1)) for photo in photos]
        usable = [bool(mean.max() > 20) for mean in means]
        brightest = [int(mean.argmax()) if np.ptp(mean) > 8 else 3 for mean in means]
        key = _CONDITIONS[min(brightest)]
        hint = (
            ""
            if all(usable)
            else ("照片太暗，请开灯再拍" if language.startswith("zh") else "too dark: switch on a light")
        )
        qualities = [PhotoQuality(ok, () if ok else ("dark",), "" if ok else hint) for ok in usable]
        unsure = not all(usable)
        damages = {
            "screen_broken": [
                Damage("crack", 0.964, (0.30, 0.24, 0.72, 0.58), 0),
                Damage("scratch", 0.71, (0.33, 0.66, 0.47, 0.74), 0),
            ],
            "parcel_damaged": [Damage("parcel_damage", 0.93, (0.0, 0.0, 0.5, 0.4), 0)],
        }.get(key, [])
        level = "none" if not damages else "moderate"
        side = 0 if language.startswith("zh") else 1
        p = 0.48 if unsure else 0.934
        action: Action = "abstain" if unsure else "suggest"
        return Diagnosis(
            subject=CONDITIONS[key][0],
            condition=Scored(key, CONDITIONS[key][1 + side], p),
            alternatives=(Scored("scratch", CONDITIONS["scratch"][1 + side], 0.12),),
            damages=tuple(damages),
            severity=Severity(level, 0.23 if damages else 0.0),
            quality=PhotoQuality(any(usable), () if all(usable) else ("dark",), hint),
            advice=advise(key, level, text, language, abstained=unsure),
            decision=Decision({"condition": action}, {"condition": Reason("low_confidence", "stub")}),
            photos=tuple(
                {"quality": q.as_dict(), "width": p.width, "height": p.height}
                for q, p in zip(qualities, photos, strict=True)
            ),
            release=self.release,
        )

    def _compute(self) -> None:
        """Compute as a network does: in large pieces, outside the interpreter's lock."""
        until, block = time.perf_counter() + self.seconds, np.ones((256, 256), np.float32)
        while time.perf_counter() < until:
            block @ block


def colour(rgb: tuple[int, int, int], size: tuple[int, int] = (320, 240), kind: str = "JPEG") -> bytes:
    """Give a photo of one colour."""
    out = io.BytesIO()
    Image.new("RGB", size, rgb).save(out, kind)
    return out.getvalue()


RED, GREEN, BLUE = colour((200, 90, 90)), colour((90, 200, 90)), colour((90, 90, 200))
GREY, DARK = colour((150, 150, 150)), colour((6, 6, 6))


def phone(size: tuple[int, int] = (1200, 1600), quality: int = 88) -> bytes:
    """Draw a phone with a broken screen on a table."""
    draw_at = random.Random(7)
    width, height = size
    image = Image.new("RGB", size, (168, 128, 106))
    draw = ImageDraw.Draw(image)
    for y in range(0, height, 3):
        shade = draw_at.randint(-8, 8)
        draw.line([(0, y), (width, y)], fill=(168 + shade, 128 + shade, 106 + shade), width=3)
    box = [width * 0.22, height * 0.1, width * 0.78, height * 0.9]
    draw.rounded_rectangle(box, radius=width * 0.06, fill=(30, 32, 36), outline=(96, 98, 104), width=8)
    inner = [box[0] + 22, box[1] + 22, box[2] - 22, box[3] - 22]
    draw.rounded_rectangle(inner, radius=width * 0.05, fill=(118, 62, 74))
    centre = (width * 0.5, height * 0.4)
    for i in range(26):
        angle, at = i / 26 * 6.283, list(centre)
        points = [tuple(at)]
        for _ in range(draw_at.randint(3, 6)):
            at[0] += np.cos(angle + draw_at.uniform(-0.5, 0.5)) * width * 0.04
            at[1] += np.sin(angle + draw_at.uniform(-0.5, 0.5)) * width * 0.04
            points.append(tuple(at))
        draw.line(points, fill=(238, 232, 232), width=3)
    draw.line([(width * 0.35, height * 0.68), (width * 0.45, height * 0.72)], fill=(220, 210, 210), width=3)
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "SECRET-PLACE-31.2304N"
    image.save(out, "JPEG", quality=quality, exif=exif)
    return out.getvalue()


def main(seconds: float) -> int:
    """Serve."""
    import serving.model
    from serving.up import up

    serving.model.the_photo_model = lambda: StubDiagnosis(seconds)  # type: ignore[assignment]
    return up("127.0.0.1", 0, 1)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 0.0))
