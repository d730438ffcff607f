"""Rules of the tree that no linter checks."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command

OURS = ("apikeys", "guardrails", "items", "proxy")


def test_every_app_with_models_has_its_migrations_in_the_top_level_folder():
    with_models = {
        config.label
        for config in apps.get_app_configs()
        if list(config.get_models()) and config.module.__file__.startswith(str(settings.BASE_DIR / config.label))
    }

    assert with_models == set(OURS)
    assert {app: settings.MIGRATION_MODULES[app] for app in OURS} == {app: f"migrations.{app}" for app in OURS}
    assert all((settings.BASE_DIR / "migrations" / app / "__init__.py").exists() for app in OURS)


def test_the_core_can_be_imported_without_django_settings():
    code = "import sys, proxy.asgi, proxy.pipeline, proxy.testing; sys.exit('django.conf' in sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=settings.BASE_DIR, env={"PATH": ""}, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_every_stage_has_one_public_function_named_after_it():
    stages = settings.BASE_DIR / "proxy" / "stages"
    names = sorted(path.stem for path in stages.glob("*.py") if path.stem not in {"__init__", "relay"})

    for name in names:
        module = importlib.import_module(f"proxy.stages.{name}")
        assert callable(getattr(module, name)), name


@pytest.mark.django_db
def test_no_model_has_changed_without_a_migration():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
