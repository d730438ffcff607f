"""Source control and code search."""

from __future__ import annotations

from guardrails.detectors.secret_rules.checks import has_github_checksum
from guardrails.detectors.secret_rules.rule import ALNUM, HEX, UUID, Named, Rule, named, token

RULES: tuple[Rule | Named, ...] = (
    token("github_token", r"gh[pousr]_[A-Za-z0-9]{36}", "gh[pousr]_", label="GITHUB_TOKEN", check=has_github_checksum),
    token("github_refresh_token", r"ghr_[A-Za-z0-9]{76}", label="GITHUB_TOKEN"),
    token("github_fine_grained_token", r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}", "github_pat_", label="GITHUB_TOKEN"),
    token("github_app_token", r"ghs_\d{1,12}_eyJ[\w-]{20,400}\.eyJ[\w-]{20,600}\.[\w-]{40,400}", r"ghs_\d", label="GITHUB_TOKEN"),
    named("github_named_token", "github|gh_token|gh_pat", HEX + r"{40}|gh[pousr]_[A-Za-z0-9]{36}", label="GITHUB_TOKEN"),
    token(
        "gitlab_token",
        r"gl(?:pat|dt|rt|ptt|ft|imt|agent|oas|soat|ffct|rtr)-[\w-]{20,64}",
        r"gl(?:pat|dt|rt|ptt|ft|imt|agent|oas|soat|ffct|rtr)-[\w-]{8}",
    ),
    token("gitlab_routable_token", r"gl[a-z]{2,5}-[\w-]{27,300}\.[0-9a-z]{2}\.?[0-9a-z]{7,9}", r"gl[a-z]{2,5}-[\w-]{8}"),
    token("gitlab_ci_job_token", r"glcbt-[0-9a-zA-Z]{1,5}_[\w-]{20}", "glcbt-", label="TOKEN"),
    token("gitlab_runner_registration", r"GR1348941[\w-]{20}"),
    token("gitlab_session", r"_gitlab_session=([a-f0-9]{32})", "_gitlab_session=", group=1, label="TOKEN", is_edged=False),
    named("gitlab_named_token", "gitlab", r"[\w-]{20}"),
    token("bitbucket_app_password", r"ATBB[A-Za-z0-9_=.-]{28,36}", label="PASSWORD"),
    token("bitbucket_token", r"ATCTT3xFfG[\w=.-]{100,400}"),
    token("atlassian_token", r"ATATT3[\w=.-]{150,400}"),
    named("bitbucket_named_secret", "bitbucket", r"[A-Za-z0-9=_-]{32}|[A-Za-z0-9=_-]{64}"),
    named("atlassian_named_token", "atlassian|jira|confluence", ALNUM + "{24}"),
    token("sourcegraph_token", r"sgp_(?:[a-fA-F0-9]{16}_(?:local_)?|local_)?[a-fA-F0-9]{40}", "sgp_"),
    token("sourcegraph_license_key", rf"slk_{HEX}{{64}}"),
    named("sourcegraph_named_token", "sourcegraph", HEX + "{40}"),
    token("phabricator_token", r"(?:api|cli)-[a-z0-9]{28}", "(?:api|cli)-[a-z0-9]{8}", least_bits=3.5),
    named("gitea_token", "gitea|gogs|forgejo", HEX + "{40}"),
    named("azure_devops_named_token", r"azure_?devops|ado_pat|vsts", "[a-z2-7]{52}"),
    token("harness_token", r"(?:pat|sat)\.[\w-]{22}\.[0-9a-f]{24}\.[A-Za-z0-9]{20}", r"(?:pat|sat)\.[\w-]{8}", label="TOKEN"),
    named("codecov_token", "codecov", UUID + r"|[a-z0-9]{32}"),
    named("codacy_token", "codacy", ALNUM + "{20}"),
    named("gitter_token", "gitter", r"[A-Za-z0-9_-]{40}"),
    named("gitguardian_key", "gitguardian", r"[A-Fa-f0-9]{71}"),
)
