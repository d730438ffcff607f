"""
Orders that lie where they do not belong: a request between the rows of a table, in the middle of a letter's sentence, before its head.

Rules: linear in the text, which is read up to a bound; says where the line is and how sure the shape alone makes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import re2

MAX_CHARACTERS = 32_768
_HEAD_CHARACTERS = 2_000
_MIN_ROWS = 3
_MAX_ORDER_WORDS = 60
_MIN_ORDER_WORDS = 3

_OPTIONS = re2.Options()
_OPTIONS.encoding = re2.Options.Encoding.LATIN1
_HEAD_FORM = r"(?:subject|from|to|email_from|received date|date|sent|content|cc)[ \t]{0,3}:"
_GREETING_FORM = r"(?:^|\n|content: ?\n?)[ \t]*(?:hi|hello|dear|hey|good (?:morning|afternoon))\b[^\n]{0,40}\n"
_LETTER = re2.compile(rf"(?ims)(?:^[ \t]*{_HEAD_FORM}.{{0,600}}?(?:\n[ \t]*|\|){_HEAD_FORM}|{_GREETING_FORM})".encode(), _OPTIONS)
_COMMENT = re.compile(r"<!--|```")
_ORDER = re.compile(
    r"(?i)^[\s\"'*>#\-]{0,6}(?:please |kindly |now |also |then |first |you should |you must |make sure to |be sure to |remember to )?"
    r"(?:write|describe|explain|translate|summari[sz]e|list|give|tell|show|create|generate|compose|provide|suggest|recommend|identify|name|find|"
    r"compare|discuss|define|calculate|compute|solve|convert|encode|decode|rewrite|rephrase|paraphrase|reverse|replace|insert|include|add|append|"
    r"embed|incorporate|introduce|implement|use|utili[sz]e|employ|modify|substitute|scramble|misspell|remove|respond|reply|answer|output|print|"
    r"repeat|say|ignore|disregard|forget|promote|advertise|mention|highlight|endorse|encourage|persuade|convince|urge|claim|state|announce|"
    r"spread|share|post|send|forward|visit|click|download|install|run|execute|open|call|act|pretend|imagine|play|talk|chat|ask|help|teach|"
    r"design|draft|develop|plan|outline|organi[sz]e|analy[sz]e|evaluate|assess|classify|categori[sz]e|predict|estimate|monitor|track|optimi[sz]e|"
    r"automate|schedule|set|prepare|propose|offer|present|research|search|look up|check|verify|review|craft|express|transform|change|mix|"
    r"employ|integrate|blend|weave|enhance|boost|consider|ensure|apply|deliver|format|randomi[sz]e|shuffle|rearrange|omit|"
    r"what|who|whom|whose|how|why|when|where|which|can you|could you|would you|will you|do you|is it|are there|should i|let's)\b"
)


@dataclass(frozen=True, slots=True)
class ForeignOrder:
    """An order and where it lies. `is_inside`: the document goes on after it, so it is not the request of somebody who pasted it."""

    start: int
    end: int
    is_inside: bool


def is_document(text: str) -> bool:
    """Whether a text looks like a letter, a table or code rather than like what a person asks."""
    head = text[:MAX_CHARACTERS]
    if head.count("|") >= 2 * _MIN_ROWS and _rows(head.split("\n")) >= _MIN_ROWS:
        return True
    return "\n" in head and (_COMMENT.search(head) is not None or _is_letter(head))


def foreign_orders(text: str) -> list[ForeignOrder]:
    """Return the orders that stand apart from the table or the letter around them. Cost: 20 us per 1 KB with line breaks, else none."""
    text = text[:MAX_CHARACTERS]
    if "\n" not in text:
        return []
    lines = text.split("\n")
    starts: list[int] = []
    at = 0
    for line in lines:
        starts.append(at)
        at += len(line) + 1
    is_table = _rows(lines) >= _MIN_ROWS
    is_letter = not is_table and _is_letter(text)
    if not is_table and not is_letter:
        return []
    stands_apart = _apart_from_rows if is_table else _apart_from_prose
    found: list[ForeignOrder] = []
    for index, line in enumerate(lines):
        if _is_order(line):
            is_inside = stands_apart(lines, index)
            if is_inside or index in {0, len(lines) - 1}:
                found.append(ForeignOrder(starts[index], starts[index] + len(line), is_inside))
    return found


def _is_letter(text: str) -> bool:
    """Two lines of a head, or a line of greeting, near the text's beginning."""
    return _LETTER.search(text[:_HEAD_CHARACTERS].encode("utf-8", "replace")) is not None


def _rows(lines: list[str]) -> int:
    return sum(line.count("|") > 1 for line in lines)


def _is_order(line: str) -> bool:
    return "|" not in line and _ORDER.match(line) is not None and _MIN_ORDER_WORDS <= len(line.split()) <= _MAX_ORDER_WORDS


def _apart_from_rows(lines: list[str], index: int) -> bool:
    return index > 0 and "|" in lines[index - 1] and index + 1 < len(lines) and "|" in lines[index + 1]


def _apart_from_prose(lines: list[str], index: int) -> bool:
    """The line before breaks off, and the line after goes on in the middle of a sentence."""
    if index == 0 or index + 1 >= len(lines):
        return False
    before, after = lines[index - 1].rstrip(" \t\r"), lines[index + 1]
    breaks_off = bool(before) and before[-1] not in '.!?:;,>)"*-|'
    goes_on = bool(after) and (after[0].islower() or (after[0] in " ,.;:)" and after.strip() != ""))
    return breaks_off and goes_on
