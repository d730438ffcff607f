"""The closed sets of values in this app's tables."""

from django.db import models


class Provider(models.TextChoices):
    """API family of a backend."""

    OPENAI = "openai", "OpenAI"
    OPENAI_COMPATIBLE = "openai_compatible", "OpenAI compatible"
    SIMULATOR = "simulator", "Simulator"


class Selection(models.TextChoices):
    """How a route chooses among its targets."""

    WEIGHTED = "weighted", "Weighted"


class OnDisconnect(models.TextChoices):
    """What happens to the upstream call when the client leaves: end it, or read it to its end for exact billing."""

    CANCEL = "cancel", "Cancel the upstream call"
    DRAIN = "drain", "Read the upstream answer to its end"


class PriceSource(models.TextChoices):
    SNAPSHOT = "snapshot", "Published list price"
    OPERATOR = "operator", "Set by an operator"


class Outcome(models.TextChoices):
    """How a request that reached a backend ended."""

    OK = "ok", "Answered"
    ERROR = "error", "Failed"
    CANCELLED = "cancelled", "Client left"
    INTERRUPTED = "interrupted", "Gateway process died"


class UsageSource(models.TextChoices):
    """Who counted the tokens: the upstream, or nobody."""

    UPSTREAM = "upstream", "Upstream"
    NONE = "none", "Unknown"


class RollupPeriod(models.TextChoices):
    MINUTE = "minute", "Minute"
    HOUR = "hour", "Hour"
    DAY = "day", "Day"
