"""How models write a token that they were shown: each function gets `[EMAIL_1_k3f9zt]` and returns it mutated."""

from __future__ import annotations

from collections.abc import Callable

Mutation = Callable[[str], str]

MUTATIONS: dict[str, Mutation] = {
    "lower case": str.lower,
    "title case": str.title,
    "spaces inside the brackets": lambda token: f"[ {token[1:-1]} ]",
    "spaces for underscores": lambda token: token.replace("_", " "),
    "missing brackets": lambda token: token[1:-1],
    "missing closing bracket": lambda token: token[:-1],
    "missing opening bracket": lambda token: token[1:],
    "markdown escapes": lambda token: token.replace("[", "\\[").replace("]", "\\]").replace("_", "\\_"),
    "hyphens for underscores": lambda token: token.replace("_", "-"),
    "bold inside": lambda token: f"[**{token[1:-1]}**]",
    "html entities": lambda token: token.replace("[", "&#91;").replace("]", "&#93;").replace("_", "&#95;"),
    "named html entities": lambda token: token.replace("[", "&lbrack;").replace("]", "&rbrack;").replace("_", "&lowbar;"),
    "zero-width characters": "\u200b".join,
    "full-width letters": lambda token: "".join(chr(ord(each) + 0xFEE0) for each in token),
    "json escapes": lambda token: token.replace("[", "\\u005b").replace("]", "\\u005d"),
    "url escapes": lambda token: token.replace("[", "%5B").replace("]", "%5D"),
    "soft hyphen at a line's end": lambda token: token.replace("_", "_\u00ad\n", 1),
}
"""What is left of these is the value and nothing else."""

WRAPPINGS: dict[str, tuple[str, str]] = {
    "possessive": ("", "'s"),
    "plural": ("", "s"),
    "bold": ("**", "**"),
    "backticks": ("`", "`"),
    "parentheses": ("(", ")"),
    "double brackets": ("[", "]"),
    "quotes": ('"', '"'),
}
"""What stands around a token and stays."""
