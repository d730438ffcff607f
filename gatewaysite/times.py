"""The times of an answer in its headers, for what has no timings of its own."""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from typing import Any

from proxy.asgi_types import Send

Headers = list[tuple[bytes, bytes]]


def with_times(send: Send, more: Headers | None = None) -> Send:
    """Return a `send` that adds `x-response-time` and `x-process-time`, counted from now, and `more` headers."""
    started_at = time.perf_counter()

    async def send_timed(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            elapsed_s = time.perf_counter() - started_at
            own: Headers = [(b"x-response-time", b"%.2fms" % (elapsed_s * 1e3)), (b"x-process-time", b"%.6f" % elapsed_s)]
            message = {**message, "headers": [*message.get("headers", ()), *own, *(more or ())]}
        await send(message)

    return send_timed
