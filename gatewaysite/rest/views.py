"""What no app of ours answers under `/api`."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request

from common.rest.views import ApiView
from proxy.errors import NotFound


class UnknownPath(ApiView):
    """Any method, any caller: 404 in the contract's shape."""

    authentication_classes = ()
    permission_classes = ()
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound
