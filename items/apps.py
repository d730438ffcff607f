from django.apps import AppConfig


class ItemsConfig(AppConfig):
    name = "items"
    verbose_name = "Workspace items"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from items import accounts  # noqa: F401  # connects its receivers, which need the models
