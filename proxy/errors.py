"""
Everything that can go wrong with a request, by whose fault it is.

    GatewayError
    ├── CallerError            the request, or who sent it
    │   ├── BadRequest             400  malformed JSON, a bad parameter (`param`)
    │   │   ├── Untranslatable     400  a parameter that the model's provider has no word for
    │   │   └── PreviousResponseNotFound  400  a response to go on from that is not kept
    │   ├── ContentFiltered        400  blocked by a guardrail
    │   ├── InvalidApiKey          401  missing, malformed, unknown, revoked, expired: one answer for all
    │   ├── ModelNotAllowed        403
    │   ├── IpNotAllowed           403
    │   ├── PermissionMissing      403  the key may not do that
    │   ├── ModelUnpriced          403  its route asks for a price
    │   ├── ModelNotFound          404
    │   ├── NotFound               404  no such path
    │   ├── MethodNotAllowed       405
    │   ├── NotAcceptable          406  no answer in a type that was asked for
    │   ├── BodyTimeout            408  it did not arrive in time
    │   ├── IdempotencyConflict    409
    │   ├── VersionMismatch        412  it changed since the caller read it
    │   ├── RequestTooLarge        413
    │   ├── UnsupportedMediaType   415
    │   ├── TooManyInFlight        429  on one WebSocket
    │   ├── NotCached              504  only a cached answer was wanted
    │   ├── RateLimited            429  our own limits
    │   │   └── BudgetSpent        429  a limit of cost
    │   └── ClientGone             499  nobody is there to be told
    ├── UpstreamError          the provider
    │   ├── UpstreamRefused              its own 4xx, passed on
    │   ├── UpstreamCredentialRejected   502  it refused our credential: never shown as a 401
    │   ├── UpstreamBroken               502  5xx, closed, unreadable
    │   ├── UpstreamTimeout              504
    │   └── NoHealthyBackend             503  nothing to send to
    └── OwnError               us
        ├── Overloaded             503  too many in flight, draining, not ready
        ├── StoreUnavailable       503  a store we need for this request is away: never a 401
        └── InternalError          500  a bug

Rules: an error carries data; only `wire/errors.py` makes bodies of it. `code` is also the metric's label, so it is from this file's
closed set. Messages tell the reader what to change and name no internal host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from proxy.limiter import Reservation


class GatewayError(Exception):
    """
    The root. `is_retryable` answers `x-should-retry` when it is not None; None leaves the SDK its own rule.
    """

    http_status = 500
    type = "api_error"
    code: str = "internal_error"
    message = "The gateway failed to handle this request."
    is_retryable: bool | None = None

    def __init__(self, message: str | None = None, *, param: str | None = None, retry_after_s: float | None = None) -> None:
        self.public_message = message or self.message
        self.param = param
        self.retry_after_s = retry_after_s
        super().__init__(self.public_message)


class CallerError(GatewayError):
    http_status = 400
    type = "invalid_request_error"
    code = "invalid_request"
    message = "The request is not valid."


class BadRequest(CallerError):
    pass


class Untranslatable(BadRequest):
    """A parameter that the model's provider has no word for; `param` names it. Never dropped silently."""

    code = "unsupported_parameter"
    message = "The request uses a parameter that cannot be translated for this model's provider."


class PreviousResponseNotFound(BadRequest):
    """OpenAI's own status and code, by which clients know that they must send the whole conversation again."""

    code = "previous_response_not_found"
    message = "The previous response was not found."


class ContentFiltered(CallerError):
    """`details` name the policy, its version, the rule and the detector; never what was found."""

    code = "content_filter"
    message = "The request was blocked by a guardrail."
    is_retryable = False

    def __init__(self, message: str | None = None, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.details = details or {}


class InvalidApiKey(CallerError):
    http_status = 401
    type = "authentication_error"
    code = "invalid_api_key"
    message = "The API key is missing or not valid. Send it as `Authorization: Bearer <key>`."
    is_retryable = False


class ModelNotAllowed(CallerError):
    http_status = 403
    type = "permission_error"
    code = "model_not_allowed"
    message = "This API key may not use the model."


class IpNotAllowed(CallerError):
    http_status = 403
    type = "permission_error"
    code = "ip_not_allowed"
    message = "This API key may not be used from your address."


class ModelUnpriced(CallerError):
    http_status = 403
    type = "permission_error"
    code = "model_unpriced"
    message = "No price is known for this model, and its route serves none without one. Tell the gateway's admin."


class PermissionMissing(CallerError):
    http_status = 403
    type = "permission_error"
    code = "permission_missing"
    message = "This API key lacks the permission for that."


class IdempotencyConflict(CallerError):
    http_status = 409
    code = "idempotency_conflict"
    message = "The idempotency key was used with other parameters, or its first call is still running."
    is_retryable = False


class VersionMismatch(CallerError):
    http_status = 412
    code = "version_mismatch"
    message = "It changed since you read it. Read it again and repeat what is still needed."
    is_retryable = False


class NotCached(CallerError):
    http_status = 504
    code = "not_cached"
    message = "The request asked for a cached answer only, and there is none."
    is_retryable = False


class ModelNotFound(CallerError):
    http_status = 404
    code = "model_not_found"
    message = "The model does not exist. See GET /v1/models."


class NotFound(CallerError):
    http_status = 404
    code = "not_found"
    message = "There is nothing at this path."


class MethodNotAllowed(CallerError):
    http_status = 405
    code = "method_not_allowed"

    def __init__(self, allowed: str) -> None:
        super().__init__(f"Use {allowed} on this path.")
        self.allowed = allowed


class NotAcceptable(CallerError):
    http_status = 406
    code = "not_acceptable"
    message = "This path answers with application/json; some lists also with text/csv."


class BodyTimeout(CallerError):
    http_status = 408
    code = "request_timeout"
    message = "The request body did not arrive in time."


class RequestTooLarge(CallerError):
    http_status = 413
    code = "request_too_large"
    message = "The request body is larger than the gateway accepts."


class UnsupportedMediaType(CallerError):
    http_status = 415
    code = "unsupported_media_type"
    message = "Send the body as application/json."


class RateLimited(CallerError):
    """`reservation` says what the limit is and what is left of it."""

    http_status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"
    message = "Too many requests."

    def __init__(self, message: str | None = None, *, retry_after_s: float, reservation: Reservation) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.reservation = reservation


class BudgetSpent(RateLimited):
    """
    The money of a limit is gone: waiting a little does not help, so no SDK should try again by itself.

    `details` for the body: `limit`, `spent_nano_usd`, `reserved_nano_usd`, `limit_nano_usd`, `resets_at` (ISO 8601, UTC).
    """

    type = "insufficient_quota"
    code = "insufficient_quota"
    message = "The budget is spent."
    is_retryable = False

    def __init__(self, message: str | None = None, *, retry_after_s: float, reservation: Reservation, details: dict[str, Any]) -> None:
        super().__init__(message, retry_after_s=retry_after_s, reservation=reservation)
        self.details = details


class TooManyInFlight(CallerError):
    http_status = 429
    type = "rate_limit_error"
    code = "too_many_in_flight"
    message = "Too many requests run on this socket."


class ClientGone(CallerError):
    http_status = 499
    code = "client_gone"
    message = "The client closed the connection."


class UpstreamError(GatewayError):
    http_status = 502
    code = "upstream_error"
    message = "The provider failed to answer this request."


class UpstreamRefused(UpstreamError):
    """The provider's own answer of 4xx, passed on in the contract's shape: its words, type, param and code, our envelope."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        error_type: str | None = None,
        param: str | None = None,
        upstream_code: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, param=param, retry_after_s=retry_after_s)
        self.http_status = status
        self.type = error_type or ("rate_limit_error" if status == 429 else "invalid_request_error")
        self.code = "rate_limit_exceeded" if status == 429 else "upstream_refused"
        self.upstream_code = upstream_code


class UpstreamCredentialRejected(UpstreamError):
    code = "upstream_credential_rejected"
    message = "The provider refused the gateway's credential. Tell the gateway's admin."
    is_retryable = False


class UpstreamBroken(UpstreamError):
    pass


class UpstreamTimeout(UpstreamError):
    http_status = 504
    code = "timeout"
    message = "The provider did not answer in time."


class NoHealthyBackend(UpstreamError):
    http_status = 503
    code = "no_healthy_backend"
    message = "No backend can take this request now."


class OwnError(GatewayError):
    http_status = 503


class Overloaded(OwnError):
    code = "overloaded"
    message = "The gateway is busy. Try again."


class StoreUnavailable(OwnError):
    code = "store_unavailable"
    message = "The gateway cannot look this key up now. Try again."


class InternalError(OwnError):
    http_status = 500
    code = "internal_error"
    message = "The gateway failed to handle this request. The error was logged under this request id."
