"""The settings of every process of the product."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import django_stubs_ext
from django.templatetags.static import static
from redis.retry import Retry

from common.redis_clients import GrowingBackoff
from gatewaysite import installation_secrets
from gatewaysite.databases import build_databases, count_workers, pool_limits, process_kind
from gatewaysite.env import read
from gatewaysite.logs import logging_config
from gatewaysite.services.paths import DATABASE_NAME, DATABASE_USER, DataDir

django_stubs_ext.monkeypatch()  # generic forms and admins can be written with their type at run time, too

BASE_DIR = Path(__file__).resolve().parent.parent.parent

# --- the installation -----------------------------------------------------------------------------------------------------------
GATEWAY_DATA_DIR: Path = DataDir(read("GATEWAY_DATA_DIR")).root
_data = DataDir(GATEWAY_DATA_DIR)
_stored = installation_secrets.find(_data.secrets_file)
GATEWAY_SECRETS_ARE_EPHEMERAL: bool = _stored is None and not all(
    (read("SECRET_KEY"), read("GATEWAY_KEY_PEPPER"), read("GATEWAY_ENCRYPTION_KEYS"))
)
_stored = _stored or installation_secrets.generate()

SECRET_KEY: str = read("SECRET_KEY") or _stored.secret_key
GATEWAY_KEY_PEPPER: str = read("GATEWAY_KEY_PEPPER") or _stored.key_pepper
GATEWAY_ENCRYPTION_KEYS: list[str] = read("GATEWAY_ENCRYPTION_KEYS") or _stored.encryption_keys
GATEWAY_ROLE: str = read("GATEWAY_ROLE")
GATEWAY_SPOOL_FOLDER: Path = _data.spool
GATEWAY_AUTOMATA_FOLDER: Path = _data.automata
GATEWAY_MODELS_FOLDER: Path = Path(read("GATEWAY_MODELS_DIR") or _data.models)

# --- stores ---------------------------------------------------------------------------------------------------------------------
GATEWAY_EMBEDDED_POSTGRES: bool = not read("DATABASE_URL")
GATEWAY_EMBEDDED_VALKEY: bool = not read("REDIS_URL")
REDIS_URL: str = read("REDIS_URL") or f"unix://{_data.valkey_socket}?db=0"


_kind = process_kind(sys.argv)
_limits = pool_limits(read, _kind, is_embedded=GATEWAY_EMBEDDED_POSTGRES, worker_count=count_workers(os.environ))
DATABASES = build_databases(
    read("DATABASE_URL") or {"dbname": DATABASE_NAME, "user": DATABASE_USER, "host": str(_data.run)},
    replica_urls=read("DATABASE_REPLICA_URLS"),
    shard_urls=read("DATABASE_SHARD_URLS"),
    limits=_limits,
    kind=_kind,
    is_behind_pooler=read("DATABASE_BEHIND_POOLER"),
)
DATABASE_ROUTERS = ["gatewaysite.database_routers.WorkspaceRouter"]
MIGRATION_MODULES = {app: f"migrations.{app}" for app in ("apikeys", "guardrails", "items", "proxy")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


# --- Django's cache: what may be lost, so it lies with the cached answers and a Redis that is away costs 0.15 s and no error --------
def _cache(prefix: str, ttl_s: int) -> dict[str, Any]:
    return {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": read("CACHE_REDIS_URL") or REDIS_URL,
        "KEY_PREFIX": prefix,
        "TIMEOUT": ttl_s,
        "OPTIONS": {
            "IGNORE_EXCEPTIONS": True,
            "SERIALIZER": "common.cache_values.MsgpackSerializer",
            "SOCKET_CONNECT_TIMEOUT": 0.05,
            "SOCKET_TIMEOUT": 0.05,
            "CONNECTION_POOL_KWARGS": {"max_connections": 50, "retry": Retry(GrowingBackoff(), 1)},  # the library's own would wait seconds
        },
    }


CACHES = {"default": _cache("gw:c", 300), "queries": _cache("gw:q", 600)}

# --- signals --------------------------------------------------------------------------------------------------------------------
GATEWAY_SIGNAL_RETENTION_DAYS: int = read("GATEWAY_SIGNAL_RETENTION_DAYS")
GATEWAY_TIMESCALE: str = read("GATEWAY_TIMESCALE")

# --- applications ---------------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "gatewaysite.apps.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "gatewaysite.apps.GatewaysiteConfig",
    "apikeys",
    "guardrails",
    "items",
    "proxy",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
ROOT_URLCONF = "gatewaysite.urls"
ASGI_APPLICATION = "gatewaysite.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]

# --- the console's safety -------------------------------------------------------------------------------------------------------
DEBUG: bool = read("DEBUG")
ALLOWED_HOSTS: list[str] = read("ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS: list[str] = read("CSRF_TRUSTED_ORIGINS")
_https: bool = read("GATEWAY_HTTPS_ONLY")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = _https
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _https
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _https else None
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'", "'unsafe-eval'"],  # unfold's Alpine evaluates its expressions; nothing is inline
        "style-src": ["'self'", "'unsafe-inline'"],  # unfold's theme colours and htmx's indicator are inline styles
        "img-src": ["'self'", "data:"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
        "base-uri": ["'self'"],
        "object-src": ["'none'"],
    }
}

# --- the REST API: an endpoint says itself what its callers may do -------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "gatewaysite.rest.authentication.KeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["common.rest.formats.JsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["common.rest.formats.JsonParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_METADATA_CLASS": None,  # OPTIONS is a method like any other that an endpoint does not have
    "EXCEPTION_HANDLER": "gatewaysite.rest.errors.handle_exception",
    "URL_FORMAT_OVERRIDE": None,  # the Accept header says which format
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Gatewaysite",
    "VERSION": "1",
    "DESCRIPTION": "Inference under `/v1` as OpenAI and Anthropic have it; work items, signals, keys, usage and decisions under `/api`.",
    "SCHEMA_PATH_PREFIX": "/api",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": ["gatewaysite.rest.schema.describe_what_all_share", "gatewaysite.rest.schema.add_data_plane"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# --- words and times ------------------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"  # or the log times of a worker differ from its master's
USE_TZ = True
USE_I18N = True

# --- static files: served by the application itself, from where the packages keep them ------------------------------------------
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

# --- logs -----------------------------------------------------------------------------------------------------------------------
LOGGING_CONFIG = None  # configured below, once, for Django and everything else
SQL_ECHO: bool = read("SQL_ECHO")
logging_config(level=read("LOG_LEVEL"))

# --- the console's look ---------------------------------------------------------------------------------------------------------
UNFOLD = {
    "SITE_TITLE": "Gatewaysite",
    "SITE_HEADER": "Gatewaysite",
    "SITE_SYMBOL": "hub",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("gatewaysite/favicon.svg")}],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SIDEBAR": {"show_search": True, "show_all_applications": False, "navigation": "gatewaysite.admin.navigation"},
}
