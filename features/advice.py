"""What happens next: what a photo shows and what the customer said become the first rule of ``advice.yaml`` that fits.

A rule leads on: it ends with something the customer can do or with a person who takes over, and none ever refuses.
Where words and photo disagree, it says so and a person looks.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any, Final

from features.cases import CONDITIONS, SUBJECTS, Advice
from features.errors import ConfigError
from features.signals import find_signals
from features.strict_yaml import known_keys, read_page
from features.text import normalize

__all__ = ["SEVERITIES", "AdviceRules", "Rule", "Step", "Words", "advise", "default_rules", "parse_rules"]

DEFAULT_PATH: Final = Path(__file__).with_name("advice.yaml")
SEVERITIES: Final = ("none", "light", "moderate", "severe")
_REACH: Final = 16  # characters looked at before a hit for its negation
_KEYS: Final = {
    "advice": {"version", "negation", "clause", "said", "steps", "additions", "rules"},
    "said": {"means", "firm", "words"},
    "step": {"zh", "en", "ends"},
    "title": {"zh", "en"},
    "rule": {"key", "when", "title", "steps", "human", "hands_in"},
    "addition": {"step", "when"},
    "when": {"subject", "condition", "severity", "said", "unsaid", "unsure", "hazard", "hands_in"},
}


@dataclass(frozen=True, slots=True)
class Words:
    """A thing that customers say; a `firm` one holds its own negation and is not voided by one before it."""

    key: str
    pattern: re.Pattern[str]
    firm: bool


@dataclass(frozen=True, slots=True)
class Step:
    """A sentence in both languages; `ends` tells what it leaves behind: ``next``, ``person`` or nothing."""

    key: str
    zh: str
    en: str
    ends: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """What rules look at."""

    condition: str
    severity: str
    said: frozenset[str] = frozenset()
    unsure: bool = False
    hazard: bool = False
    hands_in: bool = False


@dataclass(frozen=True, slots=True)
class When:
    """Which cases are meant; what is not named does not matter."""

    subject: tuple[str, ...] = tuple(SUBJECTS)
    condition: tuple[str, ...] = tuple(CONDITIONS)
    severity: tuple[str, ...] = SEVERITIES
    said: tuple[str, ...] = ()
    unsaid: tuple[str, ...] = ()
    unsure: bool | None = None
    hazard: bool | None = None
    hands_in: bool | None = None

    def fits(self, case: Case) -> bool:
        """Tell whether a case is meant."""
        flags = ((self.unsure, case.unsure), (self.hazard, case.hazard), (self.hands_in, case.hands_in))
        return (
            case.condition in self.condition
            and CONDITIONS[case.condition][0] in self.subject
            and case.severity in self.severity
            and case.said.issuperset(self.said)
            and case.said.isdisjoint(self.unsaid)
            and all(meant in (None, found) for meant, found in flags)
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """What happens next in some cases; `hands_in` where the phone leaves the customer's hands."""

    key: str
    when: When
    title: Mapping[str, str]
    steps: tuple[Step, ...]
    human: bool
    hands_in: bool = False


@dataclass(frozen=True)
class AdviceRules:
    """All rules of one version, checked."""

    version: int
    negation: re.Pattern[str]
    clause: re.Pattern[str]
    words: tuple[Words, ...]
    steps: Mapping[str, Step]
    rules: tuple[Rule, ...]
    additions: tuple[tuple[Step, When], ...] = field(default=())

    def said(self, normal: str) -> frozenset[str]:
        """Tell what a normalised text says, but for what it denies."""
        return frozenset(
            words.key
            for words in self.words
            if any(words.firm or not self._denied(normal, hit.start()) for hit in words.pattern.finditer(normal))
        )

    def _denied(self, normal: str, start: int) -> bool:
        lead = self.clause.split(normal[max(0, start - _REACH) : start])[-1]
        return self.negation.search(lead) is not None

    def first(self, case: Case) -> Rule:
        """Give the first rule that fits; `parse_rules` has seen that there is one."""
        return next(rule for rule in self.rules if rule.when.fits(case))

    def advise(self, condition: str, severity: str, text: str, language: str, *, abstained: bool) -> Advice:
        """Say what happens next; see `advise`."""
        normal = normalize(text)
        hazard = any(hit.signal.key == "hazard" for hit in find_signals(normal))
        said = self.said(normal)
        rule = self.first(Case(condition, severity, said, abstained, hazard))
        case = Case(condition, severity, said, abstained, hazard, rule.hands_in)
        more = [step for step, when in self.additions if when.fits(case)]
        side = "zh" if language.startswith(("zh", "mixed")) else "en"
        steps = (*rule.steps[:-1], *more, rule.steps[-1])
        sentences = tuple(step.zh if side == "zh" else step.en for step in steps)
        return Advice(rule.key, rule.title[side], sentences, rule.human, self.version)


def _both(where: str, row: Mapping[str, Any]) -> dict[str, str]:
    sides = {side: row.get(side) for side in ("zh", "en")}
    if not all(isinstance(text, str) and text.strip() for text in sides.values()):
        raise ConfigError(f"{where}: needs both languages, zh and en")
    return {side: str(text) for side, text in sides.items()}


def _flag(where: str, row: Mapping[str, Any], key: str) -> bool | None:
    if not isinstance(row.get(key), bool | None):
        raise ConfigError(f"{where}.{key}: expected true or false")
    return row.get(key)


def _listed(where: str, row: Mapping[str, Any], key: str, legal: Collection[str]) -> tuple[str, ...]:
    found = row.get(key)
    if not isinstance(found, list) or not found:
        raise ConfigError(f"{where}.{key}: expected a list")
    if unknown := [str(x) for x in found if x not in legal]:
        raise ConfigError(f"{where}.{key}: unknown {unknown}")
    return tuple(found)


def _pattern(where: str, text: object) -> re.Pattern[str]:
    try:
        return re.compile(str(text))
    except re.error as error:
        raise ConfigError(f"{where}: {error}") from error


def _words(key: str, row: object) -> Words:
    where = f"said.{key}"
    row = known_keys(where, row, _KEYS["said"])
    listed = row.get("words")
    if not isinstance(listed, list) or not listed or not row.get("means"):
        raise ConfigError(f"{where}: needs what it means and a list of words")
    return Words(key, _pattern(where, "|".join(f"(?:{w})" for w in listed)), bool(_flag(where, row, "firm")))


def _step(key: str, row: object) -> Step:
    row = known_keys(f"steps.{key}", row, _KEYS["step"])
    if row.get("ends") not in (None, "next", "person"):
        raise ConfigError(f"steps.{key}.ends: expected next or person")
    return Step(key, **_both(f"steps.{key}", row), ends=row.get("ends"))


def _when(where: str, row: object, facts: Collection[str]) -> When:
    where, row = f"{where}.when", known_keys(f"{where}.when", row, _KEYS["when"])
    legal: dict[str, Collection[str]] = {
        "subject": SUBJECTS,
        "condition": CONDITIONS,
        "severity": SEVERITIES,
        "said": facts,
        "unsaid": facts,
    }
    lists = {key: _listed(where, row, key, values) for key, values in legal.items() if key in row}
    flags = {key: _flag(where, row, key) for key in ("unsure", "hazard", "hands_in")}
    return When(**lists, **flags)  # type: ignore[arg-type]  # each key has its own type, checked above


def _rule(row: object, facts: Collection[str], steps: Mapping[str, Step]) -> Rule:
    key = str(row.get("key")) if isinstance(row, Mapping) else "?"
    where = f"rules.{key}"
    row = known_keys(where, row, _KEYS["rule"])
    named = tuple(steps[s] for s in _listed(where, row, "steps", steps))
    human = _flag(where, row, "human")
    if human is None:
        raise ConfigError(f"{where}.human: say whether a person must look")
    if named[-1].ends is None or (human and named[-1].ends != "person"):
        raise ConfigError(f"{where}.steps: must end with a next step, or with a person where one must look")
    title = _both(f"{where}.title", known_keys(f"{where}.title", row.get("title"), _KEYS["title"]))
    when = _when(where, row.get("when") or {}, facts)
    if when.hands_in is not None:
        raise ConfigError(f"{where}.when.hands_in: only additions know it")
    return Rule(key, when, title, named, human, bool(_flag(where, row, "hands_in")))


def _check(rules: AdviceRules) -> AdviceRules:
    keys = [rule.key for rule in rules.rules]
    if twice := {key for key in keys if keys.count(key) > 1}:
        raise ConfigError(f"rules: written twice: {min(twice)}")
    used = {s.key for rule in rules.rules for s in rule.steps} | {s.key for s, _ in rules.additions}
    if unused := set(rules.steps) - used:
        raise ConfigError(f"steps: not used: {sorted(unused)}")
    # A case without words fits least: what is answered there is answered with any words.
    for condition, severity, unsure in product(CONDITIONS, SEVERITIES, (False, True)):
        case = Case(condition, severity, unsure=unsure)
        if not any(not rule.when.said and not rule.when.unsaid and rule.when.fits(case) for rule in rules.rules):
            raise ConfigError(f"rules: none fits {condition}, {severity}, unsure {unsure}")
    return rules


def parse_rules(text: str) -> AdviceRules:
    """Read and check rules.

    Parameters
    ----------
    text : str
        YAML in the layout of ``features/advice.yaml``.

    Raises
    ------
    ConfigError
        On unknown or repeated keys, a sentence in one language only, a rule that ends without a next step or a
        person, a step that no rule takes, a condition that no rule answers. The message names the place.
    """
    root = known_keys("advice", read_page(text, "advice"), _KEYS["advice"])
    if type(root.get("version")) is not int:
        raise ConfigError("version: expected a whole number")
    words = tuple(_words(str(key), row) for key, row in (root.get("said") or {}).items())
    facts = {w.key for w in words}
    steps = {str(key): _step(str(key), row) for key, row in (root.get("steps") or {}).items()}
    additions = []
    for row in root.get("additions") or ():
        row = known_keys("additions", row, _KEYS["addition"])
        if row.get("step") not in steps:
            raise ConfigError(f"additions: unknown step {row.get('step')!r}")
        additions.append((steps[row["step"]], _when(f"additions.{row['step']}", row.get("when") or {}, facts)))
    return _check(
        AdviceRules(
            root["version"],
            _pattern("negation", root.get("negation", "(?!)")),
            _pattern("clause", root.get("clause", "(?!)")),
            words,
            steps,
            tuple(_rule(row, facts, steps) for row in root.get("rules") or ()),
            tuple(additions),
        )
    )


@lru_cache(maxsize=1)
def default_rules() -> AdviceRules:
    """Give the project's own rules."""
    return parse_rules(DEFAULT_PATH.read_text(encoding="utf-8"))


def advise(condition: str, severity_level: str, text: str, language: str, abstained: bool) -> Advice:
    """Say what happens next.

    Parameters
    ----------
    condition : str
        Of `features.cases.CONDITIONS`.
    severity_level : {'none', 'light', 'moderate', 'severe'}
    text : str
        The customer's words, as they came; may be empty.
    language : str
        Chinese for ``zh*`` and ``mixed``, English otherwise.
    abstained : bool
        Whether the model would only guess.

    Examples
    --------
    >>> advise("screen_broken", "light", "前天刚买的", "zh", abstained=False).rule
    'exchange_check'
    >>> advise("intact", "none", "屏幕碎了", "zh", abstained=False).to_human
    True
    """
    return default_rules().advise(condition, severity_level, text, language, abstained=abstained)
