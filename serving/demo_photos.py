"""The photos of the demonstration: rendered by ``python -m training.render --one``, no photo of anybody's."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any, Final
from urllib.request import Request, urlopen

__all__ = ["PHOTOS", "diagnose_photo", "photo_row"]

PHOTOS: Final = tuple(sorted(Path(__file__).with_name("demo_photos").glob("*.jpg")))
_SECONDS: Final = 60


def diagnose_photo(url: str, photo: Path, text: str = "") -> dict[str, Any]:
    """Send one photo to a server's ``/diagnose`` as a browser would.

    Parameters
    ----------
    url : str
        Of the server, with a slash at its end.
    photo : Path
    text : str
        The customer's words.
    """
    mark = secrets.token_hex(16)
    head = f'--{mark}\r\nContent-Disposition: form-data; name="text"\r\n\r\n{text}\r\n'
    part = f'--{mark}\r\nContent-Disposition: form-data; name="photo"; filename="{photo.name}"\r\n'
    body = (
        (head + part + "Content-Type: image/jpeg\r\n\r\n").encode()
        + photo.read_bytes()
        + f"\r\n--{mark}--\r\n".encode()
    )
    kind = {"Content-Type": f"multipart/form-data; boundary={mark}", "Accept-Language": "en"}
    with urlopen(Request(f"{url}diagnose", body, kind), timeout=_SECONDS) as answer:  # noqa: S310 (our own server)
        told: dict[str, Any] = json.load(answer)
    return told


def photo_row(photo: Path, answer: dict[str, Any]) -> list[str]:
    """Give what a person wants to see of an answer."""
    condition, severity, decision = answer["condition"], answer["severity"], answer["decision"]
    place = "x".join(f"{v:.2f}" for v in answer["damages"][0]["box"]) if answer["damages"] else ""
    return [
        photo.name,
        f"{condition['name']} {condition['probability']:.0%}",
        f"{severity['level']} {severity['score']:.0%}" if severity["level"] != "none" else "",
        place,
        decision["condition"],
        answer["advice"]["title"],
    ]
