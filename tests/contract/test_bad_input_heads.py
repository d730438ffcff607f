"""Keys, methods, paths and heads that no well-behaved client sends: the contract's answer, or a clean close."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator

import pytest

from tests.http_talk import CHAT, chat, check_error, is_closed, open_socket, read_reply, render_request
from tests.installation import Installation

BODY = json.dumps(chat()).encode()
Fields = list[tuple[str, str]]


@pytest.fixture
def wire(installation: Installation) -> Iterator[socket.socket]:
    with open_socket(installation.port) as client:
        yield client


def _fields(key: str | None, *more: tuple[str, str], length: int | None = len(BODY), content_type: str = "application/json") -> Fields:
    fields = [("Host", "gateway"), ("Content-Type", content_type)]
    fields += [("Authorization", f"Bearer {key}")] if key is not None else []
    fields += [("Content-Length", str(length))] if length is not None else []
    return [*fields, *more]


def _check_usable(wire: socket.socket, key: str) -> None:
    wire.sendall(render_request("POST", CHAT, _fields(key), BODY))
    assert read_reply(wire).status == 200


# --- keys -----------------------------------------------------------------------------------------------------------------------

_WELL_FORMED_BUT_UNKNOWN = "gw_live_0123456789_0123456789abcdefghijABCDEFGHIJ01_"
GARBAGE = {
    "empty": "",
    "blank": "   ",
    "another provider's": "sk-proj-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "quotes": "' OR '1'='1' --",
    "double quotes": '"gw_live_"',
    "a wrong checksum": _WELL_FORMED_BUT_UNKNOWN + "000000",
    "umlauts": "gw_live_schl\xfcssel",
    "Unicode": "gw_live_\u30ad\u30fc".encode().decode("latin-1"),
    "a template": "{{7*7}}${7*7}",
    "60 KB": "a" * 60_000,
}


@pytest.mark.parametrize("key", [pytest.param(key, id=name) for name, key in GARBAGE.items()])
def test_a_garbage_key_is_a_401(wire: socket.socket, keys: dict[str, str], key: str) -> None:
    wire.sendall(render_request("POST", CHAT, _fields(key), BODY))

    reply = read_reply(wire)

    check_error(reply, 401, "authentication_error", "invalid_api_key")
    assert reply.headers["x-should-retry"] == "false"
    _check_usable(wire, keys["everything"])


@pytest.mark.parametrize("fields", [[], [("Authorization", "Basic dXNlcjpwYXNz")], [("Authorization", "Bearer")], [("X-Api-Key", "nope")]])
def test_no_key_or_one_of_another_scheme_is_a_401(wire: socket.socket, keys: dict[str, str], fields: Fields) -> None:
    wire.sendall(render_request("POST", CHAT, _fields(None, *fields), BODY))

    check_error(read_reply(wire), 401, "authentication_error", "invalid_api_key")
    _check_usable(wire, keys["everything"])


def test_every_refused_key_gets_the_very_same_error(installation: Installation, keys: dict[str, str]) -> None:
    changed = keys["everything"][:-1] + ("0" if keys["everything"][-1] != "0" else "1")

    answers = {installation.post(CHAT, chat(), key).body for key in (None, "garbage", changed)}

    assert len(answers) == 1


def test_the_key_may_come_as_x_api_key(wire: socket.socket, keys: dict[str, str]) -> None:
    wire.sendall(render_request("POST", CHAT, _fields(None, ("X-Api-Key", keys["everything"])), BODY))

    assert read_reply(wire).status == 200


def test_a_nul_in_the_key_is_a_400_and_the_end(wire: socket.socket) -> None:
    wire.sendall(render_request("POST", CHAT, _fields("abc\0def"), BODY))

    check_error(read_reply(wire), 400, "invalid_request_error", "invalid_request")
    assert is_closed(wire)


def test_a_key_of_a_megabyte_is_a_431_and_the_end(wire: socket.socket) -> None:
    wire.sendall(render_request("POST", CHAT, _fields("a" * 1_000_000), BODY))

    check_error(read_reply(wire), 431, "invalid_request_error", "request_too_large")
    assert is_closed(wire)


def test_a_garbage_key_asks_the_database_nothing(installation: Installation) -> None:
    statements = installation.data_dir.logs / "postgres.log"
    asked = re.compile(r"apikeys_apikeysecret")
    installation.sql("ALTER SYSTEM SET log_statement = 'all'")
    try:
        installation.sql("SELECT pg_reload_conf()")
        # The setting reaches every session before its next statement: one that has to be asked for shows that it did.
        known = installation.create_key()
        before = statements.stat().st_size
        assert installation.post(CHAT, chat(), known).status == 200
        assert asked.search(statements.read_text()[before:])

        before = statements.stat().st_size
        for key in GARBAGE.values():
            assert installation.post(CHAT, chat(), key.strip().encode("latin-1", "replace").decode("latin-1")).status == 401
        assert not asked.search(statements.read_text()[before:])
    finally:
        installation.sql("ALTER SYSTEM RESET log_statement")
        installation.sql("SELECT pg_reload_conf()")


# --- methods, paths, content types ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", CHAT, "POST"),
        ("PUT", CHAT, "POST"),
        ("DELETE", CHAT, "POST"),
        ("POST", "/v1/models", "GET"),
        ("PATCH", "/v1/models/x", "GET"),
    ],
)
def test_a_wrong_method_is_a_405_that_names_the_right_one(
    wire: socket.socket, keys: dict[str, str], method: str, path: str, allowed: str
) -> None:
    wire.sendall(render_request(method, path, _fields(keys["everything"]), BODY))

    reply = read_reply(wire, method)

    check_error(reply, 405, "invalid_request_error", "method_not_allowed")
    assert allowed in reply.headers["allow"]
    _check_usable(wire, keys["everything"])


@pytest.mark.parametrize(
    "path", ["/v1/nope", "/v1", "/v1/", "/v1/chat", "/v1/chat/completions/", "/v1/../admin/", "/v1//models", "/v1/%00", "/v1/models/"]
)
def test_an_unknown_path_is_a_404(wire: socket.socket, keys: dict[str, str], path: str) -> None:
    wire.sendall(render_request("GET", path, _fields(keys["everything"], length=None)))

    check_error(read_reply(wire), 404, "invalid_request_error", "not_found")
    _check_usable(wire, keys["everything"])


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""])
def test_a_wrong_content_type_is_a_415(wire: socket.socket, keys: dict[str, str], content_type: str) -> None:
    wire.sendall(render_request("POST", CHAT, _fields(keys["everything"], content_type=content_type), BODY))

    check_error(read_reply(wire), 415, "invalid_request_error", "unsupported_media_type")
    _check_usable(wire, keys["everything"])


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_may_be_named_in_any_way(wire: socket.socket, keys: dict[str, str], content_type: str) -> None:
    wire.sendall(render_request("POST", CHAT, _fields(keys["everything"], content_type=content_type), BODY))

    assert read_reply(wire).status == 200


# --- heads ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Authorization", "Content-Type"])
def test_a_header_that_decides_may_come_once(wire: socket.socket, keys: dict[str, str], name: str) -> None:
    doubled = [field for field in _fields(keys["everything"]) if field[0] == name]

    wire.sendall(render_request("POST", CHAT, _fields(keys["everything"], *doubled), BODY))

    check_error(read_reply(wire), 400, "invalid_request_error", "invalid_request")


UNCLEAR = {
    "a length and chunks": _fields("k", ("Transfer-Encoding", "chunked")),
    "two lengths": _fields("k", ("Content-Length", "3")),
    "two hosts": _fields("k", ("Host", "other")),
    "no host": [("Content-Length", "0")],
    "an unknown encoding": _fields("k", ("Transfer-Encoding", "gzip"), length=None),
    "a length in words": _fields("k", ("Content-Length", "ten"), length=None),
    "a negative length": _fields("k", ("Content-Length", "-1"), length=None),
    "a space before the colon": _fields("k", ("X-Name ", "x")),
    "a line that continues": _fields("k", ("X-Name", "a\r\n b")),
}


@pytest.mark.parametrize("fields", [pytest.param(fields, id=name) for name, fields in UNCLEAR.items()])
def test_a_head_that_two_readers_could_read_differently_is_a_400_and_the_end(
    wire: socket.socket, installation: Installation, keys: dict[str, str], fields: Fields
) -> None:
    wire.sendall(render_request("POST", CHAT, fields, BODY))

    check_error(read_reply(wire), 400, "invalid_request_error", "invalid_request")
    assert is_closed(wire)
    assert installation.post(CHAT, chat(), keys["everything"]).status == 200


@pytest.mark.parametrize(
    "line", [b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"BREW / HTTP/1.1\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"]
)
def test_what_is_no_http_is_a_400_and_the_end(wire: socket.socket, line: bytes) -> None:
    wire.sendall(line)

    check_error(read_reply(wire), 400, "invalid_request_error", "invalid_request")
    assert is_closed(wire)


@pytest.mark.parametrize(
    "fields", [[("X-Big", "a" * 70_000)], [(f"X-{number}", "a") for number in range(20_000)]], ids=["one header", "many headers"]
)
def test_a_huge_head_is_a_431_and_the_end(wire: socket.socket, keys: dict[str, str], fields: Fields) -> None:
    wire.sendall(render_request("POST", CHAT, _fields(keys["everything"], *fields), BODY))

    check_error(read_reply(wire), 431, "invalid_request_error", "request_too_large")
    assert is_closed(wire)


def test_nothing_of_all_this_left_a_traceback(installation: Installation) -> None:
    assert [event for event in installation.log_events() if event.get("level") in {"error", "critical"} or "exception" in event] == []
