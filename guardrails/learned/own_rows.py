"""Training rows of our own writing: many attacks, and many harmless texts that look like them. Always the same rows."""

from __future__ import annotations

from collections.abc import Iterator

from guardrails.learned.own import attacks, frames, hard, indirect, jailbreaks, languages, lookalikes, ordinary, probes, world
from guardrails.learned.own.grammar import sentences
from guardrails.learned.rows import Row

_POSITIVE = (
    ("own_attacks", attacks.TEMPLATES, attacks.SLOTS, 40),
    ("own_probes", probes.PROBES, probes.SLOTS, 20),
    ("own_jailbreaks", jailbreaks.TEMPLATES + jailbreaks.LONG, jailbreaks.SLOTS, 30),
    ("own_frames", frames.FRAMES, frames.SLOTS, 25),
    ("own_indirect", indirect.TEMPLATES, indirect.SLOTS, 40),
    ("own_languages", languages.ATTACKS, languages.SLOTS, 25),
    ("own_world", world.ATTACKS, world.SLOTS, 25),
)
_NEGATIVE = (
    ("own_hard", hard.TEMPLATES, hard.SLOTS, 25),
    ("own_lookalikes", lookalikes.LOOKALIKES, lookalikes.SLOTS, 25),
    ("own_indirect", indirect.HARMLESS, indirect.SLOTS, 40),
    ("own_ordinary", ordinary.TEMPLATES, ordinary.SLOTS, 60),
    ("own_languages", languages.HARMLESS, languages.HARMLESS_SLOTS, 25),
    ("own_world", world.HARMLESS + world.PROSE, world.SLOTS, 25),
)


def own_rows() -> Iterator[Row]:
    for source, templates, slots, count in _POSITIVE:
        yield from (Row(text, True, source) for text in sentences(templates, slots, count))
    for source, templates, slots, count in _NEGATIVE:
        yield from (Row(text, False, source) for text in sentences(templates, slots, count))
