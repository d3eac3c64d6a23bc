"""Compressed texts."""

from array import array

import zstandard
from hypothesis import given
from hypothesis import strategies as st

from rsidx.store.codec import Codec, train_dictionary
from rsidx.store.varint import pack_breaks, pack_ids, unpack_breaks, unpack_ids

SAMPLES = [f"pub fn name_{n}(&self) -> Result<u32, Error> {{ Ok({n}) }}\n".encode()
           for n in range(2000)]  # fmt: skip


@given(st.binary(max_size=400))
def test_a_text_comes_back_with_and_without_a_dictionary(text):
    codec = Codec({})
    assert codec.decompress(codec.compress(text), None) == text
    codec.add(7, train_dictionary(SAMPLES))
    assert codec.decompress(codec.compress(text), 7) == text


def test_texts_from_before_the_dictionary_stay_readable_and_new_ones_are_smaller():
    codec = Codec({})
    old = codec.compress(SAMPLES[5])
    codec.add(1, train_dictionary(SAMPLES))
    new = codec.compress(SAMPLES[5])
    assert codec.decompress(old, None) == codec.decompress(new, 1) == SAMPLES[5]
    assert len(new) < len(old) / 2


def test_too_few_samples_train_nothing():
    assert train_dictionary(SAMPLES[:20]) is None


@given(st.lists(st.tuples(st.integers(0, 2**31), st.integers(0, 40))).map(sorted))
def test_breaks_come_back(breaks):
    assert unpack_breaks(pack_breaks(tuple(breaks))) == breaks


def test_breaks_near_each_other_take_a_byte():
    breaks = tuple((30 * n, n // 3) for n in range(100))
    assert len(pack_breaks(breaks)) == 101


def test_breaks_of_an_older_version_are_read():
    flat = array("I", [7, 0, 19, 2])
    packed = zstandard.ZstdCompressor().compress(flat.tobytes())
    assert unpack_breaks(packed) == [(7, 0), (19, 2)]


@given(st.lists(st.integers(1, 2**31)))
def test_ids_come_back(ids):
    assert unpack_ids(pack_ids(ids)) == ids


def test_ids_that_follow_each_other_take_a_byte():
    assert len(pack_ids(range(1000, 1100))) == 101


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_messages_come_back(message):
    codec = Codec({})
    assert codec.decompress_message(codec.compress_message(message)) == message
