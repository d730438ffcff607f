"""What is known of a request beside the text at hand: whose words, which hosts and tools it holds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from guardrails.detection import Facts, TextUnit
from guardrails.detectors.url_parts import normal_host
from proxy.guarding.turns import Element

_HOST = re.compile(r"(?:://|\bwww\.)[^\s/?#\\\"'<>()\[\]{}|]{1,300}", re.IGNORECASE)
_find_www = re.compile(r"www\.").search
_DECLARING = ("tools", "functions")
_FORMS = (*_DECLARING, "response_format", "text")
"""Fields whose texts are the operator's, but no instructions that an answer may give away."""
_CONTAINERS = frozenset({"function", "custom", "tools", "functions"})
_BUILTIN = ("web_search", "file_search", "code_interpreter", "image_generation", "computer", "local_shell", "shell", "apply_patch")
_NO_HOSTS: Final[frozenset[str]] = frozenset()


def gather_facts(model: str, units: Sequence[TextUnit], extras: Sequence[Element], messages_count: int, input_tokens: int) -> Facts:
    """Return the facts of a request's texts; `extras` are its fields beside the conversation. Cost: 1 us, and 0.1 us for each text."""
    system_texts: list[str] = []
    called_tools: list[str] = []
    hosts: set[str] = set()
    has_data = False
    for unit in units:
        trust = unit.trust
        if trust == "data":
            has_data = True
        elif unit.direction == "request":
            if trust == "assistant":
                continue
            text = unit.text
            if trust == "system" and not unit.path.startswith(_FORMS):
                system_texts.append(text)
            # One character is found many times as fast as three, and an expression finds four faster than `in` does.
            if ("/" in text and "://" in text) or _find_www(text) is not None:
                hosts.update(_hosts_in(text))
        elif unit.is_call and not unit.is_latest:
            called_tools.append(unit.tool)
    return Facts(
        model,
        tuple(system_texts),
        "",
        frozenset(hosts) if hosts else _NO_HOSTS,
        tuple(dict.fromkeys(name for element in extras for name in _declared(element))) if extras else (),
        tuple(called_tools),
        has_data,
        messages_count,
        input_tokens,
    )


def _hosts_in(text: str) -> Iterator[str]:
    for found in _HOST.findall(text):
        authority = found.removeprefix("://").rpartition("@")[2]
        host = normal_host(authority.partition(":")[0]).rstrip(".,;!*_`")
        if host:
            yield host


def _declared(element: Element) -> Iterator[str]:
    if element.field not in _DECLARING:
        return
    for steps, word in element.reading.words.items():
        if steps[-1] not in ("name", "type") or not all(isinstance(step, int) or step in _CONTAINERS for step in steps[:-1]):
            continue
        if steps[-1] == "name":
            yield word
        elif word not in ("function", "custom") and (*steps[:-1], "name") not in element.reading.words:
            yield word
            yield from (name for name in _BUILTIN if word.startswith(name))
