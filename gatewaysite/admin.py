"""The console: the admin site and its navigation."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse_lazy
from unfold.sites import UnfoldAdminSite


class ConsoleSite(UnfoldAdminSite):  # type: ignore[misc]  # unfold carries no types
    """Django's admin under unfold, for the people who run the gateway."""

    site_title = "Gatewaysite"
    site_header = "Gatewaysite"
    index_title = "Overview"


def _link(title: str, icon: str, name: str) -> dict[str, Any]:
    """Return a line of the sidebar, shown to whoever may view the model `<app>_<model>`."""
    permission = ".view_".join(name.split("_", 1))
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{name}_changelist"),
        "permission": lambda request: request.user.has_perm(permission),
    }


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the sidebar in the order of a request's way: who calls, what binds them, where it goes, what came of it."""
    del request
    return [
        {
            "title": "Access",
            "items": [
                _link("Workspaces", "domain", "apikeys_workspace"),
                _link("API keys", "key", "apikeys_apikey"),
                _link("Limits", "speed", "apikeys_limit"),
            ],
        },
        {
            "title": "Gateway",
            "items": [
                _link("Routes", "alt_route", "proxy_route"),
                _link("Backends", "dns", "proxy_backend"),
                _link("Services", "hub", "proxy_service"),
                _link("Prices", "payments", "proxy_price"),
                _link("Revisions", "history", "proxy_configurationrevision"),
            ],
        },
        {
            "title": "Guardrails",
            "items": [
                _link("Policies", "shield", "guardrails_policy"),
                _link("Versions", "history_toggle_off", "guardrails_policyversion"),
                _link("Keys with a policy", "vpn_key", "guardrails_keypolicy"),
                _link("Word lists", "list_alt", "guardrails_wordlist"),
            ],
        },
        {
            "title": "Usage",
            "items": [_link("Requests", "receipt_long", "proxy_usagerecord"), _link("Ledger", "account_balance", "proxy_ledgerentry")],
        },
        {
            "title": "Work",
            "items": [
                _link("Items", "task_alt", "items_item"),
                _link("Signals", "notifications", "items_signal"),
                _link("Channels", "sensors", "items_channel"),
            ],
        },
        {
            "title": "People",
            "items": [_link("Users", "person", "auth_user"), _link("Groups", "group", "auth_group")],
        },
    ]
