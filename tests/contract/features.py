"""
What the SDKs' usual calls come to behind the gateway, by provider: the shape of the table and what a cell is.

A feature is a function that makes the call and checks what comes back. It passes, or the gateway refuses a parameter by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import anthropic
import openai
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import SecretStr

PROVIDERS: Final = ("openai", "azure", "azure-v1", "anthropic", "gemini", "ollama", "openai_compatible", "simulator")
"""The columns; `azure` calls deployments, `azure-v1` OpenAI's API on Azure."""
PASS: Final = "pass"
ABSENT: Final = "absent"

_BACKENDS: Final = {  # name -> provider, path below the simulator, more
    "openai": ("openai", "/v1", ""),
    "azure": ("azure", "", ", api_version: 2025-04-01-preview"),
    "azure-v1": ("azure", "/openai/v1", ""),
    "anthropic": ("anthropic", "/v1", ""),
    "gemini": ("gemini", "/v1beta", ""),
    "ollama": ("ollama", "", ""),
    "openai_compatible": ("openai_compatible", "/v1", ""),
    "simulator": ("simulator", "/v1", ""),
}


def configuration(simulator_port: int) -> str:
    """Return what `apply` makes of it: the models `feat-<column>/<model of the simulator>`, and `feat-<column>` for its quickest."""
    lines = ["backends:"]
    for name, (provider, path, more) in _BACKENDS.items():
        url = f"http://127.0.0.1:{simulator_port}{path}"
        lines.append(f'  - {{name: feat-{name}, provider: {provider}, base_url: "{url}", credential: feature-key{more}}}')
    lines.append("routes:")
    for name in _BACKENDS:
        lines.append(f'  - {{model: "feat-{name}/*", targets: [{{backend: feat-{name}, upstream_model: "*"}}]}}')
        lines.append(f"  - {{model: feat-{name}, targets: [{{backend: feat-{name}, upstream_model: sim-fast}}]}}")
    return "\n".join([*lines, "api_keys:", "  - {name: features, workspace: acme}", ""])


@dataclass(frozen=True)
class Clients:
    """The official SDKs at one gateway, for the models of one provider."""

    base_url: str
    key: str
    provider: str
    openai: openai.OpenAI
    anthropic: anthropic.Anthropic

    def model(self, name: str = "sim-fast") -> str:
        return f"feat-{self.provider}/{name}"

    def langchain(self, name: str = "sim-fast", **options: Any) -> ChatOpenAI:
        return ChatOpenAI(model=self.model(name), base_url=f"{self.base_url}/v1", api_key=SecretStr(self.key), max_retries=0, **options)

    def langchain_embeddings(self) -> OpenAIEmbeddings:
        return OpenAIEmbeddings(
            model=self.model("sim-embed"),
            base_url=f"{self.base_url}/v1",
            api_key=SecretStr(self.key),
            max_retries=0,
            check_embedding_ctx_length=False,  # it would look for a tokenizer by the model's name
        )


Check = Callable[[Clients], None]


class Absent(Exception):
    """Raised by a check for what the simulator does not give in this provider's dialect."""


@dataclass(frozen=True)
class Feature:
    """
    What is asked for. `refused` names the parameter that the gateway refuses for some providers, `absent` says why it cannot be seen here.
    """

    group: str
    name: str
    check: Check
    refused: Mapping[str, str]
    absent: Mapping[str, str]

    def expected(self, provider: str) -> str:
        if provider in self.absent:
            return ABSENT
        return f"refused: {self.refused[provider]}" if provider in self.refused else PASS


FEATURES: Final[list[Feature]] = []
_NOWHERE: Final[Mapping[str, str]] = {}


def feature(group: str, name: str, refused: str = "", param: str = "", *, absent: Mapping[str, str] = _NOWHERE) -> Callable[[Check], Check]:
    """Put a check into the table; `refused` are the providers, divided by blanks, for whose models the gateway refuses `param`."""

    def keep(check: Check) -> Check:
        FEATURES.append(Feature(group, name, check, dict.fromkeys(refused.split(), param), absent))
        return check

    return keep


def outcome(check: Check, clients: Clients) -> str:
    """Return what a cell says. Errors: AssertionError, and every error of an SDK that is no refusal of a parameter."""
    try:
        check(clients)
    except Absent:
        return ABSENT
    except openai.BadRequestError as error:
        if error.code != "unsupported_parameter" or not error.param:
            raise
        return f"refused: {error.param}"
    except anthropic.BadRequestError as error:
        body: Any = error.body
        if body["error"].get("details", {}).get("error_code") != "unsupported_parameter":
            raise
        return f"refused: {body['error']['param']}"
    return PASS
