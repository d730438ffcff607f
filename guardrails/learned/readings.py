"""One reading per text, shared by the detectors that score it: features cost more than any one model's sum over them."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from guardrails.detection import Subject
from guardrails.learned.hashing import Reading, read

_READINGS: WeakKeyDictionary[Subject, Reading] = WeakKeyDictionary()


def reading_of(subject: Subject) -> Reading:
    """Return the reading of a subject's main view: made once, dropped with the subject. Offsets are those of the view's text."""
    reading = _READINGS.get(subject)
    if reading is None:
        reading = _READINGS[subject] = read(subject.main.text)
    return reading
