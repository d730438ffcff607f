"""
What other apps may hear from this one, after the commit.

Rules: a receiver that fails is logged and never undoes or breaks the write it hears of.
"""

from django.dispatch import Signal

key_changed = Signal()
"""Sent with `subject` (`key:<id>` or `workspace:<id>`) and `number`, the change's place in the feed."""
