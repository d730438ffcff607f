from django.apps import AppConfig


class ApiKeysConfig(AppConfig):
    name = "apikeys"
    verbose_name = "Workspaces and API keys"
    default_auto_field = "django.db.models.BigAutoField"
