"""Where an installation lies on disk, and where its sockets go when that place is too long or too odd for them."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from pathlib import Path

import pytest

from gatewaysite.services.errors import ServiceError
from gatewaysite.services.paths import DataDir


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def outside(tmp_path):
    """A data folder whose sockets must lie elsewhere; what it leaves there is removed."""
    data_dir = DataDir(tmp_path / "a folder")
    yield data_dir
    shutil.rmtree(_expected_outside(data_dir), ignore_errors=True)


def _expected_outside(data_dir: DataDir) -> Path:
    return Path(f"/tmp/gw-{os.geteuid()}-{hashlib.sha256(bytes(data_dir.root)).hexdigest()[:12]}")


def test_root_is_absolute_and_equal_for_every_spelling(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "data")
    monkeypatch.chdir(tmp_path)

    spellings = {DataDir(Path("data")), DataDir(Path("./x/../data")), DataDir(tmp_path / "data"), DataDir(tmp_path / "link")}

    assert spellings == {DataDir(tmp_path / "data")}


def test_paths_of_a_short_plain_folder_all_lie_inside():
    data_dir = DataDir(Path("/srv/gateway"))

    names = ("lock", "postgres", "valkey", "run", "logs", "spool", "metrics", "secrets_file", "snapshot_file", "bootstrap_file")

    assert [str(getattr(data_dir, name).relative_to("/srv/gateway")) for name in names] == [
        "lock",
        "postgres",
        "valkey",
        "run",
        "logs",
        "spool",
        "metrics",
        "secrets.json",
        "snapshot.bin",
        "bootstrap.json",
    ]
    assert data_dir.valkey_socket == Path("/srv/gateway/run/valkey.sock")
    assert data_dir.database_url_parts() == {"host": "/srv/gateway/run", "user": "postgres", "name": "gateway"}


@pytest.mark.parametrize(("root_bytes", "is_inside"), [(30, True), (89, True), (90, False), (400, False)])
def test_run_moves_away_exactly_when_the_socket_path_gets_too_long(root_bytes, is_inside):
    data_dir = DataDir(Path("/" + "x" * (root_bytes - 1) if root_bytes < 200 else "/" + "/".join(["x" * 99] * (root_bytes // 100))))

    assert len(os.fsencode(data_dir.root)) == root_bytes
    assert (data_dir.run == data_dir.root / "run") is is_inside
    assert len(os.fsencode(data_dir.postgres_socket)) <= 107


@pytest.mark.parametrize("name", ["a folder", "a,b", "100%", "what?", "a#b", "größe", "quote'd"])
def test_run_moves_away_from_names_that_change_a_socket_url(name):
    data_dir = DataDir(Path("/srv") / name)

    assert data_dir.run == _expected_outside(data_dir)


def test_create_makes_private_folders_and_keeps_what_exists(tmp_path):
    root = tmp_path / "new" / "data"
    root.mkdir(parents=True, mode=0o755)
    root.chmod(0o750)

    data_dir = DataDir(root)
    data_dir.create()
    data_dir.create()

    assert _mode(root) == 0o750
    folders = (data_dir.valkey, data_dir.run, data_dir.logs, data_dir.spool, data_dir.metrics, data_dir.automata)
    assert {_mode(path) for path in folders} == {0o700}
    assert not data_dir.postgres.exists()


def test_create_makes_the_outside_socket_folder_private(outside):
    outside.create()

    assert outside.run == _expected_outside(outside)
    assert _mode(outside.run) == 0o700


def test_run_refuses_an_outside_folder_that_others_may_enter(outside):
    _expected_outside(outside).mkdir(mode=0o755)
    _expected_outside(outside).chmod(0o755)

    with pytest.raises(ServiceError, match="mode 0700"):
        _ = outside.run
    with pytest.raises(ServiceError, match="mode 0700"):
        outside.create()


def test_run_refuses_a_link_in_place_of_the_outside_folder(outside, tmp_path):
    _expected_outside(outside).symlink_to(tmp_path)
    try:
        with pytest.raises(ServiceError, match="mode 0700"):
            outside.create()
    finally:
        _expected_outside(outside).unlink()


def test_create_says_what_to_do_when_the_folder_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(ServiceError, match="--data-dir"):
        DataDir(tmp_path / "file" / "data").create()
