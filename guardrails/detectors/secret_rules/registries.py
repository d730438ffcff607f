"""Package registries and the files that hold their credentials."""

from __future__ import annotations

from guardrails.detectors.secret_rules.checks import is_live_password
from guardrails.detectors.secret_rules.rule import ALNUM, HEX, UUID, Named, Rule, named, token

RULES: tuple[Rule | Named, ...] = (
    token("npm_token", r"npm_[A-Za-z0-9]{36}", "npm_[A-Za-z0-9]{8}", least_bits=3.0),
    token(
        "npmrc_auth",
        r"(?:_authToken|_auth|:_password)\s{0,3}=\s{0,3}[\"']?([A-Za-z0-9+/_.-]{8,400}={0,2})",
        r"(?:_auth|:_password)[A-Za-z]{0,5}\s{0,3}=",
        group=1,
        is_edged=False,
        check=is_live_password,
    ),
    named("npm_uuid_token", "npm", UUID),
    token("pypi_token", r"pypi-(?:AgEIcHlwaS5vcmc|AgENdGVzdC5weXBpLm9yZw)[\w-]{50,1000}", "pypi-Ag"),
    token("pypi_short_token", r"pypi-AgE[\w-]{40,1000}", "pypi-AgE"),
    token(
        "netrc_password",
        r"machine\s{1,4}\S{3,100}\s{1,4}login\s{1,4}\S{1,100}\s{1,4}password\s{1,4}(\S{3,120})",
        r"\slogin\s",
        label="PASSWORD",
        group=1,
        is_edged=False,
        check=is_live_password,
        least_bits=None,
    ),
    token("rubygems_key", rf"rubygems_{HEX}{{48}}", "rubygems_"),
    token("crates_io_token", r"cio[A-Za-z0-9]{32}", "cio[A-Za-z0-9]{8}", least_bits=3.4),
    token("nuget_key", r"oy2[a-z0-9]{43}", "oy2[a-z0-9]{8}"),
    token("clojars_token", r"CLOJARS_[A-Za-z0-9]{60}", is_caseless=True),
    token("packagist_token", rf"packagist_[ou][ru]t_{HEX}{{68}}", "packagist_[ou][ru]t_"),
    token("artifactory_key", r"AKCp[A-Za-z0-9]{60,75}"),
    token("artifactory_reference_token", r"cmVmdGtu[A-Za-z0-9]{56}"),
    named("artifactory_named_key", "artifactory|jfrog|bintray", r"[A-Za-z0-9]{73}|[A-Za-z0-9]{64}|[A-Za-z0-9]{40}"),
    token("jsr_token", r"jsr[dp]_[A-Za-z0-9]{40,60}", "jsr[dp]_"),
    token("openvsx_token", rf"ovsxa?t_{UUID}", "ovsxa?t_"),
    named("packagecloud_token", "packagecloud", HEX + "{48}"),
    named("gemfury_token", "gemfury|fury", r"[A-Za-z0-9_-]{20,40}"),
    token(
        "docker_config_auth",
        r"\"auth\"\s{0,4}:\s{0,4}\"([A-Za-z0-9+/]{12,300}={0,2})\"",
        r"\"auth\"\s{0,4}:\s{0,4}\"[A-Za-z0-9+/]{8}",
        group=1,
        is_edged=False,
        least_bits=3.0,
    ),
    named("nexus_or_conan_token", "nexus_token|conan_|anaconda|conda_token", rf"(?:[a-z]{{2}}-)?{UUID}|[A-Za-z0-9]{{36,64}}"),
    named("libraries_io_or_snapcraft_key", "libraries_io|libraries\\.io|codeartifact", HEX + "{32}|[A-Za-z0-9_-]{100,900}"),
    named("hex_pm_or_pub_key", "hex_api|hexpm|hex_pm", HEX + "{32}"),
    named("cocoapods_or_homebrew_token", "cocoapods|homebrew_github", ALNUM + "{32}|[a-f0-9]{40}"),
)
