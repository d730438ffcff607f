"""What the official SDKs' usual calls come to with every provider: the table of `docs/reference/features.md`, each cell tried."""

from __future__ import annotations

from collections.abc import Iterator

import anthropic
import openai
import pytest

from tests.contract.feature_table import FEATURES
from tests.contract.features import PROVIDERS, Clients, Feature, configuration, outcome
from tests.installation import Installation

CELLS = [(feature, provider) for feature in FEATURES for provider in PROVIDERS]


@pytest.fixture(scope="session")
def key(installation: Installation, keys: dict[str, str]) -> str:
    """The secret of a key for the models of all providers, which are made here; `keys` made its workspace."""
    return installation.apply(configuration(installation.simulator_port))["features"]


@pytest.fixture(scope="session")
def sdks(installation: Installation, key: str) -> Iterator[tuple[openai.OpenAI, anthropic.Anthropic]]:
    base_url = installation.base_url
    with (
        openai.OpenAI(base_url=f"{base_url}/v1", api_key=key, max_retries=0) as ours,
        anthropic.Anthropic(base_url=base_url, api_key=key, max_retries=0) as theirs,
    ):
        yield ours, theirs


@pytest.mark.parametrize(("feature", "provider"), CELLS, ids=[f"{feature.group}: {feature.name}-{provider}" for feature, provider in CELLS])
def test_a_call_comes_to_what_the_table_says(
    feature: Feature,
    provider: str,
    installation: Installation,
    key: str,
    sdks: tuple[openai.OpenAI, anthropic.Anthropic],
) -> None:
    clients = Clients(installation.base_url, key, provider, *sdks)

    assert outcome(feature.check, clients) == feature.expected(provider)
