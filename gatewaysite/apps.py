from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib.admin.apps import AdminConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_delete

from gatewaysite.sql_echo import echo_queries


class GatewaysiteConfig(AppConfig):
    name = "gatewaysite"

    def ready(self) -> None:
        from gatewaysite import checks  # noqa: F401  # registers the system checks; needs loaded settings
        from gatewaysite.index_report.declared import comment_indexes  # reads the models, which are not loaded before

        last = apps.get_app_config("proxy")  # told once, when all is migrated; we have no models and are not told
        post_migrate.connect(comment_indexes, sender=last, dispatch_uid="comment_indexes")

        from gatewaysite.shards import delete_rows_of_workspace  # reads the models

        pre_delete.connect(delete_rows_of_workspace, sender="apikeys.Workspace", dispatch_uid="delete_rows_of_workspace")

        if settings.SQL_ECHO:
            connection_created.connect(echo_queries, dispatch_uid="sql_echo")


class ConsoleConfig(AdminConfig):
    """django.contrib.admin with our site in place of the default one."""

    default_site = "gatewaysite.admin.ConsoleSite"

    def ready(self) -> None:
        super().ready()
        from gatewaysite import admin_users  # noqa: F401  # replaces pages that the line above registered
