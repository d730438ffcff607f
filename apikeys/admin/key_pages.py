"""The pages of an API key besides its form: the secret, shown once; rotating; revoking."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminRadioSelectWidget

from apikeys.admin.snippets import build_snippets
from apikeys.domain import CreatedKey
from apikeys.models import ApiKey

_OVERLAPS: Final = {
    "0": (dt.timedelta(0), "at once"),
    "1h": (dt.timedelta(hours=1), "after 1 hour"),
    "1d": (dt.timedelta(days=1), "after 1 day"),
    "7d": (dt.timedelta(days=7), "after 7 days"),
    "30d": (dt.timedelta(days=30), "after 30 days"),
}


class RotateForm(forms.Form):
    """How long programs that still have the earlier secret keep working."""

    overlap = forms.TypedChoiceField(
        label="The earlier secret ends",
        choices=[(value, words.capitalize()) for value, (_, words) in _OVERLAPS.items()],
        coerce=lambda value: _OVERLAPS[value][0],
        initial="1d",
        widget=UnfoldAdminRadioSelectWidget,
        help_text="Until then both work, so programs can be moved one after the other.",
    )

    def describe_overlap(self) -> str:
        return _OVERLAPS[self.data["overlap"]][1]


def render_secret_page(model_admin: Any, request: HttpRequest, created: CreatedKey, *, title: str) -> HttpResponse:
    """Return the one page that ever shows the secret; it is the answer to the POST that made it and is not cached."""
    base_url = request.build_absolute_uri("/v1")
    context = {
        "secret": created.secret.reveal(),
        "snippets": build_snippets(created.api_key, created.secret, base_url),
    }
    return _render(model_admin, request, created.api_key, "secret", title, context)


def render_rotate_page(model_admin: Any, request: HttpRequest, api_key: ApiKey, form: RotateForm) -> HttpResponse:
    return _render(model_admin, request, api_key, "rotate", "Rotate secret", {"form": form})


def render_revoke_page(model_admin: Any, request: HttpRequest, api_key: ApiKey) -> HttpResponse:
    return _render(model_admin, request, api_key, "revoke", "Revoke key", {})


def _render(model_admin: Any, request: HttpRequest, api_key: ApiKey, page: str, title: str, context: dict[str, Any]) -> HttpResponse:
    request.current_app = model_admin.admin_site.name  # where Django looks for the site's URLs
    everywhere = model_admin.admin_site.each_context(request)
    about = {"title": title, "subtitle": str(api_key), "opts": model_admin.opts, "original": api_key, "media": model_admin.media}
    return TemplateResponse(request, f"admin/apikeys/apikey/{page}.html", everywhere | about | context)
