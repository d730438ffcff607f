"""The closed sets of values in this app's tables."""

from typing import Final

from django.db import models


class Priority(models.TextChoices):
    LOW = "low", "Low"
    MEDIUM = "medium", "Medium"
    HIGH = "high", "High"
    CRITICAL = "critical", "Critical"


PRIORITY_RANKS: Final = {word: rank for rank, word in enumerate((Priority.LOW, Priority.MEDIUM, Priority.HIGH, Priority.CRITICAL))}
"""Of `Priority`, the most urgent highest: what items are sorted by."""


class Status(models.TextChoices):
    NEW = "new", "New"
    IN_PROGRESS = "in_progress", "In progress"
    REVIEW = "review", "Review"
    DONE = "done", "Done"
    ARCHIVED = "archived", "Archived"


class Action(models.TextChoices):
    """What a signal says to do."""

    BUY = "buy", "Buy"
    SELL = "sell", "Sell"
    HOLD = "hold", "Hold"
    CLOSE = "close", "Close"
