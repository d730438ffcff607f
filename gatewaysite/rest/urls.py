"""Everything under `/api`."""

from __future__ import annotations

from django.urls import include, path, re_path

from gatewaysite.env import read
from gatewaysite.rest.schema import DocsPage, SchemaFile
from gatewaysite.rest.views import UnknownPath

_description = [
    path("schema", SchemaFile.as_view(), name="schema"),
    path("docs", DocsPage.as_view(), name="docs"),
]
urlpatterns = [
    *(_description if read("GATEWAY_API_DOCS") else ()),
    path("", include("apikeys.rest.urls")),
    path("", include("proxy.rest.urls")),
    path("", include("items.rest.urls")),
    re_path(r"", UnknownPath.as_view()),
]
