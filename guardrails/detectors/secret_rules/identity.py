"""Who somebody is: private keys, web tokens, authorization headers, identity providers, secret managers."""

from __future__ import annotations

from guardrails.detectors.secret_rules.checks import has_key_body, has_putty_body, is_basic_credential, is_jwt, is_live_password, is_random
from guardrails.detectors.secret_rules.rule import ALNUM, HEX, URL_TRIGGER, UUID, Named, Rule, named, token

# What a key's body, its line ends, escapes and the quotes around its lines consist of: no dash, so that END ends it. Written as few
# ranges as possible, because it is repeated thousands of times.
_BODY = r"[\t-\r -,/-=A-\\a-z]"


def _up_to(count: int) -> str:
    """Return an expression for 0 to `count` thousand characters of a key's body: RE2 takes no repeat over 1,000, nested ones included."""
    more = ""
    for _ in range(count - 1):
        more = f"(?:{_BODY}{{1000}}{more})?"
    return f"{more}{_BODY}{{0,999}}"


_PRIVATE_KEY = (
    r"-----BEGIN[ A-Z0-9]{0,24} PRIVATE KEY(?: BLOCK)?-----"
    r"(?:(?:\s|\\n|\\r){0,4}(?:Proc-Type|DEK-Info|Version|Comment|Charset|Hash|MessageID): [^\n\\]{0,120}){0,5}"
    # The END line is optional, so that a key that was cut off is hidden too.
    rf"{_up_to(6)}(?:-----END[ A-Z0-9]{{0,24}} PRIVATE KEY(?: BLOCK)?-----)?"
)

RULES: tuple[Rule | Named, ...] = (
    token(
        "private_key",
        _PRIVATE_KEY,
        "-----BEGIN[ A-Z0-9]{0,24} PRIVATE KEY",
        label="PRIVATE_KEY",
        check=has_key_body,
        is_edged=False,
        is_stop_listed=False,
        least_bits=None,
    ),
    token("jwt", r"eyJ[\w-]{8,1000}\.eyJ[\w-]{4,1000}\.[\w-]{16,1000}", r"eyJ[\w-]{10}", label="TOKEN", check=is_jwt, least_bits=2.5),
    token(
        "jwe",
        r"eyJ[\w-]{8,800}\.[\w-]{0,800}\.[\w-]{10,40}\.[\w-]{4,1000}\.[\w-]{16,40}",
        r"eyJ[\w-]{10}",
        label="TOKEN",
        check=is_jwt,
        least_bits=2.5,
    ),
    token("encoded_jwt", r"ZXlK[A-Za-z0-9+/]{70,1000}={0,2}", r"ZXlK[A-Za-z0-9+/]{8}", label="TOKEN", least_bits=3.5),
    token(
        "basic_authorization",
        r"basic[ \t]{1,3}([A-Za-z0-9+/]{8,300}={0,3})",
        "basic[ \t]{1,3}[A-Za-z0-9+/]{8}",
        label="CREDENTIALS",
        group=1,
        check=is_basic_credential,
        is_caseless=True,
        least_bits=None,
    ),
    token(
        "bearer_authorization",
        r"bearer[ \t]{1,3}([\w.~+/-]{16,1000}={0,3})",
        "bearer[ \t]{1,3}[a-z0-9._~+/-]{12}",
        label="TOKEN",
        group=1,
        is_caseless=True,
        check=is_random,
        least_bits=3.0,
    ),
    token(
        "authorization_header",
        r"authorization[\"'`\\]{0,3}[ \t]{0,3}[:=,][ \t]{0,3}[\"'`\\]{0,3}"
        r"(?:token|key|apikey|api-key|digest|aws4-hmac-sha256|negotiate|sso-key|sharedaccesssignature|splunk|genie_?key)?"
        r"[ \t=:]{0,3}([\w.~+/:=-]{16,600})",
        "authorization[\"'`\\\\]{0,3}[ \t]{0,3}[:=,]",
        label="TOKEN",
        group=1,
        is_caseless=True,
        check=is_random,
        least_bits=3.0,
    ),
    token(
        "url_credentials",
        r"(?:https|http|ftp|ftps|sftp|ssh|git|svn|smtp|smtps|imap|imaps|pop3|socks5|socks5h|socks4|ws|wss|rtsp|rtmp|smb|webdav|git\+https|git\+ssh|proxy)://"
        r"[^\s:/@'\"<>`?#]{0,100}:([^\s/@'\"<>`?#]{2,200})@[\w.\[:-]",
        URL_TRIGGER,
        label="PASSWORD",
        group=1,
        check=is_live_password,
        is_caseless=True,
        is_edged=False,
        least_bits=None,
    ),
    token(
        "curl_user",
        r"curl\s[^\n]{0,160}?(?:-u|--user)[ =]{1,2}[\"']?[\w.@+%-]{0,80}:([^\s\"']{3,200})",
        "curl\\s",
        label="PASSWORD",
        group=1,
        check=is_live_password,
        is_edged=False,
        least_bits=None,
    ),
    token("onepassword_service_token", r"ops_eyJ[A-Za-z0-9+/]{200,1000}={0,3}", "ops_eyJ"),
    token(
        "onepassword_secret_key",
        r"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}",
        "A3-[A-Z0-9]{6}-",
    ),
    token(
        "doppler_token",
        r"dp\.(?:pt|st|ct|sa|scim|audit|said)\.(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}",
        r"dp\.(?:pt|st|ct|sa|scim|audit|said)\.",
    ),
    token("infisical_token", r"st\.[a-f0-9]{24}\.[a-f0-9]{32}\.[a-f0-9]{32}", r"st\.[a-f0-9]{8}"),
    named("okta_token", "okta", r"00[\w=-]{38,40}"),
    named("auth0_secret", "auth0", r"[\w-]{64}|[\w-]{32}|[\w-]{48,75}"),
    named("jumpcloud_key", "jumpcloud", r"[a-f0-9]{40}|jca_[A-Za-z0-9]{36}"),
    token("jumpcloud_v2_key", r"jca_[A-Za-z0-9]{36}"),
    named(
        "cognito_or_keycloak_secret",
        "cognito|keycloak|onelogin|pingidentity|fusionauth",
        rf"[a-z0-9]{{51,52}}|[A-Za-z0-9]{{32}}|[a-f0-9]{{64}}|{UUID}",
    ),
    token("stytch_secret", r"secret-(?:live|test)-[\w=-]{36}", "secret-(?:live|test)-"),
    token(
        "authress_key",
        r"(?:sc|ext|scauth|authress)_[a-z0-9]{5,30}\.[a-z0-9]{4,6}\.acc[_-][a-z0-9-]{10,32}\.[a-z0-9+/_=-]{30,120}",
        r"\.acc[_-][a-z0-9-]{10}",
        is_caseless=True,
    ),
    token("frigate_or_authentik_token", r"ak_[A-Za-z0-9]{58,64}", "ak_[A-Za-z0-9]{8}"),
    token(
        "django_secret_key",
        r"secret_key[\"'\])]{0,3}\s{0,3}[=,:]\s{0,3}r?[\"']([a-z0-9!@#$%^&*()_+=-]{48,64})[\"']",
        "secret_key",
        label="SECRET",
        group=1,
        is_caseless=True,
        is_edged=False,
        least_bits=3.5,
    ),
    token(
        "laravel_app_key",
        r"base64:([A-Za-z0-9+/]{43}=)",
        "base64:[A-Za-z0-9+/]{8}",
        label="SECRET",
        group=1,
        is_edged=False,
        least_bits=3.8,
    ),
    named("rails_master_key", "rails_master|master_key|secret_key_base", HEX + "{32}|[a-f0-9]{64}|[a-f0-9]{128}", label="SECRET"),
    token(
        "putty_private_key",
        r"PuTTY-User-Key-File-\d: [\w-]{4,24}\s{1,2}Encryption:[A-Za-z0-9+/=\s:\\(){}.@_-]{20,1000}",
        r"PuTTY-User-Key-File-\d",
        label="PRIVATE_KEY",
        is_edged=False,
        check=has_putty_body,
        least_bits=None,
        is_stop_listed=False,
    ),
    token("azure_sso_cookie", r"0\.A[A-Za-z0-9_-]{60}\.AQAA[A-Za-z0-9_.-]{60,900}", r"0\.A[A-Za-z0-9_-]{8}", label="TOKEN"),
    token(
        "session_cookie",
        r"(?:sessionid|session_id|jsessionid|phpsessid|connect\.sid|csrftoken|_session|laravel_session)=([A-Za-z0-9%.+/_-]{24,400})",
        "(?:session_?id|sessid|connect\\.sid|csrftoken|_session)=",
        label="TOKEN",
        group=1,
        is_caseless=True,
        least_bits=3.2,
        is_edged=False,
    ),
    token(
        "wireguard_key",
        r"(?:PrivateKey|PresharedKey)\s{0,3}=\s{0,3}([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)",
        "(?:PrivateKey|PresharedKey)\\s{0,3}=",
        label="PRIVATE_KEY",
        group=1,
        is_edged=False,
        least_bits=3.5,
    ),
    token(
        "json_web_key",
        r"\"(?:d|k)\"\s{0,2}:\s{0,2}\"([\w-]{22,800})\"",
        r"\"(?:d|k)\"\s{0,2}:\s{0,2}\"[\w-]{8}",
        label="PRIVATE_KEY",
        group=1,
        is_edged=False,
        least_bits=3.8,
    ),
    token(
        "crypt_hash",
        r"\$(?:2[abxy]\$\d\d\$[./A-Za-z0-9]{53}|6\$[./A-Za-z0-9$=]{8,60}\$[./A-Za-z0-9]{86}|5\$[./A-Za-z0-9$=]{8,60}\$[./A-Za-z0-9]{43}|argon2(?:id|i|d)\$[\w=,$+/.-]{40,200})",
        r"\$(?:2[abxy]|6|5|argon2i?d?)\$",
        label="PASSWORD_HASH",
        is_edged=False,
        is_stop_listed=False,
    ),
    named("hashicorp_or_bitwarden_secret", "bitwarden|bw_session|bw_client", r"[A-Za-z0-9+/]{86}==|[A-Za-z0-9]{30}"),
    named("duo_or_yubico_secret", "duo_|yubico", ALNUM + r"{40}|DI[A-Z0-9]{18}|[A-Za-z0-9+/]{27}="),
)
