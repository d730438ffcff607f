"""Which handler answers which path, and in which dialect errors are written there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from proxy.simulator import anthropic, azure, chat, completions, embeddings, gemini, moderations, ollama, openai, service
from proxy.simulator.errors import ProviderError
from proxy.simulator.exchange import Request
from proxy.simulator.keys import FindKey, find_anthropic_key, find_any_key, find_azure_key, find_bearer_key, find_gemini_key
from proxy.simulator.reply import JsonReply, Reply
from proxy.simulator.responses import Responses

Handler = Callable[[Request], Reply]
Found = tuple["Endpoint", Mapping[str, str]]
_NAME = re.compile(r"\{(\w+)(\*?)\}")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a provider writes errors and where it looks for the key of a call."""

    render_error: Callable[[ProviderError], JsonReply]
    find_key: FindKey


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The handlers of one path by method; one that is not recorded needs no key and stays out of the logs."""

    handlers: Mapping[str, Handler]
    dialect: Dialect
    is_recorded: bool = True


OPENAI = Dialect(openai.render_error, find_bearer_key)
AZURE = Dialect(azure.render_error, find_azure_key)
ANTHROPIC = Dialect(anthropic.render_error, find_anthropic_key)
GEMINI = Dialect(gemini.render_error, find_gemini_key)
OLLAMA = Dialect(ollama.render_error, find_bearer_key)
PLAIN = Dialect(service.render_error, find_any_key)


class Routes:
    """
    All paths of the simulator.

    `{name}` in a template stands for one step of a path, up to a colon; `{name*}` for all the rest of it.
    """

    def __init__(self, plain: service.Service, responses: Responses) -> None:
        self._endpoints = _endpoints(plain, responses)
        self._table = _Table(self._endpoints)
        self._by_header = {name: _Table(endpoints) for name, endpoints in _MODEL_LISTS.items()}

    def templates(self) -> list[str]:
        """Return every path that is served, with the names that it may hold."""
        return list(self._endpoints)

    def find(self, path: str, header_names: frozenset[bytes]) -> Found:
        """Return the endpoint of a path and the names in it; an endpoint without handlers where there is none."""
        for name, table in self._by_header.items():
            found = table.find(path) if name in header_names else None
            if found is not None:
                return found
        return self._table.find(path) or (Endpoint({}, _dialect_of(path)), {})


class _Table:
    def __init__(self, endpoints: Mapping[str, Endpoint]) -> None:
        self._plain = {path: endpoint for path, endpoint in endpoints.items() if "{" not in path}
        self._patterns = [(_compile(path), endpoint) for path, endpoint in endpoints.items() if "{" in path]

    def find(self, path: str) -> Found | None:
        endpoint = self._plain.get(path)
        if endpoint is not None:
            return endpoint, {}
        for pattern, endpoint in self._patterns:
            match = pattern.fullmatch(path)
            if match is not None:
                return endpoint, match.groupdict()
        return None


def _compile(template: str) -> re.Pattern[str]:
    pattern = _NAME.sub(lambda found: f"(?P<{found[1]}>{'.+' if found[2] else '[^/:]+'})", template)
    return re.compile(pattern)


def _dialect_of(path: str) -> Dialect:
    if path.startswith("/openai/"):
        return AZURE
    if path.startswith("/v1beta/"):
        return GEMINI
    return OLLAMA if path.startswith("/api/") else OPENAI


# Three providers list their models under the same path; only a header says who is asked.
_MODEL_LISTS: Mapping[bytes, Mapping[str, Endpoint]] = {
    b"anthropic-version": {
        "/v1/models": Endpoint({"GET": anthropic.models}, ANTHROPIC),
        "/v1/models/{model*}": Endpoint({"GET": anthropic.model}, ANTHROPIC),
    },
    b"x-goog-api-key": {
        "/v1/models": Endpoint({"GET": gemini.models}, GEMINI),
        "/v1/models/{model}": Endpoint({"GET": gemini.model}, GEMINI),
    },
}


def _endpoints(plain: service.Service, responses: Responses) -> Mapping[str, Endpoint]:
    return {
        **_gemini_endpoints("/v1beta"),
        **_gemini_endpoints("/v1"),
        "/v1beta/models": Endpoint({"GET": gemini.models}, GEMINI),
        "/v1beta/models/{model}": Endpoint({"GET": gemini.model}, GEMINI),
        "/v1/chat/completions": Endpoint({"POST": chat.chat}, OPENAI),
        "/v1/completions": Endpoint({"POST": completions.completions}, OPENAI),
        "/v1/embeddings": Endpoint({"POST": embeddings.embeddings}, OPENAI),
        "/v1/moderations": Endpoint({"POST": moderations.moderations}, OPENAI),
        "/v1/models": Endpoint({"GET": openai.models}, OPENAI),
        "/v1/models/{model*}": Endpoint({"GET": openai.model}, OPENAI),
        **_response_endpoints("/v1/responses", responses, OPENAI, lambda handler: handler),
        "/openai/deployments/{deployment}/chat/completions": Endpoint({"POST": azure.chat}, AZURE),
        "/openai/deployments/{deployment}/completions": Endpoint({"POST": azure.completions}, AZURE),
        "/openai/deployments/{deployment}/embeddings": Endpoint({"POST": azure.embeddings}, AZURE),
        "/openai/v1/chat/completions": Endpoint({"POST": azure.filtered(chat.chat)}, AZURE),
        "/openai/v1/completions": Endpoint({"POST": azure.filtered(completions.completions)}, AZURE),
        "/openai/v1/embeddings": Endpoint({"POST": azure.plain(embeddings.embeddings)}, AZURE),
        "/openai/v1/models": Endpoint({"GET": azure.plain(openai.models)}, AZURE),
        "/openai/v1/models/{model*}": Endpoint({"GET": azure.plain(openai.model)}, AZURE),
        **_response_endpoints("/openai/v1/responses", responses, AZURE, azure.plain),
        "/v1/messages": Endpoint({"POST": anthropic.messages}, ANTHROPIC),
        "/v1/messages/count_tokens": Endpoint({"POST": anthropic.count_tokens}, ANTHROPIC),
        "/api/chat": Endpoint({"POST": ollama.chat}, OLLAMA),
        "/api/generate": Endpoint({"POST": ollama.generate}, OLLAMA),
        "/api/embed": Endpoint({"POST": ollama.embed}, OLLAMA),
        "/api/tags": Endpoint({"GET": ollama.tags}, OLLAMA),
        "/api/show": Endpoint({"POST": ollama.show}, OLLAMA),
        "/api/version": Endpoint({"GET": ollama.version}, OLLAMA),
        "/infer": Endpoint({"GET": plain.infer, "POST": plain.infer}, PLAIN),
        "/logs": Endpoint({"GET": plain.logs, "DELETE": plain.clear_logs}, PLAIN, is_recorded=False),
        "/metrics": Endpoint({"GET": plain.metrics}, PLAIN, is_recorded=False),
        "/healthz": Endpoint({"GET": service.healthz}, PLAIN, is_recorded=False),
    }


def _gemini_endpoints(base: str) -> Mapping[str, Endpoint]:
    """Google serves the same under both of its versions, and its own client uses the one without `beta`."""
    actions = {
        "generateContent": gemini.generate,
        "streamGenerateContent": gemini.stream,
        "countTokens": gemini.count_tokens,
        "embedContent": gemini.embed,
        "batchEmbedContents": gemini.embed_batch,
    }
    return {f"{base}/models/{{model}}:{action}": Endpoint({"POST": handler}, GEMINI) for action, handler in actions.items()}


def _response_endpoints(base: str, responses: Responses, dialect: Dialect, wrap: Callable[[Handler], Handler]) -> Mapping[str, Endpoint]:
    one = {"GET": wrap(responses.retrieve), "DELETE": wrap(responses.delete)}
    return {
        base: Endpoint({"POST": wrap(responses.create)}, dialect),
        f"{base}/input_tokens": Endpoint({"POST": wrap(responses.input_tokens)}, dialect),
        f"{base}/{{response}}": Endpoint(one, dialect),
        f"{base}/{{response}}/cancel": Endpoint({"POST": wrap(responses.cancel)}, dialect),
        f"{base}/{{response}}/input_items": Endpoint({"GET": wrap(responses.input_items)}, dialect),
    }
