"""Answers that are made while they are sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from rest_framework.request import Request

from common.rest.scope import PRINCIPAL


def send_pieces(request: Request, pieces: Iterator[bytes], *, content_type: str, disposition: str) -> StreamingHttpResponse:
    """Return an answer of `pieces`, each made when the one before it was taken, whoever serves it."""
    scope = getattr(request, "scope", None)  # of ASGI
    is_behind_door = scope is None or PRINCIPAL in scope  # there, and under WSGI, pieces are taken in a thread
    return StreamingHttpResponse(
        pieces if is_behind_door else _in_thread(pieces), content_type=content_type, headers={"content-disposition": disposition}
    )


async def _in_thread(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Django's handler for ASGI would make all pieces before it sends the first."""
    take = sync_to_async(lambda: next(pieces, b""))
    while (piece := await take()) != b"":
        yield piece
