"""
What changed between two documents of a policy, in lines for people.

Rules: pure. Defaults are left out on both sides, so that only what somebody wrote shows.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence

from guardrails.documents import without_defaults
from guardrails.policy_document import PolicyDocument


def write_lines(document: PolicyDocument) -> Sequence[str]:
    """Return the document as indented JSON, line by line."""
    return json.dumps(without_defaults(document), indent=2, ensure_ascii=False).splitlines()


def compare(old: PolicyDocument | None, new: PolicyDocument) -> Sequence[str]:
    """Return the changed lines with two around each, marked `+` and `-`; none where both say the same."""
    before = write_lines(old) if old is not None else ()
    lines = difflib.unified_diff(before, write_lines(new), lineterm="", n=2)
    return [line for line in lines if not line.startswith(("---", "+++"))]
