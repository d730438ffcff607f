"""PostgreSQL and Valkey of one installation as one thing that starts and stops."""

from __future__ import annotations

from contextlib import suppress
from types import TracebackType
from typing import Protocol, Self

from gatewaysite.services.paths import DataDir
from gatewaysite.services.postgres import Postgres
from gatewaysite.services.valkey import Valkey


class _Service(Protocol):
    @property
    def pid(self) -> int | None: ...
    def launch(self, *, fsync: bool = True) -> None: ...
    def wait_ready(self) -> None: ...
    def is_running(self) -> bool: ...
    def stop(self) -> None: ...


class Services:
    """
    The embedded services of one data folder; as a context manager, running inside the block.

    Rules: hold the lock of the folder where anybody else may start it too; use it from the main thread only.
    Guarantee: both end within a second when this process dies, however it dies.
    """

    def __init__(self, data_dir: DataDir, *, postgres: bool = True, valkey: bool = True, fsync: bool = True) -> None:
        self._data_dir = data_dir
        self._fsync = fsync
        self._services: dict[str, _Service] = {}
        if valkey:
            self._services["Valkey"] = Valkey(data_dir)
        if postgres:
            self._services["PostgreSQL"] = Postgres(data_dir)

    def start(self, fsync: bool | None = None) -> None:
        """
        Start both side by side, in a new folder if there is none, and return when both take connections. `fsync=False` is for tests.

        Errors: ServiceError; nothing is left running then.
        Cost: 0.1 s, the first time 0.7 s.
        """
        self._fsync = self._fsync if fsync is None else fsync
        self._data_dir.create()
        try:
            for service in self._services.values():
                service.launch(fsync=self._fsync)
            for service in self._services.values():
                service.wait_ready()
        except BaseException:  # also Ctrl-C: whatever ends the start must not leave half of it behind
            self.stop()
            raise

    def restart_dead(self) -> list[str]:
        """
        Start again what was started and has died since; return the names.

        Errors: ServiceError when one does not come back; the others keep running.
        """
        dead = [name for name, service in self._services.items() if service.pid is not None and not service.is_running()]
        for name in dead:
            self._services[name].launch(fsync=self._fsync)
            self._services[name].wait_ready()
        return dead

    def pids(self) -> dict[str, int]:
        """Return the process ids of what runs, by name."""
        return {name: service.pid for name, service in self._services.items() if service.pid is not None}

    def stop(self) -> None:
        """Stop both cleanly and remove a socket folder that lies outside the data folder. May be called twice."""
        for service in reversed(self._services.values()):
            service.stop()
        if self._data_dir.run.parent != self._data_dir.root:
            # Not empty when a crashed server left its socket; the next start takes it over.
            with suppress(OSError):
                self._data_dir.run.rmdir()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
