"""Which coding a client likes best, and which bodies are worth one."""

from __future__ import annotations

import pytest

from proxy.rest_door.compression import CODINGS, choose_coding, compress, is_compressible


@pytest.mark.parametrize(
    ("accept_encoding", "coding"),
    [
        (b"gzip, deflate, br, zstd", "zstd"),
        (b"gzip, deflate, br", "br"),
        (b"gzip", "gzip"),
        (b"x-gzip", "gzip"),
        (b"deflate", ""),
        (b"identity", ""),
        (b"", ""),
        (b"*", "zstd"),
        (b"*;q=0", ""),
        (b"zstd;q=0, *", "br"),
        (b"zstd;q=0.5, gzip;q=0.9", "gzip"),
        (b"zstd;q=0.5, br;q=0.5", "zstd"),
        (b"GZIP;Q=1.0", "gzip"),
        (b"gzip;q=0", ""),
        (b"gzip;q=nonsense", ""),
        (b"gzip;level=9", ""),
        (b"gzip;q=7", ""),
        (b"identity, gzip;q=0.5", ""),
        (b"identity;q=0.5, gzip", "gzip"),
        (b";,;=,\xff", ""),
    ],
)
def test_the_coding_that_is_liked_best_is_chosen(accept_encoding, coding):
    assert choose_coding(accept_encoding) == coding


@pytest.mark.parametrize(
    ("content_type", "size", "is_worth_it"),
    [
        (b"application/json", 1025, True),
        (b"application/json", 1024, False),
        (b"text/csv; charset=utf-8", 5000, True),
        (b"application/x-ndjson", 5000, True),
        (b"image/png", 5000, False),
        (b"text/event-stream", 5000, False),
        (b"", 5000, False),
    ],
)
def test_only_text_above_a_kilobyte_is_worth_one(content_type, size, is_worth_it):
    assert is_compressible(content_type, size) is is_worth_it


@pytest.mark.parametrize("coding", CODINGS)
def test_a_hundred_kilobytes_become_a_quarter(coding):
    body = b"".join(b'{"id":"01a1ffaf-ab5f-760b-89dd-%012x","title":"Item %d","status":"new"},' % (n * 7919, n) for n in range(1500))
    assert len(body) > 100_000

    assert len(compress(body, coding)) < 25_000
