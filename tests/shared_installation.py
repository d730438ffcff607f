"""
The installation that most tests from the outside share, one for each pytest process: as `up` made it, and a few rows besides.

Rules: whoever disturbs it (kills a worker, stops a store, changes a limit) brings it back; keys that are revoked or counted are made anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import openai
import pytest

from tests.console_talk import Console
from tests.installation import Installation, new_installation

CREDENTIAL = "sk-upstream-4f9a1c77d2e84b51"

# `impatient` gives up after half a second; nobody listens where `unreachable` points; `guarded` has a credential of its own.
_CAST = """
workspaces: [{slug: acme, name: Acme}]
backends:
  - {name: impatient, provider: simulator, base_url: "%(simulator)s", first_token_timeout_s: 0.5, idle_timeout_s: 0.5, total_timeout_s: 0.5}
  - {name: unreachable, provider: openai_compatible, base_url: "http://127.0.0.1:1/v1"}
  - {name: guarded, provider: openai_compatible, base_url: "%(simulator)s", credential: "${TEST_CREDENTIAL}"}
routes:
  - {model: test-hang, targets: [{backend: impatient, upstream_model: sim-hang}]}
  - {model: test-unreachable, targets: [{backend: unreachable, upstream_model: any}]}
  - {model: test-guarded, targets: [{backend: guarded, upstream_model: sim-fast}]}
limits:
  - {name: two-a-second, scope: key, amount: 2, window_s: 1, burst: 2}
api_keys:
  - {name: everything, workspace: acme}
  - {name: narrow, workspace: acme, models: [sim-fast]}
  - {name: paced, workspace: acme, limits: [two-a-second]}
"""


@dataclass
class _Shared:
    """What the fixtures of all folders of this process hold together: the first to ask starts it, the last to leave ends it."""

    stack: ExitStack = field(default_factory=ExitStack)
    installation: Installation | None = None
    keys: dict[str, str] = field(default_factory=dict)
    users_count: int = 0

    def enter(self) -> Installation:
        self.users_count += 1
        if self.installation is None:
            self.installation = self.stack.enter_context(new_installation())
            self.installation.start()
            cast = _CAST % {"simulator": f"http://127.0.0.1:{self.installation.simulator_port}/v1"}
            self.keys = self.installation.apply(cast, {"TEST_CREDENTIAL": CREDENTIAL})
        return self.installation

    def leave(self) -> None:
        self.users_count -= 1
        if not self.users_count:
            self.installation = None
            self.stack.close()


_shared = _Shared()


@contextmanager
def _use() -> Iterator[_Shared]:
    try:
        _shared.enter()
        yield _shared
    finally:
        _shared.leave()


@pytest.fixture(scope="session")
def installation() -> Iterator[Installation]:
    """A running installation with two workers. Do not stop it."""
    with _use() as shared:
        assert shared.installation is not None
        yield shared.installation


@pytest.fixture(scope="session")
def keys(installation: Installation) -> dict[str, str]:
    """The secrets of its API keys: `everything`, `narrow` (sim-fast only), `paced` (two requests a second)."""
    return _shared.keys


@pytest.fixture(scope="session")
def console(installation: Installation) -> Console:
    """Its console, signed in as the admin."""
    console = Console(installation.base_url)
    console.sign_in(installation.bootstrap["admin_user"], installation.bootstrap["admin_password"])
    return console


@pytest.fixture
def client(installation: Installation, keys: dict[str, str]) -> Iterator[openai.OpenAI]:
    """The official client, told nothing but where and with which key."""
    with openai.OpenAI(base_url=f"{installation.base_url}/v1", api_key=keys["everything"]) as client:
        yield client
