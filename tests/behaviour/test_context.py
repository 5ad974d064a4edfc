"""What earlier messages must change (DIR), what must change nothing (INV), what must simply be right (MFT)."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from features.schema import Message, Ticket, Triage
from models.triage import TriageModel

FRAGMENTS = ["对", "还是没收到", "20240506123456", "嗯嗯", "在吗", "好的", "怎么弄"]
MATTERS = {
    "repair": "手机充不进电了，想送去维修",
    "return_exchange": "衣服尺码不合适，我想退货退款",
    "inquiry": "请问电子发票怎么开",
}
CHANGES = [
    ("repair", "请问电子发票怎么开具", "inquiry"),
    ("inquiry", "刚买的耳机左边没声音，想送去维修", "repair"),
    ("inquiry", "尺码不合适，我想退货退款", "return_exchange"),
    ("return_exchange", "你们客服骂人，态度极其恶劣，我要投诉", "complaint"),
]


def ask(model: TriageModel, text: str, *said: str, **more: str) -> Triage:
    ticket = Ticket("t", text, messages=tuple(Message("customer", s) for s in said))
    return model.answer([replace(ticket, **more)])[0]


@pytest.mark.parametrize("matter", MATTERS)
@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_dir_a_fragment_is_read_in_its_dialogue(released: TriageModel, fragment: str, matter: str) -> None:
    assert ask(released, fragment, "你好", MATTERS[matter]).category.key == matter


@pytest.mark.parametrize(("before", "text", "after"), CHANGES)
def test_dir_a_changed_matter_changes_the_answer(released: TriageModel, before: str, text: str, after: str) -> None:
    assert ask(released, "对", MATTERS[before]).category.key == before
    assert ask(released, text, MATTERS[before]).category.key == after


@pytest.mark.parametrize("thanks", ["好的谢谢", "没有了，谢谢", "ok, thank you"])
@pytest.mark.parametrize("matter", MATTERS)
def test_mft_thanks_leave_the_matter_and_nothing_waits(released: TriageModel, matter: str, thanks: str) -> None:
    answer = ask(released, thanks, MATTERS[matter])
    assert answer.category.key == matter
    assert answer.urgency is not None
    assert answer.urgency.level == "p4"


@pytest.mark.parametrize("text", ["请问电子发票怎么开具", "好的谢谢", "20240506123456"])
def test_mft_danger_said_before_stays_critical(released: TriageModel, text: str) -> None:
    answer = ask(released, text, "充电的时候冒烟了")
    assert answer.urgency is not None
    assert answer.urgency.level == "p1"


@pytest.mark.parametrize("text", [*MATTERS.values(), "对", "", "The screen of my tablet cracked"])
def test_inv_channel_product_and_what_agents_say(released: TriageModel, text: str) -> None:
    plain = released.answer([Ticket("t", text)])[0].as_dict()
    assert ask(released, text, channel="电话投诉热线", product="手机").as_dict() == plain
    agent = released.answer([Ticket("t", text, messages=(Message("agent", "您好，请问要退货吗"),))])[0].as_dict()
    agent.pop("satisfaction", None)
    assert agent == plain


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_inv_a_ticket_alone_and_in_a_batch(released: TriageModel, fragment: str) -> None:
    tickets = [
        Ticket(k, fragment, messages=(Message("customer", m),) if m else ()) for k, m in {**MATTERS, "none": ""}.items()
    ]
    assert [json.dumps(a.as_dict()) for a in released.answer(tickets)] == [
        json.dumps(released.answer([t])[0].as_dict()) for t in tickets
    ]


def test_dir_a_title_is_read(released: TriageModel) -> None:
    assert ask(released, "帮忙看看", title="手机屏幕碎了，能保修吗").category.key == "repair"


def satisfaction(model: TriageModel, text: str) -> float:
    found = ask(model, text, "快递什么时候到").satisfaction
    if found is None:
        pytest.skip("no release of satisfaction here")
    return found.score


@pytest.mark.parametrize("good", ["好的谢谢，太感谢了", "解决了，谢谢你，服务真好"])
@pytest.mark.parametrize("bad", ["你们太差劲了，根本不解决问题", "等了这么久还没处理，气死我了"])
def test_dir_thanks_are_more_satisfied_than_anger(released: TriageModel, good: str, bad: str) -> None:
    assert satisfaction(released, good) > satisfaction(released, bad)


def test_inv_without_messages_there_is_no_satisfaction(released: TriageModel) -> None:
    assert "satisfaction" not in released.answer([Ticket("t", "好的谢谢")])[0].as_dict()
