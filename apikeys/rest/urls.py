from __future__ import annotations

from django.urls import path

from apikeys.rest import views

urlpatterns = [
    path("keys", views.KeyList.as_view(), name="keys"),
    path("keys/<uuid:key_id>", views.KeyDetail.as_view(), name="key"),
    path("keys/<uuid:key_id>/rotate", views.KeyRotation.as_view(), name="key-rotate"),
    path("keys/<uuid:key_id>/revoke", views.KeyRevocation.as_view(), name="key-revoke"),
]
