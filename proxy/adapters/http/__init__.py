"""The gateway's own HTTP/1.1 client. `HttpClient` is what others use; the rest is its inside."""

from __future__ import annotations

from proxy.adapters.http.client import HttpClient

__all__ = ["HttpClient"]
