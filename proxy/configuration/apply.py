"""
Make the configuration what a file says: one transaction, one revision, nothing at all where it is so already.

Rules: writes only through the apps' domain. Objects are compared as documents have them, so that what `export` writes changes
nothing. A dry run does everything and takes it back, so that what it shows is what would happen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import DatabaseError

from apikeys.public import ApiKey, CreatedKey, Limit, Workspace, add_key, save_key, save_limit, save_workspace
from common.aead import DecryptionError
from common.errors import DomainError
from common.money import parse_usd
from common.publishing import publishing
from common.secret import Secret
from guardrails.public import Policy, WordList, attach_policy, read_document, save_and_publish, save_word_list
from proxy.configuration.diff import SECTIONS, render
from proxy.configuration.export import build_document, export_api_keys
from proxy.configuration.format import (
    ApiKeyEntry,
    BackendEntry,
    Document,
    DocumentError,
    LimitEntry,
    PolicyEntry,
    PriceEntry,
    RouteEntry,
    ServiceEntry,
    WordListEntry,
    WorkspaceEntry,
)
from proxy.configuration.prune import prune, prune_routes
from proxy.domain import KEEP, TargetDraft, give_up_aliases, save_backend, save_price, save_route, save_service
from proxy.models import Backend, ConfigurationRevision, Price, Route, Service
from proxy.prices.digest import RATES, rate_column

_Row = TypeVar("_Row", Backend, Limit, Route, Service, WordList, Workspace)


@dataclass(frozen=True, slots=True)
class Applied:
    """
    What applying a file did, or in a dry run would do.

    `diff` is empty when nothing changed; `revision` is None when none was published; `created_keys` hold the only copies of their
    secrets.
    """

    diff: str
    revision: int | None = None
    created_keys: tuple[CreatedKey, ...] = ()


class _TakeBack(Exception):  # no error: the way out of the transaction
    """Ends the transaction of a dry run."""


def apply_document(
    document: Document,
    credentials: Mapping[str, Secret | None],
    *,
    is_pruning: bool = False,
    is_dry_run: bool = False,
    reason: str = "Apply a file",
    actor: Any = None,
) -> Applied:
    """
    Make every object of `document` what it says there; with `is_pruning` delete what its sections do not name, and revoke such API keys.

    Errors: DocumentError naming the place in the file, or the object that cannot be deleted.
    Guarantee: all of it or nothing; at most one revision.
    """
    last_number, applied = None, Applied("")
    try:
        with publishing(reason, actor):
            last_number, before = _last_revision_number(), _whole_document()
            application = _Application(before, credentials)
            if is_pruning:
                prune_routes(document)  # first: their names may be given to others
            application.save_all(document)
            if is_pruning:
                prune(document)
            applied = Applied(render(before, _whole_document()), None, tuple(application.created_keys))
            if is_dry_run:
                raise _TakeBack
    except _TakeBack:
        return Applied(applied.diff)
    number = _last_revision_number()
    return Applied(applied.diff, number if number != last_number else None, applied.created_keys)


def _last_revision_number() -> int | None:
    return ConfigurationRevision.objects.order_by("-number").values_list("number", flat=True).first()


def _whole_document() -> dict[str, Any]:
    return build_document() | {"api_keys": export_api_keys()}


class _Application:
    """The writes of one file. Objects come in the order in which they name each other."""

    def __init__(self, before: Mapping[str, Any], credentials: Mapping[str, Secret | None]) -> None:
        self.created_keys: list[CreatedKey] = []
        self._credentials = credentials
        self._stored = {section.key: {section.identify(fields): fields for fields in before[section.key]} for section in SECTIONS}
        self._identify = {section.key: section.identify for section in SECTIONS}

    def save_all(self, document: Document) -> None:
        """Errors: DocumentError."""
        _free_aliases(document)
        writers: dict[str, Callable[[Any, dict[str, Any]], None]] = {
            "workspaces": self._save_workspace,
            "backends": self._save_backend,
            "routes": self._save_route,
            "services": self._save_service,
            "limits": self._save_limit,
            "prices": self._save_price,
            "api_keys": self._save_api_key,
            "word_lists": self._save_word_list,
            "guardrails": self._save_policy,
        }
        for section, write in writers.items():
            for place, entry in enumerate(document.entries(section)):
                with _at(f"$.{section}[{place}]"):
                    fields = entry.fields()
                    if not self._is_so_already(section, entry, fields):
                        write(entry, fields)
        # Policies name keys and keys name policies: both are there now.
        for place, entry in enumerate(document.entries("api_keys")):
            with _at(f"$.api_keys[{place}].policy"):
                self._attach_policy(entry)

    def _is_so_already(self, section: str, entry: Any, fields: dict[str, Any]) -> bool:
        stored = self._stored[section].get(self._identify[section](fields))
        if stored is None or any(stored[name] != value for name, value in fields.items()):
            return False
        if section == "guardrails":
            return False  # a word list may have changed beneath it; publishing what is in force does nothing
        return section != "backends" or self._is_credential_so_already(entry.name)

    def _is_credential_so_already(self, name: str) -> bool:
        if name not in self._credentials:
            return True
        try:
            return Backend.objects.get(name=name).get_credential() == self._credentials[name]
        except DecryptionError:
            return False

    def _save_workspace(self, entry: WorkspaceEntry, fields: dict[str, Any]) -> None:
        workspace = Workspace.objects.filter(slug=entry.slug).first() or Workspace(slug=entry.slug)
        save_workspace(_set(workspace, fields))

    def _save_backend(self, entry: BackendEntry, fields: dict[str, Any]) -> None:
        backend = Backend.objects.filter(name=entry.name).first() or Backend(name=entry.name)
        save_backend(_set(backend, fields), credential=self._credentials.get(entry.name, KEEP))

    def _save_route(self, entry: RouteEntry, fields: dict[str, Any]) -> None:
        route = Route.objects.filter(model=entry.model).first() or Route(model=entry.model)
        targets = []
        for place, target in enumerate(entry.targets):
            with _at(f".targets[{place}].backend"):
                targets.append(TargetDraft(_get_backend(target.backend), target.upstream_model, target.weight))
        del fields["targets"]
        cache, is_coalesced = fields.pop("cache"), fields.pop("coalesce")
        route.exact_cache_ttl_s, route.is_sampled_cacheable, route.is_coalesced = cache["exact_ttl_s"], cache["sampled"], is_coalesced
        save_route(_set(route, fields), targets)

    def _save_service(self, entry: ServiceEntry, fields: dict[str, Any]) -> None:
        service = Service.objects.filter(path=entry.path).first() or Service(path=entry.path)
        service.upstream_url, service.is_prefix_stripped = fields.pop("upstream"), fields.pop("strip_prefix")
        save_service(_set(service, fields))

    def _save_limit(self, entry: LimitEntry, fields: dict[str, Any]) -> None:
        limit = Limit.objects.filter(name=entry.name).first() or Limit(name=entry.name)
        amount_usd, burst_usd = fields.pop("amount_usd"), fields.pop("burst_usd")
        if amount_usd is not None:
            fields |= {"amount": parse_usd(amount_usd), "burst": parse_usd(burst_usd) if burst_usd is not None else None}
        fields |= {"workspace": _get_workspace(entry.workspace) if entry.workspace else None, "calendar": entry.calendar or ""}
        save_limit(_set(limit, fields))

    def _save_price(self, entry: PriceEntry, fields: dict[str, Any]) -> None:
        identity = {
            "provider": entry.provider,
            "upstream_model": entry.upstream_model,
            "backend": _get_backend(entry.backend) if entry.backend else None,
            "effective_at": entry.effective_at,
            "source": "operator",
        }
        price = Price.objects.filter(**identity).first() or Price(**identity)
        for name in RATES:
            usd = fields[f"{name}_usd_per_mtok"]
            setattr(price, rate_column(name), None if usd is None else parse_usd(usd))
        save_price(price)

    def _save_api_key(self, entry: ApiKeyEntry, fields: dict[str, Any]) -> None:
        workspace, limits = _get_workspace(entry.workspace), [_get_limit(name) for name in fields["limits"]]
        stored = ApiKey.objects.filter(workspace=workspace, name=entry.name).first()
        if stored is not None and stored.revoked_at:
            raise DocumentError("This API key was revoked for good. Take it out of the file, or give the new one another name.")
        api_key = stored or ApiKey(workspace=workspace, name=entry.name)
        api_key.allowed_models, api_key.allowed_networks = fields["models"], fields["networks"]
        api_key.permissions = fields["permissions"]
        api_key.is_keepalive_enabled, api_key.expires_at = entry.is_keepalive_enabled, entry.expires_at
        if stored is None:
            self.created_keys.append(add_key(api_key, limits=limits))
        else:
            save_key(api_key, limits=limits)

    def _save_word_list(self, entry: WordListEntry, fields: dict[str, Any]) -> None:
        words = WordList.objects.filter(name=entry.name).first() or WordList(name=entry.name)
        save_word_list(_set(words, fields))

    def _save_policy(self, entry: PolicyEntry, fields: dict[str, Any]) -> None:
        description = fields.pop("description")
        save_and_publish(read_document(fields), description)

    def _attach_policy(self, entry: ApiKeyEntry) -> None:
        api_key = ApiKey.objects.select_related("workspace", "key_policy__policy").get(workspace__slug=entry.workspace, name=entry.name)
        named = api_key.key_policy.policy.name if hasattr(api_key, "key_policy") else None
        if named != entry.policy:
            attach_policy(api_key, _get_policy(entry.policy) if entry.policy else None)


def _set(row: _Row, fields: Mapping[str, Any]) -> _Row:
    for name, value in fields.items():
        setattr(row, name, value)
    return row


def _free_aliases(document: Document) -> None:
    """Take off stored routes the aliases that their entries no longer have, so that routes of one file may hand them to each other."""
    wanted = {name for entry in document.entries("routes") for name in (entry.model, *entry.aliases)}
    for entry in document.entries("routes"):
        given_up = wanted.difference(entry.aliases)
        route = Route.objects.filter(model=entry.model, aliases__overlap=list(given_up)).first()
        if route is not None:
            give_up_aliases(route, given_up)


def _get_workspace(slug: str) -> Workspace:
    workspace = Workspace.objects.filter(slug=slug).first()
    if workspace is None:
        raise DocumentError(f"workspace {slug} does not exist; add it to `workspaces`")
    return workspace


def _get_backend(name: str) -> Backend:
    backend = Backend.objects.filter(name=name).first()
    if backend is None:
        raise DocumentError(f"backend {name} does not exist; add it to `backends`")
    return backend


def _get_limit(name: str) -> Limit:
    limit = Limit.objects.filter(name=name).first()
    if limit is None:
        raise DocumentError(f"limit {name} does not exist; add it to `limits`")
    return limit


def _get_policy(name: str) -> Policy:
    policy = Policy.objects.filter(name=name).first()
    if policy is None:
        raise DocumentError(f"policy {name} does not exist; add it to `guardrails`")
    return policy


@contextmanager
def _at(step: str) -> Iterator[None]:
    """Put the place in the file in front of whatever is wrong there."""
    try:
        yield
    except ValidationError as error:
        raise DocumentError(_write_validation(error), step) from error
    except DocumentError as error:
        raise DocumentError(error.problem, step + error.path) from error
    except (DomainError, DatabaseError) as error:
        raise DocumentError(str(error), step) from error


def _write_validation(error: ValidationError) -> str:
    if not hasattr(error, "error_dict"):
        return " ".join(error.messages)
    return " ".join((f"{name}: " if name != "__all__" else "") + " ".join(messages) for name, messages in error.message_dict.items())
