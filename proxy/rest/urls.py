from __future__ import annotations

from django.urls import path

from proxy.rest import views
from proxy.rest.guardrails import GuardrailCheck

urlpatterns = [
    path("usage", views.Usage.as_view(), name="usage"),
    path("usage/records", views.UsageRecords.as_view(), name="usage-records"),
    path("ledger", views.Ledger.as_view(), name="ledger"),
    path("requests/<uuid:request_id>", views.RequestDetail.as_view(), name="request"),
    path("guardrails/check", GuardrailCheck.as_view(), name="guardrails-check"),
]
