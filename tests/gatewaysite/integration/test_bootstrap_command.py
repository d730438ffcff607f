"""`manage.py bootstrap` for installations with stores of their own."""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command

from apikeys.models import Limit
from gatewaysite.services.paths import DataDir

pytestmark = pytest.mark.django_db


def test_bootstrap_makes_the_reference_limits_and_keeps_the_way_in(settings, tmp_path, capsys):
    settings.GATEWAY_DATA_DIR = tmp_path

    call_command("bootstrap", url="https://gateway.example")

    limits = {limit.name: (limit.scope, limit.amount, limit.burst) for limit in Limit.objects.all()}
    kept = json.loads(DataDir(tmp_path).bootstrap_file.read_text())
    assert limits == {"global": ("global", 150, 300), "per-ip": ("ip", 20, 40)}
    assert sorted(kept) == ["admin_password", "admin_user", "api_key", "base_url"]
    assert kept["admin_password"] not in capsys.readouterr().out


def test_bootstrap_again_changes_nothing(settings, tmp_path, capsys):
    settings.GATEWAY_DATA_DIR = tmp_path
    call_command("bootstrap")
    Limit.objects.get(name="per-ip").delete()
    capsys.readouterr()

    call_command("bootstrap")

    assert capsys.readouterr().out == "The installation is up to date.\n"
    assert not Limit.objects.filter(name="per-ip").exists()
