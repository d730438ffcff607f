"""
The configuration that a start makes: the first workspace, limits, guardrails and key, the simulator with a service, and what the
environment offers.

Rules: a row is made only if none of its name is there or ever was, which the configuration revisions tell. Rows that follow the
environment (where the simulator listens, a provider's credential) are changed at a later start, and nothing else in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from apikeys.public import ApiKey, LimitScope
from common.publishing import publishing
from common.secret import Secret
from gatewaysite.environment_backends import Offer
from guardrails.default_policy import DEFAULT_POLICY_NAME, DESCRIPTION, default_policy
from guardrails.public import find_policy
from proxy.choices import Provider
from proxy.configuration.apply import apply_document
from proxy.configuration.export import build_document
from proxy.configuration.format import (
    ApiKeyEntry,
    BackendEntry,
    Document,
    LimitEntry,
    PolicyEntry,
    PriceEntry,
    RouteEntry,
    ServiceEntry,
    TargetEntry,
    WorkspaceEntry,
    policy_entry,
)
from proxy.domain import KEEP, save_backend, save_service
from proxy.models import Backend, ConfigurationRevision, Service

WORKSPACE: Final = "default"
DEMO_KEY: Final = "demo"
SIMULATOR: Final = "simulator"
SIMULATED_MODELS: Final = (
    "sim-chat",
    "sim-fast",
    "sim-slow",
    "sim-500",
    "sim-429",
    "sim-hang",
    "sim-cut",
    "sim-error-in-stream",
    "sim-malformed",
    "sim-drip",
    "sim-tools",
    "sim-json",
    "sim-reasoning",
    "sim-embed",
    "sim-overloaded",
    "sim-filtered",
    "sim-slow-start",
    "sim-big-line",
    "sim-wrong-type",
)
"""Every model of the simulator (`docs/reference/simulator.md`); the first is the one that demonstrations use."""
SIMULATED_SERVICE: Final = "/infer"
_SIMULATED_SERVICE_TTL_S: Final = 60
_LIMITS: Final = (
    LimitEntry(name="global", scope=LimitScope.GLOBAL, amount=150, window_s=1, burst=300),
    LimitEntry(name="per-ip", scope=LimitScope.IP, amount=20, window_s=1, burst=40),
)
_SIMULATED_PRICE: Final = PriceEntry(
    provider=Provider.SIMULATOR.value, upstream_model="sim-*", input_usd_per_mtok="0.15", output_usd_per_mtok="0.60"
)


@dataclass(frozen=True, slots=True)
class FirstRows:
    """`api_key` is the secret of the demo key if this start made it."""

    api_key: str | None
    notes: tuple[str, ...]


def ensure_first_rows(simulator_url: str | None, offers: Sequence[Offer]) -> FirstRows:
    """
    Make what is new and follow what the environment changed, in one revision.

    Cost: the queries of a document, and one over the revisions for each row that is not there.
    """
    wanted = _Wanted(_Known())
    with publishing("First rows"):
        wanted.add_installation()
        if simulator_url is not None:
            wanted.add_simulator(simulator_url.rstrip("/"))
        for offer in offers:
            wanted.add_offer(offer)
        applied = apply_document(wanted.document(), wanted.credentials)
    secret = next((created.secret.reveal() for created in applied.created_keys), None)
    return FirstRows(secret, tuple(wanted.notes))


class _Known:
    """What is configured now, and what ever was."""

    def __init__(self) -> None:
        self._now = build_document()

    def has(self, section: str, **identity: str) -> bool:
        return any(all(entry[name] == value for name, value in identity.items()) for entry in self._now[section])

    def has_alias(self, model: str) -> bool:
        return any(model in route["aliases"] for route in self._now["routes"])

    def is_new(self, section: str, **identity: str) -> bool:
        if self.has(section, **identity):
            return False
        return not ConfigurationRevision.objects.filter(**{f"document__{section}__contains": [identity]}).exists()


@dataclass
class _Wanted:
    """What this start adds, in the apply format; what it only follows is written at once."""

    known: _Known
    workspaces: list[WorkspaceEntry] = field(default_factory=list)
    backends: list[BackendEntry] = field(default_factory=list)
    routes: list[RouteEntry] = field(default_factory=list)
    services: list[ServiceEntry] = field(default_factory=list)
    limits: list[LimitEntry] = field(default_factory=list)
    prices: list[PriceEntry] = field(default_factory=list)
    guardrails: list[PolicyEntry] = field(default_factory=list)
    api_keys: list[ApiKeyEntry] = field(default_factory=list)
    credentials: dict[str, Secret | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def document(self) -> Document:
        return Document(
            workspaces=self.workspaces,
            backends=self.backends,
            routes=self.routes,
            services=self.services,
            limits=self.limits,
            prices=self.prices,
            guardrails=self.guardrails,
            api_keys=self.api_keys,
        )

    def add_installation(self) -> None:
        if self.known.is_new("workspaces", slug=WORKSPACE):
            self.workspaces.append(WorkspaceEntry(slug=WORKSPACE, name="Default"))
        self.limits += [limit for limit in _LIMITS if self.known.is_new("limits", name=limit.name)]
        if self.known.is_new("guardrails", name=DEFAULT_POLICY_NAME) and find_policy(DEFAULT_POLICY_NAME) is None:
            self.guardrails.append(self._default_policy())
        has_workspace = bool(self.workspaces) or self.known.has("workspaces", slug=WORKSPACE)
        # Keys are revoked, never deleted: where there was one, a person has decided who may call.
        if has_workspace and not ApiKey.objects.exists():
            self.api_keys.append(ApiKeyEntry(name=DEMO_KEY, workspace=WORKSPACE))

    def _default_policy(self) -> PolicyEntry:
        """An installation that answers calls already gets it in shadow: what changes its answers, a person decides."""
        document = default_policy("shadow" if ConfigurationRevision.objects.exists() else "enforce")
        if document.mode == "shadow":
            self.notes.append(
                "The guardrail policy `default` is new and in shadow: it reports and changes nothing. Promote it in the console."
            )
        return policy_entry(document, DESCRIPTION)

    def add_simulator(self, url: str) -> None:
        entry = BackendEntry(name=SIMULATOR, provider=Provider.SIMULATOR, base_url=f"{url}/v1")
        if self._add_backend(entry):
            self._add_routes(SIMULATOR, SIMULATED_MODELS)
            self._add_simulated_service(url)
            if self.known.is_new("prices", provider=Provider.SIMULATOR.value):
                self.prices.append(_SIMULATED_PRICE)
        elif self.known.has("backends", name=SIMULATOR, provider=Provider.SIMULATOR.value):
            self._add_routes(SIMULATOR, SIMULATED_MODELS)  # a later version simulates more
            self._add_simulated_service(url)
            self._follow_simulator(entry, url)

    def add_offer(self, offer: Offer) -> None:
        entry = offer.backend
        if self._add_backend(entry):
            if offer.credential is not None:
                self.credentials[entry.name] = offer.credential
            self._add_routes(entry.name, offer.models)
            self._add_route(offer.wildcard, entry.name, "*")
            self.notes.append(offer.note)
        elif offer.credential is None:
            self._follow_address(entry)
        else:
            _follow_credential(entry, offer.credential)

    def _add_backend(self, entry: BackendEntry) -> bool:
        is_new = self.known.is_new("backends", name=entry.name)
        if is_new:
            self.backends.append(entry)
        return is_new

    def _add_routes(self, backend: str, models: Sequence[str]) -> None:
        for model in models:
            self._add_route(model, backend, model)

    def _add_route(self, model: str, backend: str, upstream_model: str) -> None:
        if self.known.is_new("routes", model=model) and not self.known.has_alias(model):
            self.routes.append(RouteEntry(model=model, targets=[TargetEntry(backend=backend, upstream_model=upstream_model)]))

    def _add_simulated_service(self, url: str) -> None:
        if self.known.is_new("services", path=SIMULATED_SERVICE):
            self.services.append(ServiceEntry(path=SIMULATED_SERVICE, upstream=url, cache_get_ttl_s=_SIMULATED_SERVICE_TTL_S))

    def _follow_simulator(self, entry: BackendEntry, url: str) -> None:
        """The service follows the simulator only while it leads there: an operator may have put something else behind its path."""
        before = Backend.objects.filter(name=entry.name).values_list("base_url", flat=True).first()
        self._follow_address(entry)
        for service in Service.objects.filter(path=SIMULATED_SERVICE, upstream_url=str(before).removesuffix("/v1")).exclude(
            upstream_url=url
        ):
            service.upstream_url = url
            save_service(service)

    def _follow_address(self, entry: BackendEntry) -> None:
        stored = Backend.objects.filter(name=entry.name, provider=entry.provider).exclude(base_url=entry.base_url).first()
        if stored is None:
            return
        if stored.credential_sealed is not None:
            self.notes.append(
                f"Backend `{entry.name}` has a credential, so it does not follow to {entry.base_url}. Change it in the console."
            )
            return
        stored.base_url = entry.base_url
        save_backend(stored, credential=KEEP)


def _follow_credential(entry: BackendEntry, credential: Secret) -> None:
    # Only where the address is the provider's own: a key must not go to whatever a backend of the same name points at.
    stored = Backend.objects.filter(name=entry.name, provider=entry.provider, base_url=entry.base_url).first()
    if stored is not None:
        save_backend(stored, credential=credential)
