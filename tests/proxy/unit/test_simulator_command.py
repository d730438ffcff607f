"""The options of `manage.py simulator` and of `python -m proxy.simulator`."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management.base import CommandError

from proxy.management.commands import simulator as command_module
from proxy.simulator import __main__ as program


def run_command(arguments: list[str]) -> None:
    command = command_module.Command()
    options = vars(command.create_parser("manage.py", "simulator").parse_args(arguments))
    command.handle(**options)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    calls: list[tuple[Any, ...]] = []
    for module in (command_module, program):
        monkeypatch.setattr(module, "serve", lambda *arguments: calls.append(arguments))
    return calls


@pytest.mark.parametrize("run", [run_command, program.main])
def test_simulator_listens_on_loopback_port_8081_and_asks_for_no_key(run, served):
    run([])

    assert served == [("127.0.0.1", 8081, None)]


@pytest.mark.parametrize("run", [run_command, program.main])
def test_simulator_takes_host_port_and_key(run, served):
    run(["--host", "0.0.0.0", "--port", "0", "--require-key", "k"])  # noqa: S104 (nothing is opened)

    assert served == [("0.0.0.0", 0, "k")]  # noqa: S104


def test_program_refuses_a_port_that_does_not_exist(served, capsys):
    with pytest.raises(SystemExit):
        program.main(["--port", "70000"])

    assert "a port is a number from 0 to 65535" in capsys.readouterr().err
    assert served == []


def test_command_says_why_it_cannot_listen(monkeypatch):
    def refuse(*_arguments: Any) -> None:
        raise OSError(98, "Address already in use")

    monkeypatch.setattr(command_module, "serve", refuse)

    with pytest.raises(CommandError, match=r"cannot listen on 127\.0\.0\.1:8081: Address already in use"):
        run_command([])
