"""Nothing that a caller passes can change the framing of a request."""

from __future__ import annotations

import pytest

from proxy.adapters.http.request import dump_head, dump_host

HOST = b"api.example.com"


def dump(method: str = "POST", target: str = "/v1", headers: list[tuple[bytes, bytes]] | None = None) -> bytes:
    return dump_head(method, target, HOST, headers or [], 0)


def test_head_is_written_line_by_line() -> None:
    head = dump_head("POST", "/v1/chat?a=b", HOST, [(b"X-One", b"1"), (b"x-two", b"\xc3\xa9 2")], 12)

    assert head == (
        b"POST /v1/chat?a=b HTTP/1.1\r\n"
        b"host: api.example.com\r\n"
        b"x-one: 1\r\n"
        b"x-two: \xc3\xa9 2\r\n"
        b"accept-encoding: identity\r\n"
        b"content-length: 12\r\n"
        b"\r\n"
    )


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_body_of_unknown_length_is_announced_as_chunked(method: str) -> None:
    head = dump_head(method, "/", HOST, [], None)

    assert (
        head == method.encode() + b" / HTTP/1.1\r\nhost: api.example.com\r\naccept-encoding: identity\r\ntransfer-encoding: chunked\r\n\r\n"
    )


@pytest.mark.parametrize("bad", [b"\r", b"\n", b"\0", b"\r\nx-injected: 1", b"\nx", b"a\r\n\r\nGET /"])
@pytest.mark.parametrize("place", ["before", "inside", "behind"])
def test_header_value_cannot_end_its_line(bad: bytes, place: str) -> None:
    value = {"before": bad + b"value", "inside": b"va" + bad + b"lue", "behind": b"value" + bad}[place]

    with pytest.raises(ValueError, match="CR, LF or NUL") as caught:
        dump(headers=[(b"authorization", value), (b"x-other", b"1")])
    assert "value" not in str(caught.value).replace("header value", "")


@pytest.mark.parametrize("name", [b"", b"x y", b"x:", b"x: 1\r\ny", b"x\n", b"x\0", b" x", b"x\t", b"\xc3\xa9", b"(x)"])
def test_header_name_is_a_token(name: bytes) -> None:
    for _ in range(2):  # the second time it would come from the memory of checked names
        with pytest.raises(ValueError, match="header name"):
            dump(headers=[(name, b"1")])


@pytest.mark.parametrize(
    "name",
    [
        b"host",
        b"Content-Length",
        b"TRANSFER-ENCODING",
        b"connection",
        b"Upgrade",
        b"expect",
        b"te",
        b"trailer",
        b"keep-alive",
        b"proxy-connection",
        b"http2-settings",
    ],
)
def test_header_of_the_message_or_the_hop_is_not_the_callers(name: bytes) -> None:
    with pytest.raises(ValueError, match="written by the client itself"):
        dump(headers=[(name, b"1")])


@pytest.mark.parametrize(
    "target",
    ["", "v1", "http://x/", "/v1 HTTP/1.1", "/a\r\nx: y", "/a\nb", "/a\0", "/a\t", "/é", "/a\x7f", "/a\u2028b", "*"],
)
def test_target_is_a_path_of_printable_characters(target: str) -> None:
    with pytest.raises(ValueError, match="request target"):
        dump(target=target)


@pytest.mark.parametrize("method", ["", "get", "GET /", "GET\r\n", "CONNECT", "GÉT"])
def test_method_is_a_word_in_capitals(method: str) -> None:
    with pytest.raises(ValueError, match="method"):
        dump(method=method)


@pytest.mark.parametrize(
    ("scheme", "host", "port", "expected"),
    [
        ("http", "api.example.com", 80, b"api.example.com"),
        ("https", "api.example.com", 443, b"api.example.com"),
        ("https", "api.example.com", 80, b"api.example.com:80"),
        ("http", "127.0.0.1", 8000, b"127.0.0.1:8000"),
        ("http", "::1", 8000, b"[::1]:8000"),
        ("https", "::1", 443, b"[::1]"),
        ("https", "bücher.example", 443, b"xn--bcher-kva.example"),
    ],
)
def test_host_names_the_port_only_where_it_is_not_the_usual_one(scheme: str, host: str, port: int, expected: bytes) -> None:
    assert dump_host(scheme, host, port) == expected


@pytest.mark.parametrize("host", ["", "a b", "a\r\nx: y", "a/b", "user@a", "a\0", "a?b"])
def test_host_is_a_host(host: str) -> None:
    with pytest.raises(ValueError, match="host name"):
        dump_host("http", host, 80)
