"""
What others may hear from this app, after the commit.

Rules: a receiver that fails is logged and never undoes or breaks the write it hears of.
"""

from django.dispatch import Signal

revision_published = Signal()
"""Sent with `number`, the new configuration revision."""
