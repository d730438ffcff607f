from django.apps import AppConfig


class ProxyConfig(AppConfig):
    name = "proxy"
    verbose_name = "Gateway"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Imported here because they need the loaded models.
        from apikeys.signals import key_changed
        from common.publishing import register_publisher
        from proxy.adapters.announcements import announce_key_change, announce_revision
        from proxy.domain import publish_revision, wait_for_turn
        from proxy.signals import revision_published

        register_publisher(publish_revision, wait_for_turn)
        key_changed.connect(announce_key_change, dispatch_uid="proxy.announce_key_change")
        revision_published.connect(announce_revision, dispatch_uid="proxy.announce_revision")
