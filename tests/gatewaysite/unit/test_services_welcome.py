"""`bootstrap.json`, the banner, and a curl command that survives the shell."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from gatewaysite.services.welcome import Welcome, curl_command, refresh_welcome, render_banner

_FIRST = Welcome("http://127.0.0.1:8000", "admin", "s3cret", "gw_live_abc")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "bootstrap.json"


def test_refresh_writes_exactly_four_keys_for_the_owner_only(path):
    refresh_welcome(path, _FIRST)

    assert json.loads(path.read_text()) == {
        "base_url": "http://127.0.0.1:8000",
        "admin_user": "admin",
        "admin_password": "s3cret",
        "api_key": "gw_live_abc",
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["bootstrap.json"]


def test_refresh_keeps_password_and_key_of_the_first_start_and_takes_the_new_url(path):
    refresh_welcome(path, _FIRST)

    full = refresh_welcome(path, Welcome("http://127.0.0.1:9000", "admin", None, None))

    assert full == Welcome("http://127.0.0.1:9000", "admin", "s3cret", "gw_live_abc")
    assert json.loads(path.read_text())["base_url"] == "http://127.0.0.1:9000"


def test_refresh_gives_no_password_of_another_user(path):
    refresh_welcome(path, _FIRST)

    full = refresh_welcome(path, Welcome("http://127.0.0.1:8000", "root", None, None))

    assert full == Welcome("http://127.0.0.1:8000", "root", None, "gw_live_abc")


def test_refresh_leaves_an_equal_file_alone(path):
    refresh_welcome(path, _FIRST)
    before = path.stat().st_ino

    refresh_welcome(path, Welcome("http://127.0.0.1:8000", "admin", None, None))

    assert path.stat().st_ino == before


@pytest.mark.parametrize("damaged", ["", "{", "[]", "null"])
def test_refresh_replaces_a_damaged_file(path, damaged):
    path.write_text(damaged)

    assert refresh_welcome(path, _FIRST) == _FIRST
    assert json.loads(path.read_text())["api_key"] == "gw_live_abc"


def _arguments_of_pasted(command: str, tmp_path: Path, **environment: str) -> list[str]:
    """Let a real shell read the command, with a `curl` that prints its arguments."""
    (tmp_path / "curl").write_text('#!/bin/sh\nprintf "%s\\0" "$@"\n')
    (tmp_path / "curl").chmod(0o755)
    shell = subprocess.run(
        ["/bin/sh"], input=command, env={"PATH": f"{tmp_path}:{os.defpath}", **environment}, capture_output=True, text=True
    )
    assert shell.stderr == ""
    return shell.stdout.split("\0")[:-1]


def test_curl_command_survives_being_pasted(tmp_path):
    arguments = _arguments_of_pasted(curl_command(_FIRST, "sim-chat"), tmp_path)

    assert arguments[:-1] == [
        "-N",
        "http://127.0.0.1:8000/v1/chat/completions",
        "-H",
        "Authorization: Bearer gw_live_abc",
        "-H",
        "Content-Type: application/json",
        "-d",
    ]
    assert json.loads(arguments[-1]) == {"model": "sim-chat", "stream": True, "messages": [{"role": "user", "content": "Hello!"}]}


def test_curl_command_quotes_odd_model_names(tmp_path):
    arguments = _arguments_of_pasted(curl_command(_FIRST, 'it\'s $(odd) "model"'), tmp_path)

    assert json.loads(arguments[-1])["model"] == 'it\'s $(odd) "model"'


def test_curl_command_without_a_known_key_takes_it_from_the_environment(tmp_path):
    command = curl_command(Welcome("http://[::1]:8000", "admin", None, None), "sim-chat")

    arguments = _arguments_of_pasted(command, tmp_path, GATEWAY_API_KEY="gw_live_mine")

    assert arguments[1] == "http://[::1]:8000/v1/chat/completions"
    assert arguments[3] == "Authorization: Bearer gw_live_mine"


def test_banner_shows_the_way_in(path):
    banner = render_banner(_FIRST, demo_model="sim-chat", logs=Path("/data/logs"), bootstrap_file=path)

    for part in (
        "http://127.0.0.1:8000/admin/",
        "admin",
        "s3cret",
        "gw_live_abc",
        "/data/logs",
        curl_command(_FIRST, "sim-chat"),
        "Ctrl-C",
    ):
        assert part in banner


def test_banner_without_password_and_key_says_how_to_get_new_ones(path):
    banner = render_banner(Welcome("http://h:1", "admin", None, None), demo_model="m", logs=Path("/l"), bootstrap_file=path)

    assert "None" not in banner
    assert "manage.py changepassword" in banner
    assert "manage.py create_key" in banner
