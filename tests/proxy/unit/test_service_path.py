"""Which service answers a path, and what its upstream sees of it."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from proxy.errors import BadRequest
from proxy.service_path import find_service, upstream_path
from proxy.snapshot import Snapshot
from tests.proxy.service_help import service

SNAPSHOT = Snapshot(revision=1, services=(service("/infer"), service("/infer/v2"), service("/team/a")))


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/infer", "/infer"),
        ("/infer/", "/infer"),
        ("/infer/deep/er", "/infer"),
        ("/infer/v2", "/infer/v2"),
        ("/infer/v2/x", "/infer/v2"),
        ("/infer/v20", "/infer"),
        ("/inferno", None),
        ("/INFER", None),
        ("/team", None),
        ("/team/a/b", "/team/a"),
        ("/", None),
        ("", None),
        ("//infer", None),
    ],
)
def test_longest_path_that_holds_the_request_answers_it(path, found):
    answering = find_service(SNAPSHOT, path)

    assert (answering.path if answering else None) == found


def path_of(target: str, *, strip: bool = False, at: str = "/sim") -> str:
    raw, _, query = target.partition("?")
    scope = {"path": unquote(raw), "raw_path": raw.encode("latin-1"), "query_string": query.encode("latin-1")}
    return upstream_path(scope, service(at, is_prefix_stripped=strip))


@pytest.mark.parametrize(
    ("target", "whole", "stripped"),
    [
        ("/sim", "/sim", "/"),
        ("/sim/", "/sim/", "/"),
        ("/sim/metrics", "/sim/metrics", "/metrics"),
        ("/sim/a%2Fb/%c3%a9//x;y=1", "/sim/a%2Fb/%c3%a9//x;y=1", "/a%2Fb/%c3%a9//x;y=1"),
        ("/sim/sim", "/sim/sim", "/sim"),
        ("/sim/.well-known/..x/x../...", "/sim/.well-known/..x/x../...", "/.well-known/..x/x../..."),
        ("/sim/%2541", "/sim/%2541", "/%2541"),
        ("/sim/x?q=../../%2e%2e", "/sim/x", "/x"),
    ],
)
def test_path_crosses_byte_for_byte(target, whole, stripped):
    assert path_of(target) == whole
    assert path_of(target, strip=True) == stripped


@pytest.mark.parametrize(
    "target",
    [
        "/sim/..",
        "/sim/../admin",
        "/sim/a/../b",
        "/sim/./a",
        "/sim/%2e%2e/admin",
        "/sim/%2E./admin",
        "/sim/.%2e",
        "/sim%2f..%2fadmin",
        "/sim/a%2f..%2f..%2fadmin",
        "/sim/..%5c..%5cadmin",
        "/sim/a\\..\\admin",
        "/sim/%252e%252e/admin",
        "/sim/%25%32%65%2e/admin",
        "/sim/..;/admin",
        "/sim/..%3bjsessionid=1/admin",
        "/sim/a%00b",
        "/sim/a b",
        "/sim/a\tb",
        "/sim/é",
        "/sim/x?q=a b",
        "/sim/x?q=é",
    ],
)
@pytest.mark.parametrize("strip", [True, False])
def test_path_that_climbs_or_holds_what_no_path_may_is_refused(target, strip):
    with pytest.raises(BadRequest):
        path_of(target, strip=strip)


@pytest.mark.parametrize("target", ["/s%69m/metrics", "/sim%2Fmetrics", "/%73im"])
@pytest.mark.parametrize("strip", [True, False])
def test_prefix_is_written_plainly(target, strip):
    """Else the upstream's own base path could be left: `/base` and `%2Fmetrics` make one segment."""
    with pytest.raises(BadRequest):
        path_of(target, strip=strip)


def test_server_without_a_raw_path_gives_the_decoded_one():
    assert upstream_path({"path": "/sim/x", "query_string": b""}, service("/sim")) == "/sim/x"
