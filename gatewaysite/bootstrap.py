"""
What `manage.py up` makes of a database: the tables of this version, the list prices, and what a first start needs to answer a call.

Rules: everything here may run at every start and makes nothing twice; what an admin changed or deleted stays so. All configuration
of one start is one revision.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.contrib.auth import get_user_model

from common.publishing import publishing
from gatewaysite.environment_backends import read_environment
from gatewaysite.first_rows import SIMULATED_MODELS, ensure_first_rows
from gatewaysite.services.paths import DataDir
from gatewaysite.services.welcome import Welcome, refresh_welcome
from gatewaysite.shards import prepare_databases
from proxy.models import ConfigurationRevision, Route
from proxy.prices.load import load_list_prices

ADMIN_USER: Final = "admin"


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """
    The way in. `admin_password` and `api_key` are known only at the start that made them.

    `demo_model` has a route where any is active; `notes` tell the operator what this start made of the environment, or could not.
    """

    admin_user: str
    admin_password: str | None
    api_key: str | None
    demo_model: str
    notes: tuple[str, ...] = ()


def run(data_dir: DataDir, *, base_url: str, simulator_url: str | None, environ: Mapping[str, str]) -> Bootstrapped:
    """
    Bring the database to this version and make what a first start needs; return how to get in.

    Without `simulator_url` the simulator's rows are not made, and left alone where they are. A provider's key in `environ` becomes a
    backend with routes, at a later start a changed credential.
    Cost: 0.1 s when there is nothing to do.
    Guarantee: the password and the key are in `bootstrap.json` before the rows that they open are committed.
    """
    prepare_databases()
    with publishing("Start of the installation" if ConfigurationRevision.objects.exists() else "First start"):
        load_list_prices()
        password = _ensure_admin()
        environment = read_environment(environ)
        rows = ensure_first_rows(simulator_url, environment.offers)
        result = Bootstrapped(
            admin_user=_admin_name(),
            admin_password=password,
            api_key=rows.api_key,
            demo_model=_demo_model(has_simulator=simulator_url is not None),
            notes=(*environment.notes, *rows.notes),
        )
        refresh_welcome(data_dir.bootstrap_file, Welcome(base_url, result.admin_user, result.admin_password, result.api_key))
    return result


def _ensure_admin() -> str | None:
    """Make a superuser where there is no user at all, and return the password."""
    users = get_user_model().objects
    if users.exists():
        return None
    password = secrets.token_urlsafe(12)
    users.create_superuser(username=ADMIN_USER, password=password)
    return password


def _admin_name() -> str:
    names = list(get_user_model().objects.filter(is_superuser=True, is_active=True).order_by("pk").values_list("username", flat=True))
    return names[0] if names and ADMIN_USER not in names else ADMIN_USER


def _demo_model(*, has_simulator: bool) -> str:
    """Return a model that answers now: a simulated one, else any other that has a route."""
    models = set(Route.objects.filter(is_active=True).exclude(model__endswith="*").values_list("model", flat=True))
    usable = models if has_simulator else models - set(SIMULATED_MODELS)
    first = SIMULATED_MODELS[0]
    return first if first in usable or not usable else min(usable)
