from django.apps import AppConfig


class RagcacheConfig(AppConfig):
    name = "ragcache"
    verbose_name = "Semantic cache and retrieval"
    default_auto_field = "django.db.models.BigAutoField"
