"""The one error of the simulator, and the ways it comes about; each dialect writes it in its own shape."""

from __future__ import annotations


class ProviderError(Exception):
    """
    A request that is answered with an error, in OpenAI's words (`type`, `code`, `param`).

    `retry_after_s` becomes the `retry-after` header, `allow` the header of a 405; `model` is what the log shows.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type_: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        model: str | None = None,
        retry_after_s: int | None = None,
        allow: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.type = type_
        self.code = code
        self.param = param
        self.model = model
        self.retry_after_s = retry_after_s
        self.allow = allow


def invalid_request(message: str, *, param: str | None = None, code: str | None = None, model: str | None = None) -> ProviderError:
    return ProviderError(400, message, param=param, code=code, model=model)


def model_not_found(model: str) -> ProviderError:
    message = f"The model `{model}` does not exist or you do not have access to it."
    return ProviderError(404, message, code="model_not_found", model=model)


def server_error(model: str) -> ProviderError:
    message = "The server had an error while processing your request. Sorry about that!"
    return ProviderError(500, message, type_="server_error", model=model)


def rate_limited(model: str) -> ProviderError:
    message = f"Rate limit reached for {model} on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 2s."
    return ProviderError(429, message, type_="requests", code="rate_limit_exceeded", model=model, retry_after_s=2)


def overloaded(model: str) -> ProviderError:
    message = "The server is currently overloaded with other requests. Please try again later."
    return ProviderError(503, message, type_="server_error", code="overloaded", model=model, retry_after_s=1)


def wrong_key() -> ProviderError:
    return ProviderError(401, "Incorrect API key provided.", code="invalid_api_key")


def missing_key() -> ProviderError:
    return ProviderError(401, "You didn't provide an API key. You need to provide your API key in the header that this API reads it from.")


def unknown_path(method: str, path: str) -> ProviderError:
    return ProviderError(404, f"Invalid URL ({method} {path})")


def wrong_method(method: str, path: str, allow: str) -> ProviderError:
    return ProviderError(405, f"Not allowed to {method} on {path}. Use {allow}.", code="method_not_supported", allow=allow)


def body_too_large(limit_bytes: int) -> ProviderError:
    return ProviderError(413, f"The request body exceeds {limit_bytes} bytes.", code="request_too_large")
