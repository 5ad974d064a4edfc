"""The vectorised hash against a slow, obvious twin in plain integers."""

from collections import Counter
from zlib import crc32

from hypothesis import given
from hypothesis import strategies as st

from features.ngrams import BITS, CHAR_ORDERS, WORD_ORDERS, count, hash_places, latin_words
from features.text import normalize

MASK = 2**64 - 1
BASE, FINAL = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9


def slow_bucket(units: list[int], salt: int) -> int:
    value = units[0]
    for unit in units[1:]:
        value = (value * BASE + unit) & MASK
    value = ((value + salt) * BASE) & MASK
    value ^= value >> 31
    return ((value * FINAL) & MASK) >> (64 - BITS)


def slow_ngrams(normal: str) -> Counter[int]:
    chars = [ord(c) + 1 for c in f" {normal} "]
    words = [crc32(w.encode()) for w in latin_words(normal)]
    found: Counter[int] = Counter()
    for units, orders, salt in ((chars, CHAR_ORDERS, 0), (words, WORD_ORDERS, 16)):
        for n in range(1, orders + 1):
            found.update(slow_bucket(units[i : i + n], n + salt) for i in range(len(units) - n + 1))
    return found if normal else Counter()


@given(st.text(max_size=60).map(normalize))
def test_same_as_the_slow_twin(normal: str) -> None:
    buckets, counts = count(hash_places(normal)[0])
    assert dict(zip(buckets.tolist(), counts.tolist(), strict=True)) == dict(slow_ngrams(normal))


@given(st.text(max_size=60).map(normalize))
def test_places_are_those_of_the_text(normal: str) -> None:
    buckets, runs = hash_places(normal)
    assert sum(runs) == len(buckets)
    assert len(runs) == CHAR_ORDERS + WORD_ORDERS
    if normal:
        assert runs[:CHAR_ORDERS] == [max(0, len(normal) + 3 - n) for n in range(1, CHAR_ORDERS + 1)]
        assert runs[CHAR_ORDERS] == len(latin_words(normal))


def test_empty_has_none() -> None:
    assert hash_places("")[0].size == 0


def test_words_and_characters_do_not_meet() -> None:
    assert set(hash_places("a b")[0].tolist()) != set(hash_places("b a")[0].tolist())
