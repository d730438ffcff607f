"""Creating, changing, rotating and revoking API keys."""

from __future__ import annotations

import datetime as dt

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone

from apikeys import domain
from apikeys.errors import ApiKeyError
from apikeys.hotpath import digest_key, is_well_formed
from apikeys.models import ApiKey, ApiKeySecret, Limit, Workspace

pytestmark = pytest.mark.django_db

_DAY = dt.timedelta(days=1)


def _digest(key: str) -> bytes:
    return digest_key(settings.GATEWAY_KEY_PEPPER.encode(), key.encode())


@pytest.fixture
def acme() -> Workspace:
    return domain.create_workspace("acme", "Acme")


@pytest.fixture
def limit() -> Limit:
    return domain.save_limit(Limit(name="slow", scope="key", amount=1))


def test_create_key_returns_a_secret_that_is_stored_only_as_its_digest(acme):
    created = domain.create_key(acme, "ci")

    key = created.secret.reveal()
    stored = ApiKeySecret.objects.get()
    assert is_well_formed(key.encode())
    assert bytes(stored.digest) == _digest(key)
    assert key.startswith(f"gw_live_{stored.public_id}_")
    assert key not in str(list(ApiKey.objects.values())) + str(list(ApiKeySecret.objects.values()))


def test_create_key_stores_what_the_key_may_do(acme, limit):
    end = timezone.now() + _DAY

    created = domain.create_key(acme, "ci", allowed_models=["gpt-*"], allowed_networks=["10.0.0.0/8"], limits=[limit], expires_at=end)

    stored = ApiKey.objects.get(pk=created.api_key.pk)
    assert (stored.allowed_models, stored.allowed_networks, stored.expires_at) == (["gpt-*"], ["10.0.0.0/8"], end)
    assert list(stored.limits.all()) == [limit]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"allowed_models": ["gpt-*-mini"]}, "allowed_models"),
        ({"allowed_networks": ["10.0.0.1/8"]}, "allowed_networks"),
        ({"allowed_networks": ["somewhere"]}, "allowed_networks"),
    ],
)
def test_create_key_refuses_an_allow_list_that_would_never_match(acme, values, field):
    with pytest.raises(ValidationError) as caught:
        domain.create_key(acme, "ci", **values)

    assert list(caught.value.message_dict) == [field]
    assert not ApiKey.objects.exists()


def test_create_key_refuses_a_name_that_the_workspace_already_has(acme):
    domain.create_key(acme, "ci")

    with pytest.raises(ValidationError):
        domain.create_key(acme, "ci")


def test_create_key_allows_the_same_name_in_another_workspace(acme):
    domain.create_key(acme, "ci")

    domain.create_key(domain.create_workspace("other", "Other"), "ci")

    assert ApiKey.objects.count() == 2


def test_create_key_refuses_a_limit_of_another_scope(acme):
    everywhere = domain.save_limit(Limit(name="global", scope="global", amount=1))

    with pytest.raises(ApiKeyError, match="global"):
        domain.create_key(acme, "ci", limits=[everywhere])

    assert not ApiKey.objects.exists()


def test_save_key_changes_its_values_and_limits(acme, limit):
    api_key = domain.create_key(acme, "ci").api_key
    api_key.name, api_key.allowed_models, api_key.is_keepalive_enabled = "build", ["a"], False

    domain.save_key(api_key, limits=[limit])

    stored = ApiKey.objects.get()
    assert (stored.name, stored.allowed_models, stored.is_keepalive_enabled) == ("build", ["a"], False)
    assert list(stored.limits.all()) == [limit]


def test_save_key_without_limits_leaves_them_alone(acme, limit):
    api_key = domain.create_key(acme, "ci", limits=[limit]).api_key

    domain.save_key(api_key)

    assert list(api_key.limits.all()) == [limit]


def test_save_key_refuses_to_move_a_key_to_another_workspace(acme):
    api_key = domain.create_key(acme, "ci").api_key
    api_key.workspace = domain.create_workspace("other", "Other")

    with pytest.raises(ApiKeyError):
        domain.save_key(api_key)

    assert ApiKey.objects.get().workspace == acme


def test_save_key_with_an_old_copy_does_not_undo_a_revocation(acme):
    api_key = domain.create_key(acme, "ci").api_key
    old_copy = ApiKey.objects.get()
    domain.revoke_key(api_key)

    domain.save_key(old_copy)

    assert ApiKey.objects.get().revoked_at is not None


def test_rotate_key_gives_a_second_usable_secret_and_keeps_the_key(acme):
    created = domain.create_key(acme, "ci")

    rotated = domain.rotate_key(created.api_key, overlap=_DAY)

    usable = {bytes(secret.digest) for secret in ApiKeySecret.objects.usable()}
    assert rotated.api_key == created.api_key
    assert usable == {_digest(created.secret.reveal()), _digest(rotated.secret.reveal())}


def test_rotate_key_ends_the_earlier_secret_after_the_overlap(acme):
    created = domain.create_key(acme, "ci")

    rotated = domain.rotate_key(created.api_key, overlap=_DAY)

    ends = {bytes(secret.digest): secret.expires_at for secret in ApiKeySecret.objects.all()}
    assert ends[_digest(rotated.secret.reveal())] is None
    left = ends[_digest(created.secret.reveal())] - timezone.now()
    assert dt.timedelta(hours=23) < left <= _DAY


def test_rotate_key_without_overlap_ends_the_earlier_secret_now(acme):
    created = domain.create_key(acme, "ci")

    rotated = domain.rotate_key(created.api_key, overlap=dt.timedelta(0))

    assert [bytes(secret.digest) for secret in ApiKeySecret.objects.usable()] == [_digest(rotated.secret.reveal())]


def test_rotate_key_never_lengthens_the_life_of_an_earlier_secret(acme):
    created = domain.create_key(acme, "ci")
    domain.rotate_key(created.api_key, overlap=_DAY)
    first = ApiKeySecret.objects.get(digest=_digest(created.secret.reveal()))

    domain.rotate_key(created.api_key, overlap=30 * _DAY)

    assert ApiKeySecret.objects.get(pk=first.pk).expires_at == first.expires_at


def test_rotate_key_refuses_a_negative_overlap(acme):
    with pytest.raises(ApiKeyError):
        domain.rotate_key(domain.create_key(acme, "ci").api_key, overlap=-_DAY)


def test_rotate_key_refuses_a_revoked_key(acme):
    api_key = domain.create_key(acme, "ci").api_key
    domain.revoke_key(api_key)

    with pytest.raises(ApiKeyError, match="revoked"):
        domain.rotate_key(api_key, overlap=_DAY)


def test_rotate_key_refuses_an_expired_key(acme):
    api_key = domain.create_key(acme, "ci", expires_at=timezone.now() - _DAY).api_key

    with pytest.raises(ApiKeyError, match="expired"):
        domain.rotate_key(api_key, overlap=_DAY)


def test_revoke_key_ends_the_key_and_all_its_secrets(acme):
    api_key = domain.create_key(acme, "ci").api_key
    domain.rotate_key(api_key, overlap=_DAY)

    domain.revoke_key(api_key)

    assert not ApiKey.objects.active().exists()
    assert not ApiKeySecret.objects.usable().exists()
    assert api_key.revoked_at is not None


def test_revoke_key_a_second_time_keeps_the_first_moment(acme):
    api_key = domain.create_key(acme, "ci").api_key
    domain.revoke_key(api_key)
    first = ApiKey.objects.get().revoked_at

    domain.revoke_key(api_key)

    assert ApiKey.objects.get().revoked_at == first


def test_keys_of_an_inactive_workspace_are_not_active(acme):
    domain.create_key(acme, "ci")
    acme.is_active = False

    domain.save_workspace(acme)

    assert not ApiKey.objects.active().exists()
