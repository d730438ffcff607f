"""Free ports, taken ports, and the one that stays the simulator's."""

from __future__ import annotations

import socket
import threading

import pytest

from gatewaysite.services.errors import ServiceError
from gatewaysite.services.ports import check_port_free, is_listening, keep_stable_port, url_host

_EVERYBODY = "0.0.0.0"  # noqa: S104 - never bound here


@pytest.fixture
def taken():
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener


def test_check_port_free_names_the_taken_port_and_the_option(taken):
    port = taken.getsockname()[1]

    with pytest.raises(ServiceError) as caught:
        check_port_free("127.0.0.1", port, option="--simulator-port")

    assert str(caught.value) == (
        f"Port {port} on 127.0.0.1 is taken by another program. Stop that one or choose another port with --simulator-port."
    )


def test_check_port_free_picks_one_for_zero():
    port = check_port_free("127.0.0.1", 0)

    assert port > 0
    assert check_port_free("127.0.0.1", port) == port


def test_check_port_free_waits_for_a_port_that_becomes_free(taken):
    port = taken.getsockname()[1]
    timer = threading.Timer(0.15, taken.close)
    timer.start()

    assert check_port_free("127.0.0.1", port, wait_s=30.0) == port
    timer.join()


def test_check_port_free_explains_an_address_of_another_machine():
    with pytest.raises(ServiceError, match=r"This machine has no address 192\.0\.2\.1"):
        check_port_free("192.0.2.1", 0)


def test_check_port_free_explains_a_name_that_nobody_knows(monkeypatch):
    def unknown(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(ServiceError, match="The address nowhere is not known"):
        check_port_free("nowhere", 0)


def test_keep_stable_port_returns_the_same_port_again(tmp_path):
    file = tmp_path / "simulator.port"

    first = keep_stable_port(file, "127.0.0.1")

    assert [keep_stable_port(file, "127.0.0.1") for _ in range(3)] == [first] * 3
    assert 20_000 <= first < 32_000


@pytest.mark.parametrize("content", ["", "nonsense", "99999999", "-1"])
def test_keep_stable_port_replaces_a_damaged_file(tmp_path, content):
    file = tmp_path / "simulator.port"
    file.write_text(content)

    port = keep_stable_port(file, "127.0.0.1")

    assert int(file.read_text()) == port


def test_keep_stable_port_moves_on_when_the_remembered_one_is_taken(tmp_path, taken):
    file = tmp_path / "simulator.port"
    file.write_text(str(taken.getsockname()[1]))

    port = keep_stable_port(file, "127.0.0.1")

    assert port != taken.getsockname()[1]
    assert int(file.read_text()) == port


def test_is_listening_tells_a_listener_from_a_free_port(taken):
    port = taken.getsockname()[1]

    assert is_listening("127.0.0.1", port)
    taken.close()
    assert not is_listening("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "in_url"),
    [("127.0.0.1", "127.0.0.1"), (_EVERYBODY, "127.0.0.1"), ("::", "[::1]"), ("::1", "[::1]"), ("gw.local", "gw.local"), ("", "127.0.0.1")],
)
def test_url_host_is_what_a_client_here_can_use(host, in_url):
    assert url_host(host) == in_url
