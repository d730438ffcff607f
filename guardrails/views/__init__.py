"""The forms of a text that rules look at."""

from guardrails.views.find import find_views
from guardrails.views.fold import fold
from guardrails.views.view import View

__all__ = ["View", "find_views", "fold"]
