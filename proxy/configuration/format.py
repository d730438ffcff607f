"""
The apply format: what a configuration file may say, read strictly.

Rules: an unknown field, a doubled key and a name that comes twice are errors; every error names its place and what is allowed there.
Whether the values make sense together, `domain` decides. An entry says all of its object: what it leaves out has its default, save
the credential, which stays as it is.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import msgspec
import yaml
from msgspec import UNSET, Meta, UnsetType

from apikeys.public import CalendarWindow, LimitMode, LimitScope, LimitUnit, Permission, default_permissions
from common.errors import DomainError
from common.money import format_usd, parse_usd
from common.secret import Secret
from guardrails.policy_document import PolicyDocument
from proxy.choices import OnDisconnect, OnUnpriced, Provider, Selection
from proxy.configuration.diff import SECTIONS
from proxy.configuration.explain import explain
from proxy.configuration.times import ALWAYS, format_moment

_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}")

Text = Annotated[str, Meta(min_length=1)]
Count = Annotated[int, Meta(ge=1)]
Moment = Annotated[dt.datetime, Meta(tz=True)]
Usd = str | int | float


class DocumentError(DomainError):
    """A file that cannot be applied; its text names the place in the file (`path`) and what to change (`problem`)."""

    def __init__(self, problem: str, path: str = "") -> None:
        super().__init__(f"{path}: {problem}" if path else problem)
        self.problem = problem
        self.path = path


class Entry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One object of a section."""

    def fields(self) -> dict[str, Any]:
        """Return the object as the configuration document has it (`export.build_document`)."""
        return msgspec.structs.asdict(self)


class WorkspaceEntry(Entry, kw_only=True):
    slug: Text
    name: str = ""
    is_active: bool = True

    def fields(self) -> dict[str, Any]:
        return super().fields() | {"name": self.name or self.slug}


class BackendEntry(Entry, kw_only=True):
    name: Text
    provider: Provider
    base_url: Text
    credential: Text | UnsetType | None = UNSET
    price_provider: str = ""
    api_version: str = ""
    min_stream_bytes_per_s: Annotated[int, Meta(ge=0)] = 0
    connect_timeout_s: float = 2
    first_token_timeout_s: float = 30
    idle_timeout_s: float = 60
    total_timeout_s: float = 600
    on_disconnect: OnDisconnect = OnDisconnect.CANCEL
    is_active: bool = True

    def fields(self) -> dict[str, Any]:
        return {name: value for name, value in super().fields().items() if name != "credential"}


class TargetEntry(Entry, kw_only=True):
    backend: Text
    upstream_model: Text
    weight: Annotated[int, Meta(ge=0)] = 1


class CacheEntry(Entry, kw_only=True):
    """What of a route's answers may be given again; `sampled`: also those to requests with a temperature above 0."""

    exact_ttl_s: Annotated[int, Meta(ge=0)] = 0
    sampled: bool = False


class RouteEntry(Entry, kw_only=True):
    model: Text
    targets: Annotated[list[TargetEntry], Meta(min_length=1)]
    aliases: list[Text] = []
    selection: Selection = Selection.WEIGHTED
    output_cap_tokens: Count = 4096
    cache: CacheEntry = msgspec.field(default_factory=CacheEntry)
    coalesce: bool = False
    on_unpriced: OnUnpriced = OnUnpriced.ALLOW
    is_active: bool = True

    def fields(self) -> dict[str, Any]:
        targets = sorted((target.fields() for target in self.targets), key=lambda target: (target["backend"], target["upstream_model"]))
        return super().fields() | {"targets": targets, "aliases": sorted(set(self.aliases)), "cache": self.cache.fields()}


class ServiceEntry(Entry, kw_only=True):
    path: Text
    upstream: Text
    strip_prefix: bool = False
    cache_get_ttl_s: Annotated[int, Meta(ge=0)] = 0
    request_headers: list[Text] = []
    response_headers: list[Text] = []
    body_limit_bytes: Count = 32 * 1024 * 1024
    connect_timeout_s: float = 2
    first_byte_timeout_s: float = 30
    idle_timeout_s: float = 60
    total_timeout_s: float = 600
    is_active: bool = True

    def fields(self) -> dict[str, Any]:
        return super().fields() | {
            "request_headers": sorted({name.lower() for name in self.request_headers}),
            "response_headers": sorted({name.lower() for name in self.response_headers}),
        }


class LimitEntry(Entry, kw_only=True):
    name: Text
    scope: LimitScope
    unit: LimitUnit = LimitUnit.REQUESTS
    amount: Count | None = None
    amount_usd: Usd | None = None
    window_s: Count = 1
    calendar: CalendarWindow | None = None
    burst: Count | None = None
    burst_usd: Usd | None = None
    mode: LimitMode = LimitMode.ENFORCE
    workspace: str | None = None
    model: str = ""
    is_per_model: bool = False
    tag: str = ""

    def fields(self) -> dict[str, Any]:
        """Errors: ValueError unless a cost has an amount in dollars and everything else one in units."""
        is_cost = self.unit == LimitUnit.COST
        for name in ("amount", "burst"):
            wrong, right = (name, f"{name}_usd") if is_cost else (f"{name}_usd", name)
            if getattr(self, wrong) is not None:
                raise ValueError(f"a limit of unit {self.unit.value} has `{right}`, not `{wrong}`")
        if self.amount is None and self.amount_usd is None:
            raise ValueError(f"a limit of unit {self.unit.value} needs `{'amount_usd' if is_cost else 'amount'}`")
        return super().fields() | {
            "workspace": self.workspace or None,
            "amount_usd": _canonical_usd(self.amount_usd) if self.amount_usd is not None else None,
            "burst_usd": _canonical_usd(self.burst_usd) if self.burst_usd is not None else None,
        }


class PriceEntry(Entry, kw_only=True):
    """
    An operator's price. Without `effective_at` it holds from always, so that applying a file again adds no second price.

    A class without a price has that of what it is part of: input or output, an hour's cache write that of five minutes.
    """

    provider: Text
    upstream_model: Text
    backend: str | None = None
    effective_at: Moment = ALWAYS
    input_usd_per_mtok: Usd
    cached_input_usd_per_mtok: Usd | None = None
    output_usd_per_mtok: Usd
    cache_write_5m_usd_per_mtok: Usd | None = None
    cache_write_1h_usd_per_mtok: Usd | None = None
    reasoning_usd_per_mtok: Usd | None = None
    audio_input_usd_per_mtok: Usd | None = None
    audio_output_usd_per_mtok: Usd | None = None

    def fields(self) -> dict[str, Any]:
        own = super().fields()
        rates = {name: _canonical_usd(value) for name, value in own.items() if name.endswith("_usd_per_mtok") and value is not None}
        return own | rates | {"backend": self.backend or None, "effective_at": format_moment(self.effective_at)}


class WordListEntry(Entry, kw_only=True):
    name: Text
    words: Annotated[list[Text], Meta(min_length=1)]


class PolicyEntry(PolicyDocument, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A guardrail policy, field by field as its document has it, with what it is for; `apply` publishes it."""

    description: str = ""

    def fields(self) -> dict[str, Any]:
        """Return the object as the configuration document has it."""
        fields: dict[str, Any] = msgspec.to_builtins(self)
        return fields


def policy_entry(document: PolicyDocument, description: str = "") -> PolicyEntry:
    """Return the document as an entry of a file."""
    return msgspec.convert(msgspec.to_builtins(document) | {"description": description}, PolicyEntry)


class ApiKeyEntry(Entry, kw_only=True):
    name: Text
    workspace: Text
    models: list[Text] = []
    networks: list[Text] = []
    limits: list[Text] = []
    policy: Text | None = None
    permissions: list[Permission] = msgspec.field(default_factory=lambda: [Permission(name) for name in default_permissions()])
    is_keepalive_enabled: bool = True
    expires_at: Moment | None = None

    def fields(self) -> dict[str, Any]:
        return super().fields() | {
            "models": [] if "*" in self.models else self.models,  # both say: all of them
            "limits": sorted(set(self.limits)),
            "permissions": sorted({permission.value for permission in self.permissions}),
            "expires_at": format_moment(self.expires_at) if self.expires_at else None,
        }


class Document(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A whole file. A section that is UNSET is not in it; an empty one is, which matters to `--prune`."""

    workspaces: list[WorkspaceEntry] | UnsetType = UNSET
    backends: list[BackendEntry] | UnsetType = UNSET
    routes: list[RouteEntry] | UnsetType = UNSET
    services: list[ServiceEntry] | UnsetType = UNSET
    limits: list[LimitEntry] | UnsetType = UNSET
    prices: list[PriceEntry] | UnsetType = UNSET
    word_lists: list[WordListEntry] | UnsetType = UNSET
    guardrails: list[PolicyEntry] | UnsetType = UNSET
    api_keys: list[ApiKeyEntry] | UnsetType = UNSET

    def has(self, section: str) -> bool:
        return getattr(self, section) is not UNSET

    def entries(self, section: str) -> Sequence[Any]:
        return getattr(self, section) or () if self.has(section) else ()


def parse_document(text: str) -> Document:
    """Read a file in the apply format. Errors: DocumentError."""
    try:
        values = yaml.load(text, Loader=_StrictLoader)  # noqa: S506  # a subclass of the safe loader
    except (yaml.YAMLError, RecursionError) as error:
        raise DocumentError(f"This is no YAML: {error}") from error
    try:
        document = msgspec.convert({} if values is None else values, Document)
    except msgspec.ValidationError as error:
        raise DocumentError(*explain(str(error), Document)) from error
    _check_names_are_single(document)
    return document


def read_credentials(document: Document, environ: Mapping[str, str] = os.environ) -> dict[str, Secret | None]:
    """
    Return the credentials of the backends that name one, `${NAME}` read from `environ`; None removes the stored one.

    Errors: DocumentError for a variable that is not set or empty.
    """
    credentials: dict[str, Secret | None] = {}
    for place, backend in enumerate(document.entries("backends")):
        if backend.credential is not UNSET:
            credentials[backend.name] = _read_credential(backend.credential, f"$.backends[{place}].credential", environ)
    return credentials


def _read_credential(text: str | None, path: str, environ: Mapping[str, str]) -> Secret | None:
    variable = _VARIABLE.fullmatch(text or "")
    if variable is None:
        return Secret(text) if text else None
    value = environ.get(variable["name"], "").strip()
    if not value:
        raise DocumentError(
            f"The environment variable {variable['name']} is not set. Set it, or leave the credential out to keep it.", path
        )
    return Secret(value)


def _check_names_are_single(document: Document) -> None:
    for section in SECTIONS:
        seen: dict[str, int] = {}
        for place, name in _names(document, section.key, section.identify):
            if name in seen:
                raise DocumentError(f"{section.noun} {name} stands at $.{section.key}[{seen[name]}] already", f"$.{section.key}[{place}]")
            seen[name] = place


def _names(document: Document, section: str, identify: Any) -> Iterator[tuple[int, str]]:
    for place, entry in enumerate(document.entries(section)):
        try:
            yield place, identify(entry.fields())
        except ValueError as error:
            raise DocumentError(str(error), f"$.{section}[{place}]") from error


def _canonical_usd(amount: Usd) -> str:
    return format_usd(parse_usd(str(amount)))


class _StrictLoader(yaml.CSafeLoader):
    """
    The safe loader, stricter: a key that comes twice is an error instead of silently winning.

    Times stay text, which the format reads; only `true` and `false` are truth values, so that a workspace can be called `no`.
    """

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool"}]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        doubled = next((key for place, key in enumerate(keys) if key in keys[:place]), None)
        if doubled is not None:
            raise yaml.constructor.ConstructorError(None, None, f"the key {doubled!r} comes twice", node.start_mark)
        return super().construct_mapping(node, deep)


_StrictLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
