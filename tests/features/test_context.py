"""How much a message tells by itself, and what is read beside it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.context import closes, own_words, said_before, spoken_language, substance, together
from features.schema import Message, Ticket
from features.text import normalize


@pytest.mark.parametrize(
    "text",
    [
        "",
        "对",
        "好的谢谢",
        "还是没收到",
        "在吗？",
        "20240506123456",
        "ok thanks",
        "[ORDERID_10124449]",
        "没有了",
        "嗯嗯",
    ],
)
def test_a_fragment_tells_nothing_of_the_matter(text: str) -> None:
    assert substance(normalize(text)) == 0


@pytest.mark.parametrize("text", ["屏幕碎了，能保修吗", "电子发票怎么开", "my parcel is late", "我要退货退款"])
def test_a_request_tells_the_matter(text: str) -> None:
    assert substance(normalize(text)) >= 4


@pytest.mark.parametrize("text", ["好的谢谢", "谢谢!麻烦你了!", "没有了", "好，辛苦了", "ok, thank you!", "非常感谢"])
def test_thanks_close(text: str) -> None:
    assert closes(normalize(text))


@pytest.mark.parametrize(
    "text", ["好的", "没收到，谢谢", "谢谢，什么时候到", "谢谢？", "", "thanks but it is still broken", "123"]
)
def test_what_asks_or_only_assents_does_not_close(text: str) -> None:
    assert not closes(normalize(text))


@given(st.text(max_size=60))
def test_inv_without_title_and_messages_the_text_is_read(text: str) -> None:
    ticket = Ticket("1", text)
    assert own_words(ticket) == normalize(text)
    assert together(own_words(ticket), said_before(ticket)) == normalize(text)


@given(st.text(max_size=30), st.lists(st.text(max_size=30), max_size=5))
def test_reading_never_grows_without_bound_and_never_fails(text: str, said: list[str]) -> None:
    before = said_before(Ticket("1", text, messages=tuple(Message("customer", t) for t in said)))
    assert len(together(normalize(text), before)) <= 602 + len(normalize(text))
    assert len(before) == len(set(before))


def test_title_is_read_before_the_text_and_not_twice() -> None:
    assert own_words(Ticket("1", "用了三天", title="屏幕碎了")) == "屏幕碎了;用了三天"
    assert own_words(Ticket("1", "屏幕碎了，用了三天", title="屏幕碎了")) == "屏幕碎了,用了三天"
    assert own_words(Ticket("1", "", title="屏幕碎了")) == "屏幕碎了"


def test_the_agent_is_not_read() -> None:
    assert said_before(Ticket("1", "对", messages=(Message("agent", "是要退货吗"),))) == []


def test_a_word_of_urgency_is_kept_however_short() -> None:
    assert together("快点!", ["我的快递还没发货"]) == "我的快递还没发货;快点!"


def test_language_of_an_order_number_is_that_of_the_dialogue() -> None:
    assert spoken_language(Ticket("1", "20240506123456", messages=(Message("customer", "屏幕碎了"),))) == "zh-Hans"
    assert spoken_language(Ticket("1", "hello there", messages=(Message("customer", "屏幕碎了"),))) == "en"
    assert spoken_language(Ticket("1", "123456")) == "und"
