"""What `/proc` tells of running processes: who descends from whom, who works in a folder, who accepted a connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_ESTABLISHED = "01"


@dataclass(frozen=True, slots=True)
class Process:
    """One process; `started` tells it from a later one with the same pid."""

    pid: int
    parent_pid: int
    state: str
    started: int

    @property
    def command(self) -> str:
        with suppress(OSError):
            return Path(f"/proc/{self.pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        return ""

    @property
    def environment(self) -> bytes:
        with suppress(OSError):
            return Path(f"/proc/{self.pid}/environ").read_bytes()
        return b""

    def is_alive(self) -> bool:
        now = find_process(self.pid)
        return now is not None and now.started == self.started and now.state not in "ZX"


def find_process(pid: int) -> Process | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return Process(pid, int(fields[1]), fields[0], int(fields[19]))


def all_processes() -> Iterator[Process]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and (process := find_process(int(entry.name))) is not None:
            yield process


def descendants(pid: int) -> list[Process]:
    """Return the children of `pid`, their children and so on; zombies left out."""
    by_parent: dict[int, list[Process]] = {}
    for process in all_processes():
        if process.state not in "ZX":
            by_parent.setdefault(process.parent_pid, []).append(process)
    found, waiting = [], [pid]
    while waiting:
        children = by_parent.get(waiting.pop(), [])
        found += children
        waiting += [child.pid for child in children]
    return found


def owner_of_connection(server_port: int, client_port: int, candidates: list[int]) -> int | None:
    """Return which of `candidates` holds the accepted end of a loopback connection, None while nobody accepted it."""
    inode = _find_inode(server_port, client_port)
    return next((pid for pid in candidates if inode and _holds(pid, inode)), None)


def _find_inode(server_port: int, client_port: int) -> str | None:
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, state, *rest = line.split()
        if state == _ESTABLISHED and (_port(local), _port(remote)) == (server_port, client_port):
            return rest[5]
    return None


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)


def _holds(pid: int, inode: str) -> bool:
    wanted = f"socket:[{inode}]"
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            if str(descriptor.readlink()) == wanted:
                return True
    return False
