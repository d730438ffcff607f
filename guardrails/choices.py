"""Closed sets that columns and forms of this app draw from; the documents' own words for them."""

from __future__ import annotations

from django.db import models


class PolicyMode(models.TextChoices):
    ENFORCE = "enforce", "Enforce"
    SHADOW = "shadow", "Shadow"
    OFF = "off", "Off"
