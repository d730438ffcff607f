"""Where a backend listens, read from its base URL."""

from __future__ import annotations

import pytest

from proxy.adapters.snapshot_builder import parse_endpoint
from proxy.ports import Endpoint


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("http://host", Endpoint("http", "host", 80, "")),
        ("https://host/", Endpoint("https", "host", 443, "")),
        ("https://Host:8443/v1/", Endpoint("https", "host", 8443, "/v1")),
        ("http://[::1]:9/a/b", Endpoint("http", "::1", 9, "/a/b")),
    ],
)
def test_parse_endpoint(url, endpoint):
    assert parse_endpoint(url) == endpoint
