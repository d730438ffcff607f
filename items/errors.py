"""What this app's domain refuses, in words for the person who asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from common.errors import DomainError

Refusal = Literal["unknown", "inactive"]
"""Why a channel takes no signals."""


class ItemError(DomainError):
    """A write that the domain refuses; its text says what to change."""


class ItemMissing(ItemError):
    """There is no such item in this workspace."""


class ItemChanged(ItemError):
    """It has another version than the caller saw."""

    def __init__(self) -> None:
        super().__init__("Somebody changed this item meanwhile. Look at it again and repeat what is still needed.")


class SignalError(DomainError):
    """A write of channels or signals that the domain refuses."""


class ChannelExists(SignalError):
    """The workspace has a channel of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is a channel {name!r} already.")


class ChannelMissing(SignalError):
    """There is no such channel in this workspace."""

    def __init__(self) -> None:
        super().__init__("There is no such channel.")


class ChannelInUse(SignalError):
    """The channel has signals, which would be left without it."""

    def __init__(self) -> None:
        super().__init__("This channel has signals. Set is_active to false: it takes no more, and can be deleted when their time is over.")


class ChannelsRefused(SignalError):
    """Nothing was stored, because some signals are of channels that are unknown or inactive; `refused` says it by the signals' places."""

    def __init__(self, refused: Mapping[int, Refusal]) -> None:
        super().__init__("Some of the channels take no signals.")
        self.refused = refused
