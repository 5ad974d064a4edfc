"""The customer's page: what a diagnosis says, in plain words, as HTML that works without JavaScript."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from features.cases import CONDITIONS, DAMAGES, Damage, Diagnosis
from features.errors import InputError

__all__ = ["CSP", "STATIC", "new_case", "result_page", "said_page", "start_page", "static_files"]

# Scripts, styles and pictures are ours alone; `data:` and `blob:` are the customer's own photos. Nothing inline.
CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HERE: Final = Path(__file__).parent
# The address of each file -> its type. Others are not served.
STATIC: Final = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
# No letters that are taken for one another over the telephone.
_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
# What the forms about a case carry along: nothing of it is kept here.
HIDDEN: Final = ("case", "language", "condition", "rule", "release", "text")
_VIEW_WIDTH: Final = 400  # units a photo is wide, so that lines and figures are equally large on each
MAX_MARKS: Final = 8  # more outlines on one photo hide what they show
_HIGH, _MIDDLE = 0.85, 0.6
_WORTH_NAMING: Final = 0.15
# Where the severity's score is a share of something that the customer sees.
_MEASURED: Final = frozenset({"screen_broken", "display_fault", "parcel_damaged"})
_TONES: Final = {"intact": "good", "parcel_intact": "good", "nothing_to_diagnose": "plain"}


@cache
def static_files() -> dict[str, bytes]:
    """Read the files beside the page."""
    return {name: (_HERE / "static" / name).read_bytes() for name in STATIC}


@cache
def _static_urls() -> dict[str, str]:
    """Give addresses that change with the content, so that a browser may keep it for ever."""
    return {
        name: f"/static/{name}?v={hashlib.sha256(content).hexdigest()[:12]}" for name, content in static_files().items()
    }


@cache
def _words(language: str) -> dict[str, str]:
    rows = yaml.safe_load((_HERE / "words.yaml").read_text(encoding="utf-8"))
    return {key: row[language] for key, row in rows.items()}


@cache
def _environment() -> Environment:
    loader = FileSystemLoader(_HERE / "templates")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def _render(template: str, language: str, **values: Any) -> str:
    shared = {"language": language, "other": "en" if language == "zh" else "zh", "static": _static_urls()}
    return _environment().get_template(template).render(w=_words(language), **shared, **values)


def new_case() -> str:
    """Draw a number that a customer can read out."""
    drawn = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    return f"{drawn[:4]}-{drawn[4:]}"


def _for_a_person(error: InputError, language: str) -> str:
    """Say an error without the names of form fields."""
    photo = re.fullmatch(r"photo(?:\[(\d+)\])?", error.field)
    names = {"text": "words", "note": "note"}
    words = _words(language)
    if photo:
        named = words["photo_number"].format(n=int(photo[1]) + 1) if photo[1] else words["photos"]
    else:
        named = words[names[error.field]] if error.field in names else error.field
    return InputError(named, error.rule, **error.values).message(language)


def start_page(language: str, *, is_open: bool, text: str = "", problem: InputError | None = None) -> str:
    """Render the page on which photos are taken.

    Parameters
    ----------
    language : {'zh', 'en'}
    is_open : bool
        Whether there is a model; without, a person can still be asked.
    text : str
        What was written already.
    problem : InputError or None
        Why there is no result.
    """
    hidden = {**dict.fromkeys(HIDDEN, ""), "case": new_case(), "language": language}
    said = _for_a_person(problem, language) if problem else ""
    return _render("start.html", language, open=is_open, text=text, problem=said, hidden=hidden)


def said_page(language: str, kind: str, case: str, said: Mapping[str, str]) -> str:
    """Render the thanks for a message.

    Parameters
    ----------
    language : {'zh', 'en'}
    kind : {'human', 'wrong'}
    case : str
    said : mapping of str to str
        The form; whoever says that an answer is wrong can then still send the case to a person.
    """
    words = _words(language)
    hidden = {key: said.get(key, "") for key in HIDDEN} if kind == "wrong" else {}
    told = {"heading": words[f"thanks_{kind}"], "more": words[f"thanks_{kind}_more"], "case": case}
    return _render("said.html", language, hidden=hidden, **told)


def _name(names: Sequence[str], language: str) -> str:
    return names[-2] if language == "zh" else names[-1]


def _mark(damage: Damage, number: int, height: float, language: str) -> dict[str, Any]:
    x0, y0, x1, y1 = damage.box
    x, y = x0 * _VIEW_WIDTH, y0 * height
    return {
        "number": number,
        "name": _name(DAMAGES[damage.key], language),
        "percent": round(100 * damage.probability),
        "x": round(x, 1),
        "y": round(y, 1),
        "width": round((x1 - x0) * _VIEW_WIDTH, 1),
        "height": round((y1 - y0) * height, 1),
        # The figure sits on the corner, but never outside the photo.
        "at_x": round(min(max(x, 14), _VIEW_WIDTH - 14), 1),
        "at_y": round(min(max(y, 14), height - 14), 1),
    }


def _shot(number: int, url: str, size: tuple[int, int], found: Diagnosis, language: str) -> dict[str, Any]:
    words = _words(language)
    height = _VIEW_WIDTH * size[1] / size[0]
    here = [(i, d) for i, d in enumerate(found.damages, 1) if d.photo == number][:MAX_MARKS]
    marks = [_mark(damage, i, height, language) for i, damage in here]
    name = words["photo_number"].format(n=number + 1)
    seen = ", ".join(f"{m['number']} {m['name']} {m['percent']} %" for m in marks) or words["nothing_marked"]
    return {
        "url": url,
        "width": _VIEW_WIDTH,
        "height": round(height, 1),
        "name": name,
        "marks": marks,
        "said": f"{name}: {seen}",
    }


def _verdict(found: Diagnosis, language: str) -> dict[str, Any]:
    """Say the condition and how sure it is."""
    words = _words(language)
    key, p = found.condition.key, found.condition.probability
    unsure = found.decision.actions.get("condition") == "abstain"
    nothing = key == "nothing_to_diagnose"
    sure = "sure_low" if p < _MIDDLE else "sure_middle" if p < _HIGH else "sure_high"
    level = found.severity.level
    share = round(100 * found.severity.score)
    return {
        "heading": _name(CONDITIONS[key], language),
        "unsure": unsure and not nothing,
        # A probability beside "not sure" would contradict it: a blurred photo may look very much like something.
        "known": not nothing and not unsure,
        "tone": "plain" if unsure else _TONES.get(key, "bad"),
        "plain": words["says_unsure" if unsure and not nothing else f"says_{key}"],
        "level": "" if level == "none" or nothing or unsure else words[f"severity_{level}"],
        "share": words[f"share_{found.subject}"].format(n=share) if share and not unsure and key in _MEASURED else "",
        "sure": words[sure],
        "percent": round(100 * p),
        "others": ("、" if language == "zh" else ", ").join(
            _name(CONDITIONS[a.key], language) for a in found.alternatives if a.probability >= _WORTH_NAMING
        ),
    }


def result_page(
    found: Diagnosis, urls: Sequence[str], sizes: Sequence[tuple[int, int]], text: str, language: str
) -> str:
    """Render a result.

    Parameters
    ----------
    found : Diagnosis
    urls : sequence of str
        Of each photo, as `serving.preview.data_url` gives it.
    sizes : sequence of tuple of int
        Width and height of each.
    text : str
        The customer's words, which go with the case if it is sent to a person.
    language : {'zh', 'en'}
    """
    hidden = {
        "case": new_case(),
        "language": language,
        "condition": found.condition.key,
        "rule": found.advice.rule,
        "release": f"{found.release.name}/{found.release.version}",
        "text": text,
    }
    shots = [_shot(i, url, size, found, language) for i, (url, size) in enumerate(zip(urls, sizes, strict=True))]
    return _render(
        "result.html",
        language,
        **_verdict(found, language),
        advice=found.advice,
        hint="" if found.quality.usable and not found.quality.problems else found.quality.hint,
        shots=shots,
        hidden=hidden,
        conditions=[(key, _name(row, language)) for key, row in CONDITIONS.items()],
    )
