"""What someone with a new key pastes first."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import Final

from django.apps import apps

from apikeys.hotpath import Principal
from apikeys.models import ApiKey
from common.secret import Secret

_PLACEHOLDER: Final = "MODEL"
_LOOKED_AT_COUNT: Final = 200
_MESSAGES: Final = [{"role": "user", "content": "Hello"}]

_CURL: Final = """\
curl {base_url}/chat/completions \\
  -H "Authorization: Bearer {key}" \\
  -H "Content-Type: application/json" \\
  -d {body}"""

_PYTHON: Final = """\
from openai import OpenAI

client = OpenAI(
    base_url="{base_url}",
    api_key="{key}",
)
answer = client.chat.completions.create(
    model={model!r},
    messages=[{{"role": "user", "content": "Hello"}}],
)
print(answer.choices[0].message.content)"""


@dataclass(frozen=True, slots=True)
class Snippet:
    """A program's text, with the secret in it: for one page, never to be kept."""

    id: str
    title: str
    text: str


def build_snippets(api_key: ApiKey, secret: Secret, base_url: str) -> list[Snippet]:
    """Return programs that work as pasted. Cost: one query."""
    model = _choose_model(api_key)
    body = shlex.quote(json.dumps({"model": model, "messages": _MESSAGES}))
    return [
        Snippet("curl", "curl", _CURL.format(base_url=base_url, key=secret.reveal(), body=body)),
        Snippet("python", "Python, with the openai package", _PYTHON.format(base_url=base_url, key=secret.reveal(), model=model)),
    ]


def _choose_model(api_key: ApiKey) -> str:
    """Return a model that the key may use and that has a route, else a word to be replaced."""
    caller = Principal(
        key_id=str(api_key.pk),
        workspace_id=str(api_key.workspace_id),
        allowed_models=tuple(api_key.allowed_models),
        allowed_networks=(),
        limit_ids=(),
        is_keepalive_enabled=True,
        expires_at=None,
        as_of=0,
    )
    routes = apps.get_model("proxy", "Route").objects.filter(is_active=True)  # by name: the data plane is above this app
    models = routes.exclude(model__endswith="*").order_by("model").values_list("model", flat=True)[:_LOOKED_AT_COUNT]
    named = [name for name in api_key.allowed_models if not name.endswith("*")]
    return next((str(model) for model in [*models, *named] if caller.may_use_model(str(model))), _PLACEHOLDER)
