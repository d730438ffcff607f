"""`manage.py create_key`: make an API key and show it once."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from apikeys.public import CreatedKey, Limit, LimitScope, Permission, Workspace, create_key, default_permissions
from common.errors import DomainError
from common.publishing import publishing
from guardrails.public import Policy, attach_policy


class Command(BaseCommand):
    help = "Make an API key in an existing workspace and show it; it cannot be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workspace", required=True, metavar="SLUG", help="The workspace that the key belongs to.")
        parser.add_argument("--name", required=True, help="How the key is called; once in a workspace.")
        parser.add_argument("--limit", action="append", default=[], metavar="NAME", help="A limit of scope key; may come again.")
        parser.add_argument("--policy", metavar="NAME", help="A published guardrail policy that holds for the key wherever its scope ends.")
        parser.add_argument("--models", default="*", help="What it may use, with commas; * at an end matches any ending. Default: all.")
        parser.add_argument(
            "--permissions",
            default=",".join(default_permissions()),
            help=f"What it may do, with commas, out of {', '.join(Permission.values)}. Default: %(default)s.",
        )
        parser.add_argument("--json", action="store_true", help="Write one JSON object with id, name and api_key.")

    def handle(self, *args: Any, **options: Any) -> None:
        workspace = _get_workspace(options["workspace"])
        limits = [_get_limit(name) for name in options["limit"]]
        policy = _get_policy(options["policy"]) if options["policy"] else None
        try:
            with publishing(f"Create API key {workspace}/{options['name']}"):
                created = create_key(
                    workspace,
                    options["name"],
                    allowed_models=_read_models(options["models"]),
                    permissions=_read_permissions(options["permissions"]),
                    limits=limits,
                )
                if policy is not None:
                    attach_policy(created.api_key, policy)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(_dump(created) if options["json"] else _describe(created))


def _get_workspace(slug: str) -> Workspace:
    workspace = Workspace.objects.filter(slug=slug).first()
    if workspace is None:
        raise CommandError(f"There is no workspace {slug}. {_list('Workspaces', Workspace.objects.values_list('slug', flat=True))}")
    return workspace


def _get_limit(name: str) -> Limit:
    limit = Limit.objects.filter(name=name).first()
    if limit is None:
        names = Limit.objects.filter(scope=LimitScope.KEY).values_list("name", flat=True)
        raise CommandError(f"There is no limit {name}. {_list('Limits of scope key', names)}")
    return limit


def _get_policy(name: str) -> Policy:
    policy = Policy.objects.filter(name=name).first()
    if policy is None:
        raise CommandError(f"There is no policy {name}. {_list('Policies', Policy.objects.values_list('name', flat=True))}")
    return policy


def _list(what: str, names: Iterable[str]) -> str:
    known = sorted(names)
    return f"{what}: {', '.join(known)}." if known else f"{what}: none yet; `manage.py apply` or the console makes them."


def _read_models(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise CommandError("--models names no model; leave it out to allow all.")
    return [] if "*" in names else names


def _read_permissions(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in Permission.values]
    if unknown or not names:
        problem = f"There is no permission {unknown[0]}." if unknown else "--permissions names none."
        raise CommandError(f"{problem} Permissions: {', '.join(Permission.values)}.")
    return names


def _describe(created: CreatedKey) -> str:
    place = f"{created.api_key.workspace.slug}/{created.api_key.name}"
    return f"{created.secret.reveal()}\nThis is the only time that the key {place} is shown."


def _dump(created: CreatedKey) -> str:
    return json.dumps({"id": str(created.api_key.pk), "name": created.api_key.name, "api_key": created.secret.reveal()})
