"""Addresses of crypto currencies."""

from __future__ import annotations

from guardrails.detectors.pii_kinds.kind import Check, Kind, Shape
from guardrails.patterns import Candidate
from guardrails.validators import crypto

_RUN = (r"[1-9A-HJ-NP-Za-km-z]{25}",)
_CHARACTERS = "[1-9A-HJ-NP-Za-km-z]"
_BECH32 = "[02-9ac-hj-np-z]"


def _shape(expression: str, check: Check, triggers: tuple[str, ...] = _RUN) -> Shape:
    def judge(candidate: Candidate) -> bool:
        return check(candidate.value)

    return Shape(expression, triggers, "nothing", judge=judge, score=1.0)


def _bech32(prefix: str) -> Shape:
    both = rf"{prefix}1{_BECH32}{{11,100}}|{prefix.upper()}1{_BECH32.upper()}{{11,100}}"
    return _shape(rf"\b(?:{both})\b", crypto.is_bech32, (rf"(?i:{prefix}1)[02-9A-Za-z]{{8}}",))


KINDS = (
    Kind(
        "btc_address",
        "crypto",
        (_shape(rf"\b[13]{_CHARACTERS}{{25,34}}\b", crypto.is_bitcoin), _bech32("bc")),
        "Bitcoin address",
    ),
    Kind("eth_address", "crypto", (_shape(r"\b0x[0-9a-fA-F]{40}\b", crypto.is_ethereum, (r"0x[0-9a-fA-F]{10}",)),), "Ethereum address"),
    Kind("ltc_address", "crypto", (_shape(rf"\b[LM3]{_CHARACTERS}{{25,34}}\b", crypto.is_litecoin), _bech32("ltc")), "Litecoin address"),
    Kind("doge_address", "crypto", (_shape(rf"\b[DA9]{_CHARACTERS}{{33}}\b", crypto.is_dogecoin),), "Dogecoin address"),
    Kind("trx_address", "crypto", (_shape(rf"\bT{_CHARACTERS}{{33}}\b", crypto.is_tron),), "TRON address"),
    Kind("xrp_address", "crypto", (_shape(rf"\br{_CHARACTERS}{{24,34}}\b", crypto.is_ripple),), "XRP address"),
    Kind("ada_address", "crypto", (_bech32("addr"),), "Cardano address"),
)
