"""The settings of every process of the product."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import django_stubs_ext
from django.templatetags.static import static
from psycopg.conninfo import conninfo_to_dict

from gatewaysite import installation_secrets
from gatewaysite.env import read
from gatewaysite.logs import logging_config
from gatewaysite.services.paths import DataDir

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

# --- stores ---------------------------------------------------------------------------------------------------------------------
GATEWAY_EMBEDDED_POSTGRES: bool = not read("DATABASE_URL")
GATEWAY_EMBEDDED_VALKEY: bool = not read("REDIS_URL")
REDIS_URL: str = read("REDIS_URL") or f"unix://{_data.valkey_socket}?db=0"


def _database() -> dict[str, Any]:
    # Connections live as long as a request and come from the pool; 5 s without one is an answer (503), not a queue.
    options: dict[str, Any] = {"pool": {"min_size": 1, "max_size": 8, "timeout": 5, "name": "gateway"}, "connect_timeout": 5}
    place = {"dbname": "gateway", "user": "postgres", "host": str(_data.run)}
    if not GATEWAY_EMBEDDED_POSTGRES:
        place = {name: str(value) for name, value in conninfo_to_dict(read("DATABASE_URL")).items()}
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 0,
        "DISABLE_SERVER_SIDE_CURSORS": True,  # a pooler in transaction mode would lose them
        **{names[name]: value for name, value in place.items() if name in names},
        "OPTIONS": options | {name: value for name, value in place.items() if name not in names},
    }


DATABASES = {"default": _database()}
MIGRATION_MODULES = {app: f"migrations.{app}" for app in ("apikeys", "guardrails", "items", "proxy")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

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
    "DESCRIPTION": "Inference under `/v1` as OpenAI and Anthropic have it; keys, usage and decisions under `/api`.",
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
