"""
Which expressions an admin may save: those that both engines read, that cannot take long, and that match something.

Rules: a refusal is one sentence for the person who typed the expression, and says what to write instead.
"""

from __future__ import annotations

import re
from typing import Any

from guardrails.engine.database import compile_expression, find_hyperscan
from guardrails.engine.expression import Chain, Char, Choice, Edge, Flagged, Node, Repeat, openers, parse, width
from guardrails.engine.flags import flags_of, is_about_characters, suspects_of
from guardrails.errors import BadRule
from guardrails.patterns import Pattern

LONGEST_EXPRESSION = 2_000
DEEPEST_NESTING = 40
MOST_POSITIONS = 4_000
"""How large an expression may be with all alternatives and repeats written out. Compiling takes a second or two at the most."""
_WIDE_POSITIONS = 5
WIDEST_MATCH = 20_000
_SHORTEST_OPENER = 3
_CHECKED_MEMORY_BYTES = 4 << 20

_POSSESSIVE = r"(?:[*+?]|\{\d+(?:,\d*)?\})[+*]"
_REFUSED: tuple[tuple[str, str], ...] = (
    (
        r"\(\?(?:[=!]|<[=!])",
        "Look-around such as (?=...) is not supported. Match the surroundings too, and hide only a group: 'id: (\\d{6})' with group 1.",
    ),
    (r"\\[1-9]|\(\?P=|\\k[<{']", "Back-references such as \\1 are not supported. Write out what may be repeated."),
    (r"\(\?>", "Atomic groups (?>...) are not supported. Use a plain group (?:...): nothing backtracks here."),
    (_POSSESSIVE, "Repeats of repeats such as a++ or a** are not supported. Use a plain repeat: nothing backtracks here."),
    (r"\(\?(?:R|\d+|&|P>)", "Recursion is not supported. Write out the depth that you need."),
    (r"\(\?\(", "Conditional groups are not supported. Write the two cases as alternatives: a|b."),
    (r"\(\?#", "Comments (?#...) are not supported. Take the comment out."),
    (r"\(\?[a-zA-Z]*x", "Flag x is not supported. Write the expression on one line without blanks for looks."),
    (r"\(\?[a-zA-Z]*[auLn]", "This group flag is not supported. Known are i, m, s and U."),
    (r"\(\*", "Verbs such as (*UTF8) are not supported. Take it out: texts are always Unicode."),
    (
        r"\\[KGRXN]",
        "\\K, \\G, \\R, \\X and \\N are not supported. Hide a part of the match by its group instead of \\K; write \\r?\\n for \\R.",
    ),
    (r"\\u[0-9A-Fa-f]{4}", "\\u escapes are not supported. Write \\x{20AC}, or the character itself."),
    (r"\\Z", "\\Z is not supported. Write \\z for the end of the text."),
    (r"\\[hHV]", "\\h is not supported. Write [ \\t] for a blank."),
    (r"\\c", "\\c escapes are not supported. Write the control character as \\x0A."),
    (r"\\C", "\\C is not supported, because it cuts characters in half. Write a dot."),
)
_COMPILED = tuple((re.compile(expression), sentence) for expression, sentence in _REFUSED)
_ESCAPED_BACKSLASH = re.compile(r"\\\\")
_SET = re.compile(r"\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]")


def check_expression(expression: str, is_caseless: bool, group: int = 0) -> None:
    """
    Errors: BadRule with one sentence that says what to change.

    Cost: milliseconds, at most about a second. Guarantee: what passes compiles in both engines and is searched in linear time.
    """
    _check_text(expression)
    if refused := _sentence_for(expression):
        raise BadRule(refused)
    try:
        node = parse(expression, is_caseless=is_caseless)
        shortest, longest = width(node)
        positions = _positions(node)
    except RecursionError as error:
        raise BadRule(f"The expression nests too deeply. Keep it to {DEEPEST_NESTING} levels of brackets.") from error
    if shortest == 0:
        raise BadRule("The expression matches the empty text, so it would match everywhere. Make one part of it obligatory: a+ for a*.")
    if positions > MOST_POSITIONS:
        raise BadRule(f"The expression is too large: written out it has more than {MOST_POSITIONS} characters. Lower its repeat counts.")
    if longest is None and not _is_anchored(node):
        raise BadRule(
            "A match has no longest length and nothing to begin with. Bound its repeats, such as {1,64} for +, "
            f"or begin it with {_SHORTEST_OPENER} or more fixed characters."
        )
    if longest is not None and longest > WIDEST_MATCH:
        raise BadRule(f"A match can have {longest} characters; {WIDEST_MATCH} are allowed. Lower its repeat counts.")
    _check_engines(expression, is_caseless, group)


def _check_text(expression: str) -> None:
    if not expression:
        raise BadRule("The expression is empty. Write what is to be found.")
    if len(expression) > LONGEST_EXPRESSION:
        raise BadRule(f"The expression has {len(expression)} characters; {LONGEST_EXPRESSION} are allowed. Split it into several patterns.")
    if "\x00" in expression or any("\ud800" <= each <= "\udfff" for each in expression):
        raise BadRule("The expression contains a NUL or half a character. Write it as \\x00, or take it out.")
    depth = deepest = 0
    for each in expression:
        depth += (each == "(") - (each == ")")
        deepest = max(deepest, depth)
    if deepest > DEEPEST_NESTING:
        raise BadRule(f"The expression nests too deeply. Keep it to {DEEPEST_NESTING} levels of brackets.")


def _positions(node: Node) -> int:
    """How many characters the expression has with its repeats written out, sets beyond ASCII counted as often as they have bytes."""
    if isinstance(node, Char):
        return 1 if node.literal or not is_about_characters(node.text) else _WIDE_POSITIONS
    if isinstance(node, Edge):
        return 0
    if isinstance(node, Flagged):
        return _positions(node.part)
    if isinstance(node, Repeat):
        return _positions(node.part) * max(1, node.least, node.most or 0)
    return sum(_positions(part) for part in (node.parts if isinstance(node, Chain) else node.options))


def _is_anchored(node: Node) -> bool:
    """Return whether every match begins at the text's beginning or with some fixed characters."""
    if isinstance(node, Flagged):
        return "m" not in node.flags and _is_anchored(node.part)
    if isinstance(node, Choice):
        return all(_is_anchored(each) for each in node.options)
    first = node.parts[0] if isinstance(node, Chain) and node.parts else node
    if isinstance(first, Edge) and first.text in ("^", "\\A"):
        return True
    return all(len(each) >= _SHORTEST_OPENER for each in openers(node))


def _check_engines(expression: str, is_caseless: bool, group: int) -> None:
    try:
        compiled = compile_expression(expression, is_caseless, _CHECKED_MEMORY_BYTES)
    except ValueError as error:
        raise BadRule(_sentence_of_re2(str(error))) from error
    groups_count = compiled.NumberOfCapturingGroups()
    if not 0 <= group <= groups_count:
        raise BadRule(f"Group {group} is to be hidden, but the expression has {groups_count}. Name a group that it has, or 0 for all.")
    hyperscan = find_hyperscan()
    if hyperscan is None:
        return
    for suspect in suspects_of(Pattern("", "", expression, is_caseless=is_caseless)):
        _check_hyperscan(hyperscan, suspect, is_caseless)


def _check_hyperscan(hyperscan: Any, suspect: str, is_caseless: bool) -> None:
    flags = flags_of(hyperscan, suspect, is_caseless) | hyperscan.HS_FLAG_SINGLEMATCH
    first: Exception | None = None
    # What is only too large for an exact automaton is looked for loosely and confirmed by RE2.
    for each in (flags, flags | hyperscan.HS_FLAG_PREFILTER):
        try:
            hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK).compile(expressions=[suspect.encode()], ids=[0], flags=[each])
        except hyperscan.error as refused:
            first = first or refused
        else:
            return
    raise BadRule(f"The expression cannot be compiled: {str(first).rstrip('.')}. Write it more plainly.") from first


def _sentence_for(expression: str) -> str:
    """Return what to say of the first thing in the expression that is known to be refused, empty for none."""
    outside = _SET.sub("[]", _ESCAPED_BACKSLASH.sub("", expression))
    for refused, sentence in _COMPILED:
        if refused.search(outside):
            return sentence
    return ""


def _sentence_of_re2(reason: str) -> str:
    kind, _, what = reason.partition(": ")
    sentences = {
        "invalid repetition size": f"The repeat {what} is too large or the wrong way round. At most 1,000 repeats, nested ones multiplied.",
        "missing )": "A bracket is opened and not closed. Add ')', or write \\( for the character.",
        "unexpected )": "A bracket is closed that was not opened. Write \\) for the character.",
        "missing ]": "A set of characters is opened and not closed. Add ']', or write \\[ for the character.",
        "no argument for repetition operator": f"The repeat {what} has nothing before it. Write \\{what} for the character.",
        "bad repetition operator": f"The repeat {what} is not supported. Use one of * + ? {{1,64}}.",
        "invalid escape sequence": f"The escape {what} is not known. Write the character itself, or \\x{{...}} with its code.",
        "invalid character class range": f"The range {what} in a set is the wrong way round or not known. Write the lower character first.",
        "pattern too large": "The expression is too large. Lower its repeat counts, or write [a-z] for \\pL.",
    }
    for known, sentence in sentences.items():
        if kind.startswith(known):
            return sentence
    return f"The expression cannot be read: {reason}. Write it more plainly."
