"""The form of an API key, its checksum and its digest: garbage is told from a key without asking anybody."""

from __future__ import annotations

import re
import string
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apikeys.hotpath import KEY_LENGTH, create_key_text, digest_key, is_well_formed

KEY = create_key_text()[0].encode()

GARBAGE = {
    "empty": b"",
    "quotes": b"\"'\"'" * 10,
    "quoted key": b'"' + KEY + b'"',
    "NUL": b"\0" * KEY_LENGTH,
    "NUL behind": KEY + b"\0",
    "NUL inside": KEY[:20] + b"\0" + KEY[21:],
    "newline behind": KEY + b"\n",
    "space before": b" " + KEY,
    "1 MB": b"a" * 1_000_000,
    "1 MB of our form": b"gw_live_" + b"a" * 1_000_000 + KEY[-7:],
    "1 MB of underscores": b"_" * 1_000_000,
    "unicode": "gw_live_ключ_🔑".encode(),
    "unicode of the right length": ("ü" * (KEY_LENGTH // 2)).encode() + b"x" * (KEY_LENGTH % 2),
    "not UTF-8": b"\xff\xfe" * 20,
    "prefix alone": b"gw_live_",
    "other prefix": b"gw_test_" + KEY[8:],
    "OpenAI's": b"sk-proj-" + b"a" * 48,
    "upper case": KEY.upper(),
    "SQL": b"' OR 1=1; DROP TABLE apikeys_apikey; --",
    "format string": b"%s%n{0}{}" * 6,
    "checksum cut off": KEY[:-7],
    "only its checksum": KEY[-6:],
}


def test_a_created_key_is_well_formed_and_carries_its_public_id():
    for _ in range(200):
        key, public_id = create_key_text()

        assert is_well_formed(key.encode())
        assert len(key) == KEY_LENGTH
        assert re.fullmatch(r"gw_live_[0-9A-Za-z]{10}_[0-9A-Za-z]{32}_[0-9A-Za-z]{6}", key)
        assert key.split("_")[2] == public_id


def test_created_keys_differ():
    assert len({create_key_text()[0] for _ in range(1000)}) == 1000
    assert len({create_key_text()[1] for _ in range(1000)}) == 1000


@pytest.mark.parametrize("presented", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_is_not_well_formed(presented):
    assert not is_well_formed(presented)


@given(st.binary(max_size=200))
def test_no_bytes_raise(presented):
    assert is_well_formed(presented) in {True, False}


@given(st.integers(0, KEY_LENGTH - 1), st.sampled_from(string.ascii_letters + string.digits + "_\0\"' ü"))
@example(8, "_")
def test_a_single_changed_character_breaks_the_checksum(at, character):
    changed = KEY[:at] + character.encode() + KEY[at + 1 :]

    assert is_well_formed(changed) == (changed == KEY)


def test_two_swapped_characters_break_the_checksum():
    for at in range(8, KEY_LENGTH - 1):
        swapped = KEY[:at] + KEY[at + 1 : at + 2] + KEY[at : at + 1] + KEY[at + 2 :]

        assert is_well_formed(swapped) == (swapped == KEY)


def test_the_checksum_is_the_crc_of_all_before_it_in_base_62():
    alphabet = string.digits + string.ascii_uppercase + string.ascii_lowercase
    body, _, checksum = KEY.decode().rpartition("_")
    value = 0
    for character in checksum:
        value = value * 62 + alphabet.index(character)

    assert value == zlib.crc32(body.encode())


def test_the_digest_depends_on_the_pepper_and_on_every_byte_of_the_key():
    digest = digest_key(b"pepper", KEY)

    assert len(digest) == 32
    assert digest == digest_key(b"pepper", KEY)
    assert digest != digest_key(b"other pepper", KEY)
    assert digest != digest_key(b"pepper", KEY[:-1] + b"~")
    assert KEY not in digest
