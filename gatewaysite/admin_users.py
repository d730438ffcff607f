"""
People and their groups in the console: Django's own pages in the console's look.

Imported once all admin modules are, because it replaces what `django.contrib.auth` registered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from common.admin import BaseAdmin, PlainChangeList

if TYPE_CHECKING:  # generic for type checkers only
    BaseUserAdmin = UserAdmin[Any]
else:
    BaseUserAdmin = UserAdmin

admin.site.unregister([User, Group])


@admin.register(User)
class ConsoleUserAdmin(BaseUserAdmin, BaseAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    show_full_result_count = False
    compressed_fields = True

    class Media:
        css = {"all": ("gatewaysite/console.css",)}

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[PlainChangeList]:
        return PlainChangeList


@admin.register(Group)
class ConsoleGroupAdmin(GroupAdmin, BaseAdmin):
    show_full_result_count = False

    class Media:
        css = {"all": ("gatewaysite/console.css",)}

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[PlainChangeList]:
        return PlainChangeList
