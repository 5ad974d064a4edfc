"""What must not move (INV), what must move one way (DIR), what must simply be right (MFT)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import opencc
import pytest

from features.schema import Ticket, Triage
from models.triage import TriageModel

# Written for this test, about everything that comes in; none stands in the training data.
PLAIN = [
    "手机买回来三天就黑屏了，怎么按都没反应",
    "耳机左边没声音，想换一个",
    "请问这款洗衣机的尺寸是多少",
    "快递显示签收了可是我根本没拿到东西",
    "退款都一个星期了钱还没到账",
    "客服说话很难听，直接把我电话挂了",
    "给我开一张增值税专用发票",
    "衣服颜色跟图片完全不一样，我要退掉",
    "充电器插上去没有任何反应",
    "订单地址写错了，麻烦改成公司地址",
    "说好今天送到，结果又推迟到后天",
    "冰箱门关不严，能派师傅来看看吗",
    "昨天刚买今天就便宜了两百，能退差价吗",
    "怎么把旧手机的照片导到新手机里",
    "收到的箱子被压扁了，里面的杯子全碎了",
    "我要买的是蓝色的，你们发来的是黑色",
    "这双鞋怀疑是假的，做工太粗糙",
    "银行卡付款一直提示失败",
    "宽带师傅约了三次都没来安装",
    "每个月莫名其妙多扣我十块钱",
    "我的账号被别人登录了，密码也改不了",
    "电视机用半年屏幕出现一条竖线，还在保修期吗",
]
ENGLISH = [
    "My parcel was due on Monday and it still has not arrived",
    "The screen of my tablet cracked after a week",
    "I would like to return these shoes, they are too small",
    "Please send me an invoice for my last order",
    "Your agent was rude and hung up on me",
    "How do I connect the speaker to my laptop?",
]
ALL = PLAIN + ENGLISH

Answer = Callable[[str], Triage]


@pytest.fixture(scope="module")
def answer(released: TriageModel) -> Answer:
    return cache(lambda text: released.answer([Ticket("t", text)])[0])


def labels(triage: Triage) -> tuple[object, ...]:
    assert triage.urgency is not None
    return triage.category.key, {t.key for t in triage.tags}, triage.urgency.level


def urgency(triage: Triage) -> float:
    assert triage.urgency is not None
    return triage.urgency.score


def wide(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


# --- INV ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", PLAIN)
def test_inv_traditional_script(answer: Answer, text: str) -> None:
    assert labels(answer(opencc.OpenCC("s2t").convert(text))) == labels(answer(text))


@pytest.mark.parametrize(
    "change",
    [
        wide,
        str.upper,
        lambda t: f"  \n\t{t}\u3000\n",
        lambda t: t.replace("，", ","),
        lambda t: "\ufeff" + "\u200b".join(t) if not t.isascii() else "\ufeff" + t,
        lambda t: t + "\ufe0f",
    ],
    ids=["full width", "capitals", "space around", "half-width comma", "invisible", "variation selector"],
)
@pytest.mark.parametrize("text", ALL)
def test_inv_the_way_it_is_typed(answer: Answer, text: str, change: Callable[[str], str]) -> None:
    if change("ab") == "\ufeffab" and not text.isascii():
        change = lambda t: "\ufeff" + t  # noqa: E731
    assert labels(answer(change(text))) == labels(answer(text))


@pytest.mark.parametrize("text", ALL)
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("，订单号20240506123456", "，订单号98765432101234567"),
        ("，看 https://a.example/b?c=1", "，看 http://shop.example.com/x/y/z.html"),
        ("！！！", "！！！！！！！！！"),
        (" @小二", " @官方旗舰店"),
        ("❤", "❤\ufe0f"),
    ],
    ids=["order number", "url", "repeated mark", "mention", "emoji"],
)
def test_inv_what_stands_for_the_same(answer: Answer, text: str, one: str, other: str) -> None:
    assert labels(answer(text + one)) == labels(answer(text + other))


# --- DIR ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", PLAIN)
@pytest.mark.parametrize("danger", ["，冒烟了", "，电池鼓包了", "，差点触电"])
def test_dir_danger_is_critical(answer: Answer, text: str, danger: str) -> None:
    before, after = answer(text), answer(text + danger)
    assert after.urgency is not None
    assert after.urgency.level == "p1"
    assert urgency(after) >= urgency(before)
    assert "safety_hazard" in {t.key for t in after.tags}
    assert after.decision.actions["urgency"] == "automate"


@pytest.mark.parametrize("text", ENGLISH)
@pytest.mark.parametrize("danger", [". It started smoking", ", and the battery is swollen", ". It caught fire"])
def test_dir_danger_in_english(answer: Answer, text: str, danger: str) -> None:
    after = answer(text + danger)
    assert after.urgency is not None
    assert after.urgency.level == "p1"
    assert urgency(after) >= urgency(answer(text))


def share(
    answer: Answer, texts: list[str], suffix: str, holds: Callable[[float, float], bool]
) -> tuple[float, list[str]]:
    failing = [t for t in texts if not holds(urgency(answer(t)), urgency(answer(t + suffix)))]
    return 1 - len(failing) / len(texts), failing


@pytest.mark.parametrize("suffix", ["，谢谢，已经解决了", "，没事了，问题解决了，谢谢"])
def test_dir_solved_is_not_more_urgent(answer: Answer, suffix: str) -> None:
    held, failing = share(answer, PLAIN, suffix, lambda before, after: after <= before + 0.01)
    assert held == 1.0, failing


@pytest.mark.parametrize("suffix", ["，再不处理我就打12315", "，我要去消协投诉你们", "，等着收律师函吧"])
def test_dir_a_threat_is_not_less_urgent(answer: Answer, suffix: str) -> None:
    held, failing = share(answer, PLAIN, suffix, lambda before, after: after >= before - 0.01)
    assert held == 1.0, failing


@pytest.mark.parametrize("suffix", ["!!!垃圾", "，气死我了，太差劲了"])
def test_dir_anger_is_not_less_urgent(answer: Answer, suffix: str) -> None:
    held, failing = share(answer, PLAIN, suffix, lambda before, after: after >= before - 0.01)
    assert held == 1.0, failing


# --- MFT ---------------------------------------------------------------------------------------------------------

TAGS = {
    "logistics_delay": ("快递五天了还在路上，太慢了", "My delivery is a week late"),
    "delivery_lost": ("显示已签收但是我没收到包裹", "The tracking says delivered but nothing arrived, it must be lost"),
    "delivery_options": ("可以指定周末送货上门吗", "Can you deliver in the evening or to a pick-up point?"),
    "shipping_damage": (
        "收到时外箱都破了，里面东西也摔坏了",
        "The box arrived crushed and the plate inside was broken",
    ),
    "refund_progress": ("退款什么时候能到账", "When will I get my refund?"),
    "return_request": ("这个支持七天无理由退货吗", "I want to return this item, how do I do that?"),
    "wrong_or_missing_item": ("少发了一件，只收到两件", "You sent me the wrong item"),
    "not_as_described": ("实物跟描述的完全不一样", "The product does not match the description"),
    "order_change": ("帮我取消这个订单", "Please cancel my order"),
    "screen_damage": ("手机屏幕摔裂了", "My phone screen is cracked"),
    "battery_power": ("手机充不进电，一会儿就没电", "The battery drains in two hours"),
    "body_damage": ("手机背面有一道划痕，边框也磕了", "There is a scratch and a dent on the case of the laptop"),
    "liquid_damage": ("手机掉水里进水了", "I dropped my phone in water"),
    "camera_audio": ("摄像头拍照模糊，扬声器也没声音", "The camera is blurry and the speaker has no sound"),
    "network_signal": ("手机一直没有信号，连不上网", "No signal and the wifi keeps dropping"),
    "software_fault": ("系统更新以后老是死机卡顿", "The app freezes and crashes after the update"),
    "safety_hazard": ("充电的时候冒烟了", "The charger caught fire"),
    "quality_defect": ("用了两天就坏了，质量太差", "The zip broke on the second day, poor quality"),
    "warranty": ("这个还在保修期内吗", "Is it still under warranty?"),
    "service_progress": ("送修的手机修到哪一步了", "What is the status of my repair?"),
    "installation": ("空调什么时候上门安装", "When will the technician come to install the washing machine?"),
    "invoice": ("电子发票怎么开", "I need an invoice for my company"),
    "price_promotion": ("优惠券为什么用不了", "The price dropped a day after I bought it, can I get the difference?"),
    "payment": ("付款的时候一直失败", "My payment was declined"),
    "overcharge": ("话费被乱扣了五十块", "I was charged twice for a service I never ordered"),
    "service_attitude": ("客服态度特别恶劣", "The agent was very rude to me"),
    "slow_response": ("问了好几天都没人回复", "I have been waiting for a reply for two weeks and nobody answers"),
    "counterfeit": ("我怀疑买到的是假货", "I think this bag is a fake"),
    "false_advertising": (
        "宣传说防水，其实根本不防水，虚假宣传",
        "The advert is misleading, it never lasted ten hours",
    ),
    "seller_dispute": ("商家不肯退钱，一直推脱", "The seller refuses to accept my return"),
    "human_agent": ("转人工客服", "Let me speak to a human agent"),
    "account_privacy": ("账号被盗了，怎么改密码", "Someone logged in to my account, please delete my personal data"),
    "product_info": ("这款有货吗，内存多大", "Is this model in stock and how much does it weigh?"),
    "usage_help": ("这个怎么连接蓝牙", "How do I set up the alarm on this watch?"),
}


def test_mft_every_tag_is_asked_for(released: TriageModel) -> None:
    assert set(TAGS) == {t.key for t in released.taxonomy.tags}


def test_mft_tags(answer: Answer) -> None:
    asked = [(tag, text) for tag, texts in TAGS.items() for text in texts]
    missed = [
        (tag, text, [t.key for t in answer(text).tags]) for tag, text in asked if tag not in labels(answer(text))[1]
    ]
    found = 1 - len(missed) / len(asked)
    print(f"tags found: {found:.3f}; missed: {missed}")
    assert found >= 0.85, missed


@pytest.mark.parametrize(
    ("category", "text"),
    [
        ("return_exchange", "我要退货"),
        ("return_exchange", "申请换一台新的"),
        ("return_exchange", "I want to return this and get my money back"),
        ("repair", "手机坏了，去哪里修"),
        ("repair", "洗衣机不转了，请安排维修"),
        ("repair", "My laptop does not turn on, can it be repaired?"),
        ("inquiry", "请问什么时候发货"),
        ("inquiry", "发票怎么开"),
        ("inquiry", "Do you have this in red?"),
        ("complaint", "你们客服态度太差了，我要投诉"),
        ("complaint", "骗子商家，虚假宣传，我要举报"),
        ("complaint", "I am disgusted by how your staff treated me, this is a formal complaint"),
        ("other", "谢谢"),
        ("other", "你好"),
        ("other", "哈哈哈哈"),
        ("other", "Thank you, bye"),
    ],
)
def test_mft_categories(answer: Answer, category: str, text: str) -> None:
    assert answer(text).category.key == category


@pytest.mark.parametrize(
    "text",
    [
        "没有冒烟，就是有点热",
        "电池没有鼓包，只是不耐用",
        "这个充电宝会不会爆炸啊",
        "烟灰色的手机壳有货吗",
        "请问有没有防触电的插座",
        "担心漏电，想问问有没有漏电保护",
        "The phone is not smoking, it is just warm",
        "Is there any risk that the battery might swell?",
        "Do you sell smoke detectors?",
    ],
)
def test_mft_no_danger_is_no_alarm(answer: Answer, text: str) -> None:
    triage = answer(text)
    assert triage.urgency is not None
    assert triage.urgency.level != "p1"
    assert "hazard" not in {r.code for r in triage.urgency.reasons}


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "？？？", "。。。", "😀", "\u200b", "---", "\x00"])
def test_mft_empty(answer: Answer, text: str) -> None:
    decision = answer(text).decision
    assert set(decision.actions.values()) == {"abstain"}
    assert decision.as_dict()["reason"] == "empty" or text == "😀"


@pytest.mark.parametrize(
    "text",
    [
        "asdkjh qwe zxcv",
        "kjhdf sdkfjh wer xcvmn",
        "El paquete nunca llegó y quiero mi dinero de vuelta",
        "Мой заказ до сих пор не пришёл",
        "Das Gerät lässt sich nicht mehr einschalten",
        "商品がまだ届きません、どうなっていますか",
        "주문한 상품이 아직 도착하지 않았습니다",
        "لم يصل طلبي بعد",
        "สินค้ายังไม่มาถึง",
    ],
)
def test_mft_not_chinese_nor_english_is_left_to_people(answer: Answer, text: str) -> None:
    assert "automate" not in answer(text).decision.actions.values()
    assert answer(text).decision.actions["category"] == "abstain"


@pytest.mark.parametrize(
    "text",
    [
        "在吗",
        "你好啊",
        "早上好",
        "谢谢亲",
        "哈哈",
        "嗯嗯",
        "hello",
        "good morning",
        "加微信领红包，日赚五百",
        "祝大家节日快乐",
    ],
)
def test_mft_no_request(answer: Answer, text: str) -> None:
    decision = answer(text).decision
    assert decision.actions["category"] == "abstain"
    assert decision.as_dict()["reason"] in {"no_request", "unknown_language", "out_of_scope"}


def test_mft_every_answer_is_possible(answer: Answer, released: TriageModel) -> None:
    allowed = {t.key: t.categories for t in released.taxonomy.tags}
    for text in [*ALL, *(t for pair in TAGS.values() for t in pair), ""]:
        triage = answer(text)
        assert all(triage.category.key in allowed[t.key] for t in triage.tags)
        assert triage.release == released.release
