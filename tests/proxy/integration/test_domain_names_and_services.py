"""Names of routes, services, and where a credential may go: what the domain refuses beyond single values."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from common.secret import Secret
from proxy import domain
from proxy.models import Backend, ConfigurationRevision, Route, Service

pytestmark = pytest.mark.django_db

_BASE_URL = "https://api.example.com/v1"


@pytest.fixture
def backend() -> Backend:
    return domain.save_backend(Backend(name="b", provider="openai", base_url=_BASE_URL), credential=Secret("sk-1"))


def _save_route(backend: Backend, model: str, *aliases: str, upstream_model: str = "u") -> Route:
    return domain.save_route(Route(model=model, aliases=list(aliases)), [domain.TargetDraft(backend, upstream_model)])


def _service(**values: object) -> Service:
    return Service(**{"path": "/infer", "upstream_url": "http://127.0.0.1:8081/base"} | values)


# --- names of routes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "aliases", "field"),
    [("gpt", (), "model"), ("fast", (), "model"), ("new", ("gpt",), "aliases"), ("new", ("x", "fast"), "aliases")],
)
def test_a_name_that_another_route_has_is_refused_at_its_field(model, aliases, field, backend):
    _save_route(backend, "gpt", "fast", "cheap")

    with pytest.raises(ValidationError) as caught:
        _save_route(backend, model, *aliases)

    assert list(caught.value.message_dict) == [field]
    assert Route.objects.count() == 1


def test_a_route_may_keep_its_own_names_and_has_each_alias_once(backend):
    route = _save_route(backend, "gpt", "fast", " cheap ", "fast")

    domain.save_route(route, [domain.TargetDraft(backend, "u")])

    assert (Route.objects.get().aliases, ConfigurationRevision.objects.count()) == (["cheap", "fast"], 2)


def test_a_route_may_take_over_the_name_that_another_gave_up(backend):
    first = _save_route(backend, "gpt", "fast")
    first.aliases = []
    domain.save_route(first, [domain.TargetDraft(backend, "u")])

    _save_route(backend, "new", "fast")

    assert Route.objects.get(model="new").aliases == ["fast"]


def test_a_wildcard_route_sends_to_an_open_or_a_fixed_upstream_model(backend):
    _save_route(backend, "a/*", upstream_model="*")
    _save_route(backend, "b/*", upstream_model="fixed")

    with pytest.raises(ValidationError, match="only a route whose model ends"):
        _save_route(backend, "c", upstream_model="*")

    assert set(Route.objects.values_list("model", flat=True)) == {"a/*", "b/*"}


# --- services -------------------------------------------------------------------------------------------------------------------


def test_save_and_delete_service_publish_a_revision_each():
    service = domain.save_service(_service(request_headers=["X-Team", "x-team", "x-a"]))
    domain.save_service(service)
    domain.delete_service(service)

    diffs = list(ConfigurationRevision.objects.order_by("number").values_list("diff", flat=True))
    assert diffs == ["+ service /infer", "- service /infer"]
    assert service.request_headers == ["x-a", "x-team"]
    assert not Service.objects.exists()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"path": "/v1/infer"}, "path"),
        ({"path": "infer"}, "path"),
        ({"upstream_url": "ftp://x"}, "upstream_url"),
        ({"request_headers": ["Authorization"]}, "request_headers"),
        ({"response_headers": ["Set-Cookie"]}, "response_headers"),
        ({"idle_timeout_s": 0}, "idle_timeout_s"),
    ],
)
def test_save_service_refuses_at_the_field_what_cannot_be_served(values, field):
    with pytest.raises(ValidationError) as caught:
        domain.save_service(_service(**values))

    assert list(caught.value.message_dict) == [field]
    assert not Service.objects.exists()


def test_a_path_belongs_to_one_service_and_may_lie_below_anothers():
    domain.save_service(_service())
    domain.save_service(_service(path="/infer/fast"))

    with pytest.raises(ValidationError) as caught:
        domain.save_service(_service())

    assert list(caught.value.message_dict) == ["path"]


# --- where a credential may go --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["https://evil.example/v1", "http://api.example.com/v1", "https://api.example.com:8443/v1"])
def test_a_stored_credential_does_not_move_to_another_server(url, backend):
    backend.base_url = url

    with pytest.raises(ValidationError) as caught:
        domain.save_backend(backend)

    assert list(caught.value.message_dict) == ["base_url"]
    assert Backend.objects.get().base_url == _BASE_URL


@pytest.mark.parametrize("credential", [Secret("sk-2"), Secret("sk-1"), None])
def test_the_address_may_move_with_the_credential_given_again_or_removed(credential, backend):
    backend.base_url = "https://new.example/v1"

    domain.save_backend(backend, credential=credential)

    stored = Backend.objects.get()
    assert (stored.base_url, stored.get_credential()) == ("https://new.example/v1", credential)


def test_the_path_may_change_and_a_backend_without_a_credential_may_move(backend):
    backend.base_url = "https://API.example.com:443/v2"
    domain.save_backend(backend)
    free = domain.save_backend(Backend(name="free", provider="openai", base_url=_BASE_URL))
    free.base_url = "https://new.example/v1"

    domain.save_backend(free)

    assert set(Backend.objects.values_list("base_url", flat=True)) == {"https://API.example.com:443/v2", "https://new.example/v1"}


@pytest.mark.parametrize(
    ("api_version", "url", "is_accepted"),
    [
        ("", "https://x.openai.azure.com", False),
        ("2024-10-21", "https://x.openai.azure.com", True),
        ("", "https://x.openai.azure.com/openai/v1", True),
    ],
)
def test_an_azure_backend_needs_a_version_unless_its_address_says_it(api_version, url, is_accepted):
    azure = Backend(name="azure", provider="azure", base_url=url, api_version=api_version)

    if is_accepted:
        domain.save_backend(azure)
    else:
        with pytest.raises(ValidationError) as caught:
            domain.save_backend(azure)
        assert list(caught.value.message_dict) == ["api_version"]

    assert Backend.objects.exists() is is_accepted
