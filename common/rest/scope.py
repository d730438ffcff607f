"""
What the door before `/api` tells Django of a request, under names in the ASGI scope that no client can write.

Rules: no Django. Absent where no door stands in front: then Django finds out by itself.
"""

from __future__ import annotations

from typing import Final

PRINCIPAL: Final = "gateway.principal"
"""Who presented the key: an `apikeys.hotpath.Principal`, checked already."""
REQUEST_ID: Final = "gateway.request_id"
"""The id that the door answers, counts and logs the request under, as text."""
