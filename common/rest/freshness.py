"""Telling the response cache that something of a workspace changed."""

from __future__ import annotations

import uuid


def note_change(workspace_id: uuid.UUID, resource: str) -> None:
    """Say, inside the transaction that writes, that answers about `resource` of this workspace are out of date once it commits."""
