"""What a domain refuses, whichever app it belongs to."""

from __future__ import annotations


class DomainError(Exception):
    """A write that the domain refuses. Its text is for the person who asked and says what to change."""
