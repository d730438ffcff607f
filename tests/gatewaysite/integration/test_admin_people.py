"""Users and groups in the console, and who sees what in its sidebar."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.urls import reverse

from gatewaysite.admin import navigation
from tests.gatewaysite.integration.admin_help import MARKS, read_form

pytestmark = MARKS


def test_a_user_is_added_changed_and_given_another_password(admin_client):
    add = reverse("admin:auth_user_add")
    admin_client.post(add, {"username": "bob", "password1": "quite-a-l0ng-one", "password2": "quite-a-l0ng-one", "usable_password": "true"})
    bob = User.objects.get(username="bob")
    change = reverse("admin:auth_user_change", args=[bob.pk])
    changed = admin_client.post(change, read_form(admin_client.get(change)) | {"first_name": "Bob", "is_staff": "on"})
    password = reverse("admin:auth_user_password_change", args=[bob.pk])
    admin_client.post(password, {"password1": "an0ther-long-one", "password2": "an0ther-long-one", "usable_password": "true"})

    bob.refresh_from_db()
    assert changed.status_code == 302
    assert (bob.first_name, bob.is_staff, bob.check_password("an0ther-long-one")) == ("Bob", True, True)


def test_a_group_is_added_with_permissions(admin_client):
    permission = Permission.objects.get(codename="view_route")

    admin_client.post(reverse("admin:auth_group_add"), {"name": "operators", "permissions": [permission.pk]})

    assert list(Group.objects.get().permissions.all()) == [permission]


def test_the_page_of_a_user_shows_no_password_hash(admin_client):
    bob = User.objects.create_user("bob", password="pw")

    page = admin_client.get(reverse("admin:auth_user_change", args=[bob.pk])).content.decode()

    assert bob.password.split("$")[-1] not in page


def test_the_sidebar_names_pages_that_exist_and_shows_each_to_whoever_may_view_it(rf):
    bob = User.objects.create_user("bob", is_staff=True)
    bob.user_permissions.add(Permission.objects.get(codename="view_usagerecord"))
    request = rf.get("/admin/")
    request.user = bob

    lines = [line for section in navigation(request) for line in section["items"]]

    assert all(str(line["link"]).startswith("/admin/") for line in lines)
    assert [line["title"] for line in lines if line["permission"](request)] == ["Requests"]


@pytest.mark.parametrize("page", ["/admin/", "/admin/login/"])
def test_pages_hold_no_script_that_the_content_security_policy_forbids(page, admin_client):
    answer = admin_client.get(page, follow=True)

    scripts = [part.partition(">")[0] for part in answer.content.decode().split("<script")[1:]]
    assert all("src=" in script or "application/json" in script for script in scripts)
    assert "'unsafe-inline'" not in answer["content-security-policy"].split("script-src")[1].split(";")[0]
