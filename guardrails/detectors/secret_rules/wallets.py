"""Wallets and block-chain access: keys with checksums, recovery phrases, node providers."""

from __future__ import annotations

from guardrails.detectors.secret_rules.checks import has_base58_checksum, is_phrase
from guardrails.detectors.secret_rules.rule import ALNUM, HEX, Named, Rule, named, token

_B58 = "[1-9A-HJ-NP-Za-km-z]"

RULES: tuple[Rule | Named, ...] = (
    token(
        "bitcoin_private_key",
        rf"(?:5[HJK]|K[w-z]|L[1-5]){_B58}{{49,50}}",
        "(?:5[HJK]|K[w-z]|L[1-5])[1-9A-HJ-NP-Za-km-z]{12}",
        label="PRIVATE_KEY",
        check=has_base58_checksum,
    ),
    token(
        "extended_private_key",
        rf"[xyzt]prv{_B58}{{107,108}}",
        "[xyzt]prv[1-9A-HJ-NP-Za-km-z]{8}",
        label="PRIVATE_KEY",
        check=has_base58_checksum,
    ),
    token(
        "age_secret_key",
        r"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}",
        "AGE-SECRET-KEY-1",
        label="PRIVATE_KEY",
        is_caseless=True,
    ),
    token("age_plugin_key", r"AGE-PLUGIN-[A-Z0-9]{1,20}-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{20,200}", "AGE-PLUGIN-", label="PRIVATE_KEY"),
    named(
        "ethereum_private_key",
        r"priv_?key|private_?key|eth_key|wallet_?key|mnemonic_key|deployer_key|private key",
        r"(?:0x)?[a-f0-9]{64}",
        "private.?key",
        "privkey",
        "priv_key",
        "(?:eth|wallet|deployer|mnemonic)_?key",
        label="PRIVATE_KEY",
    ),
    named(
        "solana_private_key",
        r"private_?key|secret_?key|keypair|private key|solana",
        rf"{_B58}{{87,88}}",
        "private.?key",
        "secret_?key",
        "keypair",
        "solana",
        label="PRIVATE_KEY",
    ),
    token(
        "recovery_phrase",
        r"(?:seed|recovery|mnemonic|wallet|secret|backup|bip-?39)[ _-](?:phrase|words|seed|mnemonic)"
        r"(?:\s(?:is|was))?[\"'`\s:=>-]{1,8}((?:[a-z]{3,8}[ ,]{1,2}){11,23}[a-z]{3,8})",
        "(?:seed|recovery|mnemonic|wallet|secret|backup|39)[ _-](?:phrase|words|seed|mnemonic)",
        label="SEED_PHRASE",
        group=1,
        is_caseless=True,
        check=is_phrase,
    ),
    token(
        "mnemonic_assignment",
        r"mnemonic[\"'`\s]{0,3}[:=][\"'`\s]{1,4}((?:[a-z]{3,8} ){11,23}[a-z]{3,8})",
        "mnemonic",
        label="SEED_PHRASE",
        group=1,
        is_caseless=True,
        check=is_phrase,
    ),
    named("infura_key", "infura", HEX + "{32}"),
    token("infura_url_key", rf"infura\.io/(?:ws/)?v3/({HEX}{{32}})", r"infura\.io/", group=1),
    named("alchemy_key", "alchemy", r"[A-Za-z0-9_-]{32}"),
    token("alchemy_url_key", r"alchemy\.com/(?:nft/)?v[23]/([\w-]{32})", r"alchemy\.com/", group=1),
    named("etherscan_key", "etherscan|bscscan|polygonscan|ftmscan|arbiscan|snowtrace", "[A-Z0-9]{34}"),
    named("moralis_key", "moralis", ALNUM + "{64}"),
    named(
        "blocknative_key",
        "blocknative|quicknode|ankr|chainstack|glassnode|bitquery",
        r"[a-f0-9]{64}|[a-f0-9]{40}|[a-f0-9]{32}|[A-Za-z0-9]{27}|[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}",
    ),
    named("tatum_key", "tatum", r"t-[a-f0-9]{24}-[a-f0-9]{24}|[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}"),
)
