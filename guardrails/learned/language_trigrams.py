"""
Makes the trigram table by which languages of one script are told apart, from the translations that Django ships (BSD).

Run: `python -m guardrails.learned.language_trigrams`; it writes `weights/languages.json.gz`, the same bytes for the same Django.
"""

from __future__ import annotations

import gettext
import gzip
import json
import math
import re
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

from guardrails.detectors.language_profiles import SCRIPT_OF, WORDS

TABLE = Path(__file__).parent / "weights" / "languages.json.gz"
TRIGRAMS_PER_LANGUAGE = 450

_PLACEHOLDERS = re.compile(r"%\(\w+\)[sd]|%[sd]|<[^>]+>|\{[^}]*\}|&\w+;|https?://\S+")
_NOT_LETTERS = re.compile(r"[\W\d_]+")


def trigrams(text: str) -> list[str]:
    """Return the trigrams of a text's words, each with a blank on both sides."""
    plain = f" {_NOT_LETTERS.sub(' ', text.lower()).strip()} "
    return [plain[index : index + 3] for index in range(len(plain) - 2)]


def make_table() -> dict[str, dict[str, int]]:
    """Return for each language its trigrams with a weight: how much more frequent they are than in all languages of the script."""
    counts = {language: _count(language) for language in WORDS}
    table: dict[str, dict[str, int]] = {}
    for language, own in counts.items():
        peers = [counts[each] for each in WORDS if SCRIPT_OF.get(each) == SCRIPT_OF.get(language) and counts[each]]
        if own:
            table[language] = _weights(own, peers)
    return table


def _weights(own: Counter[str], peers: list[Counter[str]]) -> dict[str, int]:
    total = own.total()
    weighed: list[tuple[float, str, int]] = []
    for trigram, count in own.items():
        if count < 3 or trigram.isspace():
            continue
        share = count / total
        mean = sum(peer[trigram] / peer.total() for peer in peers) / len(peers)
        ratio = math.log(share / mean) if mean < share else 0.0
        if ratio > 0.2:
            weighed.append((share * ratio, trigram, max(1, round(ratio * 4))))
    weighed.sort(key=lambda each: (-each[0], each[1]))
    return {trigram: weight for _, trigram, weight in weighed[:TRIGRAMS_PER_LANGUAGE]}


def _count(language: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for text in _texts(language):
        found.update(trigrams(_PLACEHOLDERS.sub(" ", text)))
    return found


def _texts(language: str) -> list[str]:
    """All translated sentences of a language, each once; English are those that were translated."""
    source = find_spec("django")
    if source is None or source.origin is None:
        raise RuntimeError("Django is not installed.")
    folder = "de" if language == "en" else language
    texts: set[str] = set()
    for path in sorted(Path(source.origin).parent.glob(f"**/locale/{folder}/LC_MESSAGES/*.mo")):
        with path.open("rb") as file:
            catalog: dict[object, object] = vars(gettext.GNUTranslations(file))["_catalog"]
        for key, value in catalog.items():
            text = key if language == "en" else value
            if isinstance(text, str) and isinstance(key, str) and key and (language == "en" or text != key):
                texts.add(text)
    return sorted(texts)


def main() -> None:
    table = make_table()
    data = json.dumps(table, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    TABLE.write_bytes(gzip.compress(data, 9, mtime=0))


if __name__ == "__main__":
    main()
