"""The closed sets of values in this app's tables."""

from django.db import models


class LimitScope(models.TextChoices):
    """What a limit counts by: one counter for the installation, or one for each IP, workspace, key, end user or tag."""

    GLOBAL = "global", "Installation"
    IP = "ip", "IP address"
    WORKSPACE = "workspace", "Workspace"
    KEY = "key", "API key"
    END_USER = "end_user", "End user"
    TAG = "tag", "Tag"


class LimitUnit(models.TextChoices):
    """Cost is counted in nano-dollars, concurrency in requests in flight."""

    REQUESTS = "requests", "Requests"
    TOKENS = "tokens", "Tokens"
    INPUT_TOKENS = "input_tokens", "Input tokens"
    OUTPUT_TOKENS = "output_tokens", "Output tokens"
    COST = "cost", "Cost"
    CONCURRENCY = "concurrency", "Requests in flight"


class CalendarWindow(models.TextChoices):
    """A window that begins with the clock, in UTC; a week begins on Monday."""

    MINUTE = "minute", "Minute"
    HOUR = "hour", "Hour"
    DAY = "day", "Day"
    WEEK = "week", "Week"
    MONTH = "month", "Month"


class Permission(models.TextChoices):
    """What an API key may do. Nobody makes a key with a permission that theirs lacks."""

    INFERENCE = "inference", "Call models and services"
    USAGE = "usage", "Read the workspace's usage"
    KEYS = "keys", "Manage the workspace's API keys"
    ITEMS_READ = "items_read", "Read the workspace's items"
    ITEMS_WRITE = "items_write", "Make, change and delete items"
    SIGNALS_READ = "signals_read", "Read the workspace's signals"
    SIGNALS_WRITE = "signals_write", "Send signals"


class LimitMode(models.TextChoices):
    """`shadow` counts and reports what it would have refused, and refuses nothing."""

    ENFORCE = "enforce", "Enforce"
    SHADOW = "shadow", "Shadow"
