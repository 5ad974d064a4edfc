"""What may be done with a ticket's labels without a person: by the least sure of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.taxonomy import default_taxonomy, flat_taxonomy
from models.decide import NO_TAGS, Threshold
from models.triage_decide import Labels, Policy

TAXONOMY = default_taxonomy()
ROW = {"automate": 0.9, "suggest": 0.6}
ROWS: dict[str, dict[str, Any]] = {
    "category": {c.key: ROW for c in TAXONOMY.categories},
    "tags": dict.fromkeys((*(t.key for t in TAXONOMY.tags), NO_TAGS), ROW),
    "urgency": {u.key: ROW for u in TAXONOMY.urgency},
}
SURE = Labels(
    category=np.array([0.95, 0.03, 0.01, 0.01, 0.0], np.float32),
    tags=[(0, 0.95), (1, 0.92)],
    no_tags=0.0,
    levels=np.array([0.0, 0.02, 0.95, 0.03], np.float32),
    obstacle=None,
    danger=False,
    language="en",
)
SHARE = st.floats(0, 1, width=32)


@pytest.fixture(scope="module")
def policy() -> Policy:
    return Policy.load(TAXONOMY, ROWS)


def test_what_is_sure_acts_alone(policy: Policy) -> None:
    decision = policy.decide(SURE)
    assert decision.actions == {"category": "automate", "tags": "automate", "urgency": "automate"}
    assert decision.reasons == {}


@pytest.mark.parametrize(("p", "action"), [(0.95, "automate"), (0.7, "suggest"), (0.3, "abstain")])
def test_tags_act_as_far_as_the_least_sure_one(policy: Policy, p: float, action: str) -> None:
    assert policy.decide(replace(SURE, tags=[(0, 0.99), (5, p)])).actions["tags"] == action


@pytest.mark.parametrize(("p", "action"), [(0.95, "automate"), (0.7, "suggest"), (0.3, "abstain")])
def test_without_tags_it_counts_how_sure_that_is(policy: Policy, p: float, action: str) -> None:
    assert policy.decide(replace(SURE, tags=[], no_tags=p)).actions["tags"] == action


def test_every_label_has_thresholds_of_its_own() -> None:
    strict = {**ROWS, "category": {**ROWS["category"], "return_exchange": {"automate": 1.01, "suggest": 0.6}}}
    policy = Policy.load(TAXONOMY, strict)
    assert policy.decide(SURE).actions["category"] == "suggest"
    other = np.roll(SURE.category, 1)
    assert policy.decide(replace(SURE, category=other)).actions["category"] == "automate"


def test_an_obstacle_stops_everything_but_danger(policy: Policy) -> None:
    decision = policy.decide(replace(SURE, obstacle="out_of_scope", danger=True))
    assert decision.actions == {"category": "abstain", "tags": "abstain", "urgency": "automate"}
    assert {k: r.code for k, r in decision.reasons.items()} == {"category": "out_of_scope", "tags": "out_of_scope"}


def test_two_near_categories_are_named(policy: Policy) -> None:
    near = np.array([0.45, 0.42, 0.05, 0.05, 0.03], np.float32)
    told = policy.decide(replace(SURE, category=near)).reasons["category"]
    assert told.code == "ambiguous"
    assert TAXONOMY.categories[0].en in told.message
    assert TAXONOMY.categories[1].en in told.message


@given(st.lists(SHARE, min_size=1, max_size=4), SHARE)
def test_one_more_tag_never_allows_more(tags: list[float], more: float) -> None:
    policy, order = Policy.load(TAXONOMY, ROWS), ["abstain", "suggest", "automate"]
    some = [(i, p) for i, p in enumerate(tags)]
    one, other = (policy.decide(replace(SURE, tags=t)).actions["tags"] for t in (some, [*some, (9, more)]))
    assert order.index(other) <= order.index(one)


def test_a_label_without_thresholds_is_no_release() -> None:
    with pytest.raises(LookupError):
        Policy.load(TAXONOMY, {**ROWS, "tags": {NO_TAGS: ROW}})


def test_other_taxonomies_have_fewer_fields() -> None:
    policy = Policy.load(flat_taxonomy(["a", "b"]), {"category": {"a": ROW, "b": ROW}})
    told = replace(SURE, category=np.array([0.3, 0.7], np.float32), tags=[], levels=np.zeros(0, np.float32))
    assert policy.thresholds["category"]["a"] == Threshold(0.9, 0.6)
    assert policy.decide(told).actions == {"category": "suggest"}
