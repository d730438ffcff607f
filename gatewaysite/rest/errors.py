"""Whatever a REST view raises as the error of the contract: OpenAI's object with all four keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import structlog
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import SuspiciousOperation
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from psycopg.errors import QueryCanceled
from psycopg_pool import PoolTimeout
from rest_framework import exceptions

from common.errors import DomainError
from common.rest.preconditions import PreconditionFailed
from common.rest.rows import RowsRefused
from proxy.errors import (
    BadRequest,
    GatewayError,
    InternalError,
    InvalidApiKey,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    Overloaded,
    PermissionMissing,
    RequestTooLarge,
    StoreUnavailable,
    UnsupportedMediaType,
    VersionMismatch,
)
from proxy.wire.errors import dump_openai_error, error_headers

log = structlog.get_logger(__name__)
_OF_ROWS: Final[dict[int, type[GatewayError]]] = {400: BadRequest, 404: NotFound, 412: VersionMismatch}


def handle_exception(raised: Exception, context: dict[str, Any]) -> HttpResponse:
    """The `EXCEPTION_HANDLER` of DRF. A bug is logged with the request's id and answered 500."""
    view = context["view"]
    error = as_gateway_error(raised, allowed=", ".join(view.allowed_methods))
    if isinstance(error, InternalError):
        log.error("rest_request_failed", request_id=str(getattr(view, "request_id", "")), path=context["request"].path, exc_info=raised)
    headers = {name.decode(): value.decode() for name, value in error_headers(error)}
    if isinstance(error, InvalidApiKey):
        headers["www-authenticate"] = 'Bearer realm="gateway"'
    return HttpResponse(_dump(error, raised), status=error.http_status, content_type="application/json", headers=headers)


def _dump(error: GatewayError, raised: Exception) -> bytes:
    """Return the contract's error, with what is wrong with each row of a body in `errors` beside it."""
    body = dump_openai_error(error)
    if not isinstance(raised, RowsRefused):
        return body
    return msgspec.json.encode(msgspec.json.decode(body) | {"errors": raised.rows})


def as_gateway_error(raised: Exception, *, allowed: str = "") -> GatewayError:
    """Return what is told of an exception: of ours, of DRF's, of Django's, of the database."""
    match raised:
        case GatewayError():
            return raised
        case exceptions.APIException():
            return _of_rest_framework(raised, allowed)
        case Http404():
            return NotFound()
        case DjangoPermissionDenied():
            return PermissionMissing("You may not do that.")
        case DjangoValidationError():
            return _of_validation(raised)
        case DomainError() | SuspiciousOperation():
            return BadRequest(str(raised))
    return _of_database(raised)


def _of_rest_framework(raised: exceptions.APIException, allowed: str) -> GatewayError:
    detail = str(raised.detail) if isinstance(raised.detail, str) else None
    match raised:
        case exceptions.ValidationError():
            param, message = _first(raised.detail)
            return BadRequest(message, param=param)
        case PreconditionFailed():
            return VersionMismatch(detail, param=raised.param)
        case RowsRefused():
            return _OF_ROWS[raised.status_code](detail, param=raised.param)
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return InvalidApiKey()
        case exceptions.PermissionDenied():
            return PermissionMissing(detail, param=getattr(raised, "param", None))
        case exceptions.NotFound():
            return NotFound(detail if detail != exceptions.NotFound.default_detail else None)
        case exceptions.MethodNotAllowed():
            return MethodNotAllowed(allowed)
        case exceptions.NotAcceptable():
            return NotAcceptable()
        case exceptions.UnsupportedMediaType():
            return UnsupportedMediaType()
        case _ if raised.status_code == 413:
            return RequestTooLarge(detail)
        case _ if raised.status_code < 500:
            return BadRequest(detail, param=getattr(raised, "param", None))
    return InternalError()


def _first(detail: Any, path: str = "") -> tuple[str | None, str]:
    """Return where the first complaint belongs, such as `limits.0`, and its words."""
    if isinstance(detail, Mapping) and detail:
        name, inner = next(iter(detail.items()))
        own = "" if name == "non_field_errors" else str(name)
        return _first(inner, ".".join(part for part in (path, own) if part))
    if isinstance(detail, list) and detail:
        return _first(detail[0], path)
    return path or None, str(detail) or "The request is not valid."


def _of_validation(raised: DjangoValidationError) -> BadRequest:
    if hasattr(raised, "error_dict"):
        name, complaints = next(iter(raised.message_dict.items()))
        return BadRequest(complaints[0], param=None if name == "__all__" else name)
    return BadRequest(raised.messages[0])


def _of_database(raised: Exception) -> GatewayError:
    if isinstance(raised.__cause__, QueryCanceled):
        return Overloaded("The answer took too long to add up. Ask for a shorter time.", retry_after_s=5)
    if isinstance(raised, OperationalError | InterfaceError | PoolTimeout):
        return StoreUnavailable("The gateway cannot reach its database now. Try again.", retry_after_s=1)
    return InternalError()
