"""Encryption at rest: bound to its place, readable with any configured key, written with the first."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.aead import DecryptionError, KeyRing

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
RING = KeyRing({"k1": OLD})


@given(st.binary(max_size=200), st.text(max_size=40))
def test_open_returns_what_seal_was_given(plaintext, place):
    assert RING.open(RING.seal(plaintext, place), place) == plaintext


def test_two_seals_of_one_value_differ():
    assert RING.seal(b"credential", "a") != RING.seal(b"credential", "a")


def test_the_plaintext_is_not_in_the_sealed_value():
    assert b"credential" not in RING.seal(b"credential" * 10, "a")


def test_a_value_copied_to_another_place_does_not_open():
    sealed = RING.seal(b"credential", "proxy_backend:1:credential")

    with pytest.raises(DecryptionError):
        RING.open(sealed, "proxy_backend:2:credential")


def test_every_changed_byte_is_noticed():
    sealed = RING.seal(b"credential", "a")

    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 1
        with pytest.raises(DecryptionError):
            RING.open(bytes(changed), "a")


def test_every_cut_is_noticed():
    sealed = RING.seal(b"credential", "a")

    for length in range(len(sealed)):
        with pytest.raises(DecryptionError):
            RING.open(sealed[:length], "a")


@given(st.binary(max_size=80))
def test_garbage_is_a_decryption_error_and_nothing_else(garbage):
    with pytest.raises(DecryptionError):
        RING.open(garbage, "a")


def test_a_new_key_in_front_seals_and_the_old_one_still_opens():
    sealed = RING.seal(b"credential", "a")
    rotated = KeyRing({"k2": NEW, "k1": OLD})

    assert rotated.open(sealed, "a") == b"credential"
    assert not rotated.is_primary(sealed)
    assert KeyRing.key_id(sealed) == "k1"
    resealed = rotated.seal(b"credential", "a")
    assert rotated.is_primary(resealed)
    assert KeyRing.key_id(resealed) == "k2"


def test_a_key_that_is_gone_is_named():
    sealed = RING.seal(b"credential", "a")

    with pytest.raises(DecryptionError, match="'k1' is not configured"):
        KeyRing({"k2": NEW}).open(sealed, "a")


def test_another_key_of_the_same_id_does_not_open():
    sealed = RING.seal(b"credential", "a")

    with pytest.raises(DecryptionError):
        KeyRing({"k1": NEW}).open(sealed, "a")


def _pair(key_id, key):
    return f"{key_id}:{base64.b64encode(key).decode()}"


def test_parse_reads_pairs_and_takes_the_first_for_sealing():
    ring = KeyRing.parse([_pair(" k2", NEW), _pair("k1", OLD)])

    assert KeyRing.key_id(ring.seal(b"x", "a")) == "k2"
    assert ring.open(RING.seal(b"x", "a"), "a") == b"x"


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        ["k1"],
        ["k1:not base64!"],
        [_pair("k1", OLD[:31])],
        [_pair("k1", OLD + b"x")],
        [_pair("", OLD)],
        [_pair("k" * 256, OLD)],
        [_pair("k1", OLD), _pair("k1", NEW)],
    ],
    ids=["none", "no colon", "no base64", "short", "long", "no id", "long id", "one id twice"],
)
def test_parse_refuses_what_cannot_work(pairs):
    with pytest.raises(ValueError):
        KeyRing.parse(pairs)
