"""`manage.py serve`: what it needs and what it becomes."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management.base import CommandError

from gatewaysite.management.commands import serve


class Became(Exception):
    """Raised in place of becoming another program."""


@pytest.fixture
def become(monkeypatch, tmp_path):
    def run(*, are_stores_embedded: bool, **options):
        data = {"GATEWAY_EMBEDDED_POSTGRES": are_stores_embedded, "GATEWAY_EMBEDDED_VALKEY": are_stores_embedded}
        monkeypatch.setattr(serve, "settings", SimpleNamespace(**data, GATEWAY_DATA_DIR=tmp_path, BASE_DIR=Path("/srv/gatewaysite")))
        monkeypatch.setattr(os, "execve", become_another)
        serve.Command().handle(**{"bind": None, "workers": None, "embedded": False} | options)

    def become_another(path, argv, environ):
        raise Became(path, argv, environ)

    return run


def test_serve_becomes_gunicorn_with_our_configuration(become, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")

    with pytest.raises(Became) as became:
        become(are_stores_embedded=False, bind="0.0.0.0:80", workers=3)

    path, argv, environ = became.value.args
    script = str(Path(sys.executable).with_name("gunicorn"))
    assert (path, argv) == (sys.executable, [sys.executable, script, "--config", "python:gatewaysite.gunicorn"])
    assert {name: environ[name] for name in ("GATEWAY_BIND", "GATEWAY_WORKERS", "PYTHONPATH")} == {
        "GATEWAY_BIND": "0.0.0.0:80",
        "GATEWAY_WORKERS": "3",
        "PYTHONPATH": "/srv/gatewaysite:/elsewhere",
    }


def test_serve_leaves_what_is_not_named_to_the_environment(become, monkeypatch):
    monkeypatch.setenv("GATEWAY_BIND", "127.0.0.1:9")
    monkeypatch.delenv("GATEWAY_WORKERS", raising=False)

    with pytest.raises(Became) as became:
        become(are_stores_embedded=False)

    environ = became.value.args[2]
    assert (environ["GATEWAY_BIND"], "GATEWAY_WORKERS" in environ) == ("127.0.0.1:9", False)


def test_serve_without_stores_says_what_to_set(become):
    with pytest.raises(CommandError, match="DATABASE_URL and REDIS_URL must be set"):
        become(are_stores_embedded=True)


def test_serve_from_an_installation_that_does_not_run_says_so(become):
    with pytest.raises(CommandError, match=r"No embedded PostgreSQL runs in .*\. Start `manage\.py up` there, or set DATABASE_URL"):
        become(are_stores_embedded=True, embedded=True)


def test_serve_from_an_installation_that_runs(become, tmp_path, monkeypatch):
    folder = tmp_path / "sockets"
    folder.mkdir()
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as postgres, socket.socket(socket.AF_UNIX) as valkey:
        for server, name in ((postgres, "p"), (valkey, "v")):
            server.bind(name)  # relative: a temporary folder may be too deep for a socket's address
            server.listen()
        monkeypatch.setattr(serve, "DataDir", lambda root: SimpleNamespace(root=root, postgres_socket="p", valkey_socket="v"))

        with pytest.raises(Became):
            become(are_stores_embedded=True, embedded=True)


def test_a_negative_number_of_workers_is_refused(become):
    with pytest.raises(CommandError, match="--workers"):
        become(are_stores_embedded=False, workers=-1)
