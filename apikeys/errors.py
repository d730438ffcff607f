"""What this app's domain refuses, in words for the person at the console."""

from common.errors import DomainError


class ApiKeyError(DomainError):
    """A write that the domain refuses; its text says what to change."""
