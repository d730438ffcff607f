"""The closed sets of values in this app's tables."""

from django.db import models


class Provider(models.TextChoices):
    """API family of a backend."""

    OPENAI = "openai", "OpenAI"
    AZURE = "azure", "Azure OpenAI"
    ANTHROPIC = "anthropic", "Anthropic"
    GEMINI = "gemini", "Google Gemini"
    OLLAMA = "ollama", "Ollama"
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
    REFUSED = "refused", "Refused by the gateway"


class UsageSource(models.TextChoices):
    """
    Who counted the tokens: the provider; the provider for a part and the gateway for the rest of an answer that was cut short; the
    gateway alone. `none`: nothing was used.
    """

    PROVIDER = "provider", "Provider"
    PARTIAL = "partial", "Provider, completed by an estimate"
    ESTIMATE = "estimate", "Estimate"
    NONE = "none", "Nothing used"


class LedgerKind(models.TextChoices):
    """What a ledger row does: hold money back, turn what was held into what was spent, give it back, correct it."""

    RESERVE = "reserve", "Reserved"
    SETTLE = "settle", "Settled"
    REFUND = "refund", "Refunded"
    ADJUST = "adjust", "Adjusted"


class OnUnpriced(models.TextChoices):
    """What happens to a request for a target without a price: it passes at no cost with an alert, or is refused."""

    ALLOW = "allow", "Allow and alert"
    DENY = "deny", "Refuse"


class RollupPeriod(models.TextChoices):
    MINUTE = "minute", "Minute"
    HOUR = "hour", "Hour"
    DAY = "day", "Day"
