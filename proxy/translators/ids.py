"""Ids for what a provider gives none to."""

from __future__ import annotations

import secrets

from common.ids import create_uuid7


def create_reply_id() -> str:
    return f"chatcmpl-{create_uuid7().hex}"


def create_call_id() -> str:
    return f"call_{secrets.token_hex(12)}"
