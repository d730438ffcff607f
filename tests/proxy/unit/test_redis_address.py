"""Where and as whom to connect to Redis, read from its URL."""

from __future__ import annotations

import pytest

from proxy.adapters.redis_connection import RedisAddress


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://host", RedisAddress(host="host")),
        ("redis://host:6380/3", RedisAddress(host="host", port=6380, database=3)),
        ("redis://host?db=4", RedisAddress(host="host", database=4)),
        ("redis://:p%40ss@host", RedisAddress(host="host", password="p@ss")),
        ("redis://user:p@host/0", RedisAddress(host="host", username="user", password="p")),
        ("rediss://host:6390", RedisAddress(host="host", port=6390, is_tls=True)),
        ("redis://[::1]:6380", RedisAddress(host="::1", port=6380)),
        ("unix:///run/valkey.sock", RedisAddress(path="/run/valkey.sock")),
        ("unix:///a%20b/valkey.sock?db=2", RedisAddress(path="/a b/valkey.sock", database=2)),
        ("unix://:secret@/run/valkey.sock", RedisAddress(path="/run/valkey.sock", password="secret")),
    ],
)
def test_parse(url, address):
    assert RedisAddress.parse(url) == address


@pytest.mark.parametrize("url", ["", "host:6379", "http://host", "redis://", "redis:///3", "redis://host:port", "redis://host/x"])
def test_what_is_no_such_url_is_a_value_error(url):
    with pytest.raises(ValueError):
        RedisAddress.parse(url)
