"""The fixtures of tests that talk to a real installation."""

from __future__ import annotations

from tests.shared_installation import client, console, installation, keys

__all__ = ["client", "console", "installation", "keys"]
