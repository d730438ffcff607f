"""The console's URLs; the data plane's paths never reach Django (see `gatewaysite/asgi.py`)."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from gatewaysite.rest.views import UnknownPath

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include("gatewaysite.rest.urls")),
    path("api", UnknownPath.as_view()),
    path("", RedirectView.as_view(pattern_name="admin:index")),
]
