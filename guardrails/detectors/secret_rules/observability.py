"""Monitoring, logs, errors, analytics, incidents."""

from __future__ import annotations

from guardrails.detectors.secret_rules.rule import ALNUM, HEX, UUID, Named, Rule, named, token

RULES: tuple[Rule | Named, ...] = (
    named(
        "datadog_key", "datadog|dd_api|dd_app|ddog|dd-api|dd-app", HEX + r"{40}|[a-z0-9]{32}|[a-z0-9]{40}", "datadog", "dd[_-]ap", "ddog"
    ),
    token("newrelic_user_key", r"NRAK-[A-Z0-9]{27}", is_caseless=True),
    token("newrelic_insights_key", r"NRI[IQ]-[\w-]{32}", "NRI[IQ]-"),
    token("newrelic_browser_key", rf"NRJS-{HEX}{{19}}", "NRJS-"),
    token("newrelic_license_key", r"[a-f0-9]{36}NRAL", "[a-f0-9]{4}NRAL", is_caseless=True),
    named("newrelic_named_key", "new-?relic|new_relic", r"[A-Za-z0-9]{4,6}-[A-Za-z0-9]{20,42}|[a-z0-9]{64}|[a-f0-9]{40}", "new.?relic"),
    token("sentry_token", r"sntrys_eyJ[A-Za-z0-9+/_=]{80,600}", "sntrys_"),
    token("sentry_user_token", rf"sntryu_{HEX}{{64}}"),
    named("sentry_named_token", "sentry", HEX + "{64}"),
    token("sentry_dsn", rf"https://({HEX}{{32}}:{HEX}{{32}})@", r"https://[a-f0-9]{8}", group=1),
    token("grafana_service_token", r"glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}"),
    token("grafana_cloud_token", r"glc_[A-Za-z0-9+/]{32,400}={0,3}"),
    token("grafana_legacy_key", r"eyJrIjoi[A-Za-z0-9+/]{60,400}={0,3}"),
    token(
        "honeycomb_key", r"hc[abxz][il]k_[a-z0-9]{50,60}", "hcaik_", "hcbik_", "hcxik_", "hczik_", "hcalk_", "hcblk_", "hcxlk_", "hczlk_"
    ),
    named("honeycomb_named_key", "honeycomb", ALNUM + "{32}|[A-Za-z0-9]{22}"),
    token("dynatrace_token", r"dt0[a-zA-Z]\d{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}", r"dt0[a-zA-Z]\d{2}\.", is_caseless=True),
    named("splunk_token", "splunk|hec_token", UUID),
    named("sumologic_key", r"sumo", r"su[A-Za-z0-9]{12}|[A-Za-z0-9]{64}"),
    named("logzio_token", "logzio|logz\\.io", rf"{UUID}|[A-Za-z]{{32}}", r"logz"),
    named("loggly_or_papertrail_token", "loggly|papertrail|logdna|mezmo|logentries|coralogix|humio", rf"{UUID}|[a-z0-9]{{32}}"),
    named("pagerduty_key", r"pagerduty|pager_duty|pd_api", r"u\+[\w-]{18}|[\w+-]{20}|[a-f0-9]{32}", "pager_?duty", "pd_api"),
    named("opsgenie_key", "opsgenie", UUID),
    named("rollbar_token", "rollbar", HEX + "{32}"),
    named("bugsnag_key", "bugsnag", HEX + "{32}"),
    named("airbrake_key", "airbrake", r"[a-zA-Z0-9-]{32}|[a-zA-Z0-9-]{40}"),
    named("instana_or_appdynamics_key", "instana|appdynamics|lightstep|signoz", r"[A-Za-z0-9_/+-]{22,88}={0,2}"),
    token("posthog_key", r"ph[cxr]_[\w-]{40,48}", "ph[cxr]_[A-Za-z0-9]{8}"),
    named("amplitude_or_mixpanel_key", "amplitude|mixpanel|heap_|fullstory", HEX + r"{32}|[A-Za-z0-9+/]{48,100}={0,2}"),
    named("segment_key", "segment_|segment-|segment\\.", r"sgp_[A-Za-z0-9]{64}|[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{43}|[A-Za-z0-9]{32}"),
    token("segment_public_token", r"sgp_[A-Za-z0-9]{64}", "sgp_[A-Za-z0-9]{8}"),
    token("uptimerobot_key", r"[um]\d{6,10}-[a-f0-9]{24,32}", r"[um]\d{6,10}-[a-f0-9]{8}", least_bits=3.0),
    token("axiom_token", rf"xa[ap]t-{UUID}", "xa[ap]t-"),
    token("checkly_key", rf"cu_{HEX}{{32}}", "cu_[a-f0-9]{8}"),
    named("statuspage_key", "statuspage|statuscake|pingdom", UUID + r"|[A-Za-z0-9]{20}|[\w-]{64}|[\w-]{80,90}"),
    named("betterstack_token", "betterstack|betteruptime|logtail", ALNUM + "{24}"),
    named("appoptics_or_librato_token", "appoptics|librato|solarwinds", r"[\w-]{71}|[a-f0-9]{64}"),
    named("raygun_or_trackjs_key", "raygun|trackjs|logrocket", r"[A-Za-z0-9=+/]{20,24}|[a-f0-9]{32}"),
    named("baremetrics_key", "baremetrics|chartmogul|profitwell", r"[a-z0-9_-]{25}|[a-f0-9]{32}"),
    named("wakatime_key", "wakatime", rf"(?:waka_)?{UUID}"),
    token("wakatime_prefixed_key", rf"waka_{UUID}", "waka_"),
    token("moesif_or_fullstory_key", r"na1\.[A-Za-z0-9+/]{60,120}", r"na1\.[A-Za-z0-9+/]{8}"),
    named("kibana_or_graylog_token", "graylog|zabbix", r"[a-z0-9]{50,52}|[a-f0-9]{64}|[a-f0-9]{32}"),
)
