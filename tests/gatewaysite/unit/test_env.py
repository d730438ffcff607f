"""Settings from the environment: typed, from a file where they are secret, refused in words where they cannot work."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from gatewaysite import env
from gatewaysite.env import SETTINGS, Setting, read


@pytest.fixture(autouse=True)
def declared(monkeypatch):
    """Settings of every kind that nobody else reads."""
    kinds = {"str": "text", "int": 5, "float": 1.5, "bool": False, "list": ["a"], "path": "var"}
    made = {f"TRIED_{kind.upper()}": Setting(f"TRIED_{kind.upper()}", kind, default, "For a test.") for kind, default in kinds.items()}
    monkeypatch.setattr(env, "_BY_NAME", made)


@pytest.mark.parametrize(
    ("name", "default"), [("STR", "text"), ("INT", 5), ("FLOAT", 1.5), ("BOOL", False), ("LIST", ["a"]), ("PATH", Path("var"))]
)
@pytest.mark.parametrize("written", [None, "", "  "])
def test_without_a_value_the_default_holds(monkeypatch, name, default, written):
    if written is not None:
        monkeypatch.setenv(f"TRIED_{name}", written)

    assert read(f"TRIED_{name}") == default


@pytest.mark.parametrize(
    ("name", "written", "value"),
    [
        ("STR", "plain", "plain"),
        ("STR", "  spaces around \n", "spaces around"),
        ("STR", "$not_a_reference", "$not_a_reference"),
        ("STR", "a=b;c,d#e", "a=b;c,d#e"),
        ("STR", "ü🔑", "ü🔑"),
        ("INT", "7", 7),
        ("INT", " -7 ", -7),
        ("FLOAT", "2", 2.0),
        ("FLOAT", "0.25", 0.25),
        ("BOOL", "true", True),
        ("BOOL", "YES", True),
        ("BOOL", "on", True),
        ("BOOL", "1", True),
        ("BOOL", "false", False),
        ("BOOL", "No", False),
        ("BOOL", "off", False),
        ("BOOL", "0", False),
        ("LIST", "a", ["a"]),
        ("LIST", " a , b,,c ,", ["a", "b", "c"]),
        ("LIST", "k1:AAA=,k2:BBB=", ["k1:AAA=", "k2:BBB="]),
        ("PATH", "/srv/data", Path("/srv/data")),
    ],
)
def test_a_value_is_read_by_its_kind(monkeypatch, name, written, value):
    monkeypatch.setenv(f"TRIED_{name}", written)

    assert read(f"TRIED_{name}") == value


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("INT", "x"),
        ("INT", "1.5"),
        ("INT", "1e3"),
        ("FLOAT", "x"),
        ("FLOAT", "1,5"),
        ("FLOAT", "nan"),
        ("FLOAT", "inf"),
        ("BOOL", "ture"),
        ("BOOL", "2"),
    ],
)
def test_a_value_of_another_kind_is_refused_with_its_name(monkeypatch, name, written):
    monkeypatch.setenv(f"TRIED_{name}", written)

    with pytest.raises(ImproperlyConfigured, match=rf"TRIED_{name}={written} is not usable\. Set "):
        read(f"TRIED_{name}")


@pytest.mark.parametrize(
    ("name", "written", "value"),
    [("STR", "s3cret\n", "s3cret"), ("LIST", "k1:AAA=,\nk2:BBB=\n", ["k1:AAA=", "k2:BBB="]), ("INT", "9\n", 9)],
)
def test_a_value_may_come_from_a_file(monkeypatch, tmp_path, name, written, value):
    (tmp_path / "secret").write_text(written)
    monkeypatch.setenv(f"TRIED_{name}_FILE", str(tmp_path / "secret"))

    assert read(f"TRIED_{name}") == value


def test_a_file_is_read_anew_each_time(monkeypatch, tmp_path):
    (tmp_path / "secret").write_text("one")
    monkeypatch.setenv("TRIED_STR_FILE", str(tmp_path / "secret"))
    assert read("TRIED_STR") == "one"

    (tmp_path / "secret").write_text("two")

    assert read("TRIED_STR") == "two"


def test_the_variable_itself_wins_over_the_file(monkeypatch, tmp_path):
    (tmp_path / "secret").write_text("from the file")
    monkeypatch.setenv("TRIED_STR_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv("TRIED_STR", "from the environment")

    assert read("TRIED_STR") == "from the environment"


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_refused_with_its_name(monkeypatch, tmp_path, content):
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    monkeypatch.setenv("TRIED_STR_FILE", str(tmp_path / "secret"))

    with pytest.raises(ImproperlyConfigured, match="TRIED_STR_FILE="):
        read("TRIED_STR")


def test_a_name_that_is_not_declared_is_a_bug():
    with pytest.raises(KeyError):
        read("NOBODY_KNOWS")


def test_every_declared_setting_has_a_name_of_its_own_a_sentence_and_a_default_of_its_kind(monkeypatch):
    kinds = {"str": str, "int": int, "float": float, "bool": bool, "list": list, "path": str}

    assert len({setting.name for setting in SETTINGS}) == len(SETTINGS)
    for setting in SETTINGS:
        assert setting.help.endswith("."), setting.name
        assert type(setting.default) is kinds[setting.kind], setting.name


def test_what_is_secret_is_marked_so():
    secret = {setting.name for setting in SETTINGS if setting.is_secret}

    assert {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "GATEWAY_KEY_PEPPER", "GATEWAY_ENCRYPTION_KEYS"} <= secret
    assert dataclasses.is_dataclass(SETTINGS[0])
