"""What this app's domain refuses, in words for the person who asked."""

from common.errors import DomainError


class ItemError(DomainError):
    """A write that the domain refuses; its text says what to change."""
