from __future__ import annotations

import random

import pytest

from guardrails.detection import Subject, TextUnit
from guardrails.detectors.registry import build_detector
from guardrails.detectors.secret_rules.named import Named
from guardrails.detectors.secret_rules.rule import Rule
from guardrails.detectors.secrets import FAMILIES, Family, Parameters, build, load_rules
from guardrails.engine.hold import hold_of
from guardrails.errors import BadRule
from tests.guardrails.secret_generator import Sample, look_alikes, positive, private_key
from tests.guardrails.secret_scan import SecretScan

RULES = {rule.name: (family, rule) for family in FAMILIES for rule in load_rules(family)}
AWS_KEY_ID = "AKIA" + "Q3EGX7RTZ2HKLM4B"


@pytest.fixture(scope="module")
def scan() -> SecretScan:
    return SecretScan(build(Parameters()))


def _is_covered(scan: SecretScan, sample: Sample) -> bool:
    """Whether every character of the secret is hidden."""
    start = sample.text.index(sample.secret)
    hidden = {at for hit in scan.find(sample.text) for at in range(hit.start, hit.end)}
    return hidden.issuperset(range(start, start + len(sample.secret.rstrip(".=:"))))


def test_there_are_many_rules_and_each_has_its_own_name() -> None:
    names = [rule.name for family in FAMILIES for rule in load_rules(family)]

    assert len(names) == len(set(names)) >= 500
    assert sum(isinstance(rule, Rule) for _, rule in RULES.values()) >= 200


@pytest.mark.parametrize("family", FAMILIES)
def test_every_rule_hides_whole_secrets_of_its_form(scan: SecretScan, family: Family) -> None:
    samples = [positive(rule, seed) for rule in load_rules(family) for seed in range(2)]

    missed = [sample for sample in samples if not _is_covered(scan, sample)]

    assert missed == []


@pytest.mark.parametrize("family", FAMILIES)
def test_every_rule_finds_its_own_form_by_its_own_name(scan: SecretScan, family: Family) -> None:
    silent = []
    for rule in load_rules(family):
        found = {hit.pattern for seed in range(4) for hit in scan.find(positive(rule, seed).text)}
        if rule.name not in found:
            silent.append(rule.name)

    assert silent == []


@pytest.mark.parametrize("family", FAMILIES)
def test_look_alikes_are_let_pass_and_each_rule_has_two_at_least(scan: SecretScan, family: Family) -> None:
    samples = [look_alikes(rule, 0) for rule in load_rules(family)]

    found = [(each, hit.pattern) for rows in samples for each in rows for hit in scan.find(each.text) if hit.pattern == each.rule]

    assert min(map(len, samples)) >= 2
    assert found == []


def test_look_alikes_of_one_rule_are_rarely_found_by_another(scan: SecretScan) -> None:
    samples = [each for _, rule in RULES.values() for each in look_alikes(rule, 1)]

    found = [each for each in samples if scan.find(each.text)]

    assert len(found) <= 0.01 * len(samples)


def test_a_trigger_lies_in_every_match(scan: SecretScan) -> None:
    patterns = {pattern.name: index for index, pattern in enumerate(scan.detector.patterns)}
    missed = []
    for name, (_, rule) in RULES.items():
        for seed in range(3):
            text = positive(rule, seed).text
            for each in ("named_run", "named_assignment") if isinstance(rule, Named) else (name,):
                index = patterns[each]
                if scan.confirm(scan.detector.patterns[index], text) and index not in scan.database.scan(text.encode()):
                    missed.append((name, text))

    assert missed == []


def test_no_rule_makes_a_stream_wait_for_its_end(scan: SecretScan) -> None:
    kinds = {pattern.name: hold_of(pattern).kind for pattern in scan.detector.patterns}

    assert [name for name, kind in kinds.items() if kind == "whole"] == []
    assert sum(kind == "anchored" for kind in kinds.values()) >= 0.75 * len(kinds)


@pytest.mark.parametrize("kind", ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "])
@pytest.mark.parametrize("length", [200, 841, 3200])
def test_a_private_key_is_hidden_whole_and_what_follows_is_not(scan: SecretScan, kind: str, length: int) -> None:
    key = private_key(random.Random(length), kind, length)

    (hit,) = scan.find(f"before\n{key}\nafter it")

    assert (hit.start, hit.end, hit.label) == (7, 7 + len(key), "PRIVATE_KEY")


def test_a_private_key_that_is_cut_off_is_hidden_to_the_end(scan: SecretScan) -> None:
    key = private_key(random.Random(1))[:900]

    (hit,) = scan.find(key)

    assert (hit.start, hit.end) == (0, 900)


def test_a_private_key_with_headers_or_escaped_lines_is_hidden_whole(scan: SecretScan) -> None:
    plain = private_key(random.Random(2))
    headed = plain.replace("-----\n", "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,7D0A51B2\n\n", 1)
    block = plain.replace("RSA PRIVATE KEY", "PGP PRIVATE KEY BLOCK")

    for key in (headed, plain.replace("\n", "\\n"), block):
        (hit,) = [each for each in scan.find(key) if each.pattern == "private_key"]
        assert (hit.start, hit.end) == (0, len(key))


def test_a_begin_line_alone_is_no_key(scan: SecretScan) -> None:
    assert scan.find("The file must start with -----BEGIN PRIVATE KEY----- and nothing else.") == []


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("postgres://app:s3cr3tPw9@db.internal:5432/shop", "s3cr3tPw9"),
        ("mongodb+srv://reader:Xk29dmQp@cluster0.test.example/db", "Xk29dmQp"),
        ("redis://:hunter22@cache:6379/0", "hunter22"),
        ("git clone https://bob:tr0ub4dor@git.host.test/repo.git", "tr0ub4dor"),
        ("curl -u admin:Winter2024x https://host.test/", "Winter2024x"),
        ("machine api.host.test login bob password Zx81Spectrum", "Zx81Spectrum"),
        ("//registry.host.test/:_authToken=7d1f2c3b-9a8e", "7d1f2c3b-9a8e"),
        ("Server=db;User Id=sa;Password=Gr3enTea!;", "Gr3enTea!"),
        ("my password is Sommer2024!", "Sommer2024!"),
        ('{"type": "service_account", "client_secret": "a81f0c52-6b7d-4e0f-9b63-2d1f7a9c5e40"}', "a81f0c52-6b7d-4e0f-9b63-2d1f7a9c5e40"),
        (f"\\n{AWS_KEY_ID}\\n", AWS_KEY_ID),
        ("acme_prod_api_key=9f3kd02kfm48sjw0qpzl", "9f3kd02kfm48sjw0qpzl"),
    ],
)
def test_the_secret_alone_is_hidden(scan: SecretScan, text: str, secret: str) -> None:
    start = text.index(secret)

    assert (start, start + len(secret)) in {(hit.start, hit.end) for hit in scan.find(text)}


@pytest.mark.parametrize(
    "text",
    [
        "order 4111222233, unix time 1732204800, commit 9fceb02d0ae598e95dc970b74767f19372d61af8, version 2.14.3",
        "id: 123e4567-e89b-12d3-a456-426614174000",
        '"integrity": "sha512-oRzBgRHzsRGVJk7Ck1Q6mUcT9fiTbVsBz1TlmEoTtOGb1mB7yPFYTZSvVJxz8dTJfWqVqHDoc0c0XZL2Q0Q9xw=="',
        "psutil/_pswindows.py,sha256=WArTkd5zTBE2giAO6fQkXjRzf14mrwpzpOjJtEWN4iA,37217",
        "requests==2.31.0 --hash=sha256:58cd2187c01e70e6e26505bca751777aa9f2ee0b7f4300988b709f44e013003f",
        'api_key = "your_api_key_here"',
        "API_KEY=${API_KEY}",
        "token: <your-token>",
        "AKIAIOSFODNN7EXAMPLE",
        "secret = getSecretFromVault(secretName)",
        "password: string;",
        "password = os.environ['DB_PASSWORD']",
        "const accessToken = userAccessTokenProvider.currentAccessToken",
        "max_tokens=1024, prompt_tokens: 12881230",
        'primary_key = "user_profile_2024_01"',
        "The secret to good bread is patience, the key is time 12345678.",
        "key: uploads/2024/11/21/invoice-00012345.pdf",
        "amqp://user:*****@broker.test",
        "postgres://$USER:$PASSWORD@localhost/db",
        "https://host.test:8080/path@v2",
        "Please reset the password of account 20240001 and tell bob@mail.test.",
        "monkey = a1b2c3d4e5f6g7h8",
        "ETag: 33a64df551425fcc55e4d42a148795d9f25f89d4",
    ],
)
def test_ordinary_text_code_and_lock_files_are_let_pass(scan: SecretScan, text: str) -> None:
    assert scan.find(text) == []


def test_a_jwt_must_have_a_header_that_is_json(scan: SecretScan) -> None:
    sample = positive(RULES["jwt"][1], 5)
    garbled = sample.text.replace("eyJ", "eyJz", 1)

    assert "jwt" in {hit.pattern for hit in scan.find(sample.text)}
    assert "jwt" not in {hit.pattern for hit in scan.find(garbled)}


def test_our_own_keys_are_known_by_their_checksum(scan: SecretScan) -> None:
    from apikeys.hotpath import create_key_text

    key, _ = create_key_text()
    changed = key[:-1] + ("a" if key[-1] != "a" else "b")

    assert [(hit.start, hit.end, hit.label) for hit in scan.find(f"use {key} please")] == [(4, 4 + len(key), "GATEWAY_KEY")]
    assert scan.find(f"use {changed} please") == []


def test_a_provider_is_named_in_the_hit(scan: SecretScan) -> None:
    (hit,) = [each for each in scan.find("export COHERE=q8ZkP1vXc7RtY2mN4bLw9sDf6gHj3KaQeT5uVxWz") if each.score == 0.9][:1]

    assert hit.pattern == "cohere_key"


def test_families_and_rules_can_be_chosen() -> None:
    only = build(Parameters(include=("cloud",), exclude=("aws_access_key_id",)))
    without = build(Parameters(exclude=("generic", "ci")))

    assert SecretScan(only).find(f"{AWS_KEY_ID} xoxb-2048-4096-aB3dE5fG7hI9jK1l") == []
    assert not {rule.name for rule in load_rules("generic")} & {pattern.name for pattern in without.patterns}
    assert {rule.name for rule in without.named.rules}.isdisjoint(rule.name for rule in load_rules("ci"))


def test_what_a_policy_allows_is_let_pass() -> None:
    detector = build(Parameters(allowed=(AWS_KEY_ID,)))
    hits = SecretScan(detector).find(f"{AWS_KEY_ID} and {AWS_KEY_ID[:-1]}7")

    assert [hit.start for hit in hits] == [25]
    assert detector.inspect(Subject(TextUnit(AWS_KEY_ID)), []) == []


def test_more_entropy_may_be_asked_for() -> None:
    text = 'acme_api_key = "aab1bba2abab1212abba"'

    assert SecretScan(build(Parameters(least_entropy=1.0))).find(text) == []
    assert SecretScan(build(Parameters(least_entropy=4.5))).find('acme_api_key = "9f3kd02kfm48sjw0qpzl"') == []


@pytest.mark.parametrize("parameters", [{"exclude": ["no_such_rule"]}, {"least_entropy": 9.0}, {"include": ["nothing"]}, {"unknown": 1}])
def test_wrong_parameters_are_refused(parameters: dict[str, object]) -> None:
    with pytest.raises(BadRule):
        build_detector("secrets", parameters)


@pytest.mark.parametrize(
    "text",
    [
        "password=" * 20_000,
        "-----BEGIN RSA PRIVATE KEY-----\n" + "QUJD9a8f" * 25_000,
        "eyJhbGciOiJIUzI1NiJ9." * 10_000,
        "://a:" * 40_000,
        "key = " * 33_000,
        "aws_" * 50_000,
        "seed phrase abc abd abe " * 8_000,
    ],
    ids=lambda text: text[:12],
)
@pytest.mark.timeout(20)
def test_hostile_repeats_end(scan: SecretScan, text: str) -> None:
    scan.find(text)
