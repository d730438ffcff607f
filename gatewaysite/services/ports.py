"""TCP ports of an installation: is one free, and which one stays the simulator's."""

from __future__ import annotations

import errno
import os
import random
import socket
import time
from contextlib import suppress
from pathlib import Path

from gatewaysite.services.errors import ServiceError
from gatewaysite.services.private_file import write_private

# Below the range the kernel gives to outgoing connections: one of those could sit on our remembered port at the next start.
_STABLE_PORTS = range(20_000, 32_000)
_TRIES_COUNT = 50
_POLL_S = 0.1
_REMEMBERED_WAIT_S = 1.0


def check_port_free(host: str, port: int, *, option: str = "--port", wait_s: float = 0.0) -> int:
    """
    Return the port that a server can listen on: `port`, or for 0 one that the kernel picks.

    Units: `wait_s` is how long a taken port may take to become free (an installation that was just killed).
    Errors: ServiceError that says why not and what to do; `option` is what it tells the reader to change.
    """
    deadline = time.monotonic() + wait_s
    while True:
        try:
            return _try_to_listen(host, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() >= deadline:
                raise ServiceError(_explain(error, host, port, option)) from error
        time.sleep(_POLL_S)


def keep_stable_port(file: Path, host: str) -> int:
    """
    Return the port that `file` remembers, or a new free one when there is none or it is taken, and remember that.

    Errors: ServiceError when no port is free, OSError when the file cannot be written.
    """
    remembered = _read_port(file)
    if remembered is not None:
        with suppress(ServiceError):
            return check_port_free(host, remembered, wait_s=_REMEMBERED_WAIT_S)
    for port in random.sample(_STABLE_PORTS, _TRIES_COUNT):
        if _is_free(host, port):
            write_private(file, f"{port}\n")
            return port
    raise ServiceError(f"None of {_TRIES_COUNT} ports tried on {host} is free. Name one with --simulator-port.")


def is_listening(host: str, port: int) -> bool:
    """Return whether somebody accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=1.0):
            return True
    except OSError:
        return False


def url_host(host: str) -> str:
    """Return the form of a listening address that a client on this machine can put into a URL."""
    reachable = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"[{reachable}]" if ":" in reachable else reachable


def _try_to_listen(host: str, port: int) -> int:
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    # As gunicorn does, a name such as `localhost` means its IPv4 address if it has one.
    family, kind, protocol, _, address = min(found, key=lambda info: info[0] != socket.AF_INET)
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as gunicorn does: connections in TIME_WAIT are no obstacle
        probe.bind(address)
        return int(probe.getsockname()[1])


def _is_free(host: str, port: int) -> bool:
    try:
        _try_to_listen(host, port)
    except OSError:
        return False
    return True


def _explain(error: OSError, host: str, port: int, option: str) -> str:
    if isinstance(error, socket.gaierror):
        return f"The address {host} is not known. Use 127.0.0.1 for this machine only or 0.0.0.0 for everybody."
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is taken by another program. Stop that one or choose another port with {option}."
    if error.errno == errno.EACCES:
        return f"Port {port} is reserved for root. Choose one from 1024 on with {option}."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"This machine has no address {host}. Use 127.0.0.1 for this machine only or 0.0.0.0 for everybody."
    return f"Cannot listen on port {port} of {host}: {error.strerror or os.strerror(error.errno or 0)}."


def _read_port(file: Path) -> int | None:
    try:
        port = int(file.read_text())
    except (OSError, ValueError):
        return None
    return port if 0 < port < 65_536 else None
