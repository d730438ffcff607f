from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import AdminConfig
from django.db.backends.signals import connection_created

from gatewaysite.sql_echo import echo_queries


class GatewaysiteConfig(AppConfig):
    name = "gatewaysite"

    def ready(self) -> None:
        from gatewaysite import checks  # noqa: F401  # registers the system checks; needs loaded settings

        if settings.SQL_ECHO:
            connection_created.connect(echo_queries, dispatch_uid="sql_echo")


class ConsoleConfig(AdminConfig):
    """django.contrib.admin with our site in place of the default one."""

    default_site = "gatewaysite.admin.ConsoleSite"

    def ready(self) -> None:
        super().ready()
        from gatewaysite import admin_users  # noqa: F401  # replaces pages that the line above registered
