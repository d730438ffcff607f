"""Databases: passwords inside addresses and connection strings, hosted databases."""

from __future__ import annotations

from guardrails.detectors.secret_rules.checks import is_live_password
from guardrails.detectors.secret_rules.rule import HEX, URL_TRIGGER, UUID, Named, Rule, named, token

_SCHEMES = (
    "postgres|postgresql|postgis|mysql|mysqlx|mariadb|mongodb|redis|rediss|valkey|amqp|amqps|mssql|sqlserver|oracle|cockroachdb|clickhouse",
    "couchdb|couchbase|couchbases|neo4j|bolt|cassandra|influxdb|timescale|libsql|nats|kafka|mqtt|mqtts|ldap|ldaps|snowflake|trino|vertica|db2",
)


def _url(name: str, schemes: str) -> Rule:
    """An address with a password before its host; the password ends at the last `@` before a space, a slash or a quote."""
    return token(
        name,
        rf"(?:{schemes})(?:\+[a-z0-9]{{2,16}})?://[^\s:/@'\"<>`]{{0,80}}:([^\s/'\"<>`]{{1,120}})@[\w.\[$%{{-]",
        URL_TRIGGER,
        label="PASSWORD",
        group=1,
        check=is_live_password,
        is_caseless=True,
        is_edged=False,
        is_stop_listed=False,
        least_bits=None,
    )


RULES: tuple[Rule | Named, ...] = (
    _url("database_url", _SCHEMES[0]),
    _url("data_service_url", _SCHEMES[1]),
    token(
        "connection_string_password",
        r"(?:;|\?|&|[\"'])\s{0,3}(?:password|pwd)\s{0,2}=\s{0,2}([^\s;&\"'<>]{4,120})",
        r"[;?&\"']\s{0,3}(?:password|pwd)\s{0,2}=",
        label="PASSWORD",
        group=1,
        check=is_live_password,
        is_caseless=True,
        is_edged=False,
        least_bits=None,
    ),
    token("planetscale_token", r"pscale_(?:tkn|oauth|pw|api)_[\w=.-]{32,64}", "pscale_(?:tkn|oauth|pw|api)_"),
    token("supabase_token", r"sbp_(?:v0_)?[a-z0-9]{40}", "sbp_[a-z0-9]{2}"),
    token("supabase_secret_key", r"sb_secret_[\w-]{20,44}"),
    token("neon_key", r"napi_[a-z0-9]{64}"),
    token("databricks_token", rf"dapi{HEX}{{32}}(?:-\d)?", "dapi[a-f0-9]{8}"),
    token("aiven_password", r"AVNS_[A-Za-z0-9_-]{19}", "AVNS_", label="PASSWORD"),
    named("aiven_token", "aiven", r"[A-Za-z0-9+/=]{300,400}|[A-Za-z0-9+/=]{64}"),
    token("clickhouse_cloud_key", r"4b1d[A-Za-z0-9]{38}", "4b1d[A-Za-z0-9]{8}"),
    token("mongodb_service_secret", r"mdb_sa_(?:sk|id)_[\w-]{24,48}", "mdb_sa_"),
    named("mongodb_atlas_key", "mongo|atlas", rf"{UUID}"),
    named("snowflake_password", "snowflake", r"ver:\d-hint:\d{3,20}-[A-Za-z0-9+/=]{20,300}"),
    named(
        "elastic_key",
        "elastic|elasticsearch",
        r"essu_[A-Za-z0-9+/=]{40,120}|[A-Za-z0-9+/]{50,80}={1,2}|[A-Za-z0-9]{24}|[A-Za-z0-9_-]{90,110}",
    ),
    token("elastic_service_token", r"AAEAAWVsYXN0aWM[A-Za-z0-9+/_-]{20,120}={0,2}", label="TOKEN"),
    named("algolia_key", "algolia", r"[a-z0-9]{32}"),
    named("airtable_named_key", "airtable", r"key[A-Za-z0-9]{14}|[A-Za-z0-9]{17}"),
    token("airtable_token", rf"pat[A-Za-z0-9]{{14}}\.{HEX}{{64}}", r"pat[A-Za-z0-9]{14}\."),
    named("rockset_key", "rockset", r"[A-Za-z0-9]{64}"),
    named("confluent_secret", "confluent|kafka", r"[A-Za-z0-9/+]{64}|[A-Z0-9]{16}"),
    named("upstash_token", "upstash", r"A[A-Za-z0-9+/_-]{40,120}={0,2}"),
    named("fauna_secret", "fauna", r"fn[A-Za-z0-9_-]{38,50}"),
    token("fauna_key", r"fnA[EF][A-Za-z0-9_-]{36,40}", "fnA[EF][A-Za-z0-9_-]{8}"),
    token(
        "mysql_command_password",
        r"mysql(?:dump|admin)?\s[^\n|;]{0,80}?\s-p([^\s'\"]{4,64})",
        "mysql(?:dump|admin)?\\s",
        label="PASSWORD",
        group=1,
        check=is_live_password,
        is_edged=False,
    ),
    token("prisma_key", r"prisma\+postgres://[^\s?]{4,80}\?api_key=([\w.-]{30,900})", r"prisma\+postgres", group=1, is_edged=False),
    named("influx_token", "influx", r"[A-Za-z0-9_-]{86}=="),
    named("tableau_token", "tableau", r"[A-Za-z0-9+/=]{22}==:[A-Za-z0-9]{32}"),
    named("metabase_or_redash_key", "metabase|redash|superset", r"mb_[A-Za-z0-9+/=]{44}|[A-Za-z0-9]{40}|" + UUID),
    token("metabase_key", r"mb_[A-Za-z0-9+/]{43}=", is_edged=False),
    named("contentful_or_sanity_token", "contentful|sanity", r"[A-Za-z0-9_=-]{43}|sk[A-Za-z0-9]{80,180}"),
    token("contentful_token", r"CFPAT-[\w-]{43,64}"),
)
