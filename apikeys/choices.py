"""The closed sets of values in this app's tables."""

from django.db import models


class LimitScope(models.TextChoices):
    """What a limit counts by: one counter for the installation, or one for each IP, workspace or key."""

    GLOBAL = "global", "Installation"
    IP = "ip", "IP address"
    WORKSPACE = "workspace", "Workspace"
    KEY = "key", "API key"


class LimitUnit(models.TextChoices):
    REQUESTS = "requests", "Requests"


class LimitMode(models.TextChoices):
    """`shadow` counts and reports what it would have refused, and refuses nothing."""

    ENFORCE = "enforce", "Enforce"
    SHADOW = "shadow", "Shadow"
