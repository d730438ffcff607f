from __future__ import annotations

import json
import os
import pickle
import random
import re

import pytest

from common.aead import DecryptionError
from guardrails.inspection import Edit
from guardrails.vault import Restorer, Vault, organisation_keys
from tests.guardrails.unit.vault_help import MUTATIONS, WRAPPINGS

VALUES = {
    "EMAIL": ("alice@example.com", "bob@example.org", 'o"quote\\back@example.com', "zoë\n@example.com"),
    "CREDIT_CARD": ("4111 1111 1111 1111", "5500000000000004"),
    "PERSON": ("Alice", "鈴木"),
    "IP": ("203.0.113.9",),
}


def make_vault() -> tuple[Vault, dict[str, str]]:
    """Return a vault and the value of each of its tokens."""
    vault = Vault()
    return vault, {
        vault.replacement(value, Edit(0, 0, label, is_reversible=True)): value for label, values in VALUES.items() for value in values
    }


def protect_words(vault: Vault, text: str, label: str, *words: str) -> str:
    spans = sorted(match.span() for word in words for match in re.finditer(re.escape(word), text))
    return vault.protect(text, tuple(Edit(start, end, label, is_reversible=True) for start, end in spans))


def test_the_same_value_gets_the_same_token_and_comes_back() -> None:
    text = "Mail alice@example.com, then bob@example.org, then alice@example.com."
    vault = Vault([text])

    protected = protect_words(vault, text, "EMAIL", "alice@example.com", "bob@example.org")

    tokens = re.findall(r"\[EMAIL_[12]_[a-z][a-z2-9]{5}\]", protected)
    assert protected == f"Mail {tokens[0]}, then {tokens[1]}, then {tokens[0]}."
    assert tokens[0] != tokens[1]
    assert vault.restore(protected) == text


def test_edits_that_are_not_reversible_become_their_label() -> None:
    vault = Vault()

    assert vault.protect("key sk-1 here", (Edit(4, 8, "API_KEY"),)) == "key [API_KEY] here"
    assert len(vault) == 0


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutated_token_is_restored(name: str) -> None:
    vault, tokens = make_vault()

    for token, value in tokens.items():
        assert vault.restore(f"See {MUTATIONS[name](token)} for more") == f"See {value} for more"


@pytest.mark.parametrize("name", WRAPPINGS)
def test_what_stands_around_a_token_stays(name: str) -> None:
    vault, tokens = make_vault()
    before, after = WRAPPINGS[name]

    for token, value in tokens.items():
        assert vault.restore(f"See {before}{token}{after}.") == f"See {before}{value}{after}."


def test_plurals_and_lists_within_the_brackets() -> None:
    vault, tokens = make_vault()
    (token, value), (other, second) = list(tokens.items())[:2]

    assert vault.restore(f"{token[:-1]}'s] inbox") == f"{value}'s inbox"
    assert vault.restore(f"[{token[1:-1]}, {other[1:-1]}]") == f"[{value}, {second}]"
    assert vault.restore(f"[see {token[1:-1]}]") == f"[see {value}]"
    assert vault.restore(token.replace("EMAIL", "EMAILS")) == value


def test_mutations_on_random_positions_are_restored_in_whole_texts_and_streams() -> None:
    rng = random.Random(5)
    names = list(MUTATIONS)
    missed = 0
    for _ in range(500):
        vault, tokens = make_vault()
        token, value = rng.choice(list(tokens.items()))
        mutated = MUTATIONS[rng.choice(names)](token)
        text, expected = f"Dear {mutated}: even [so] e-mail\\", f"Dear {value}: even [so] e-mail\\"
        missed += vault.restore(text) != expected
        missed += stream(vault, text, rng) != expected

    assert missed == 0


def stream(vault: Vault, text: str, rng: random.Random, *, is_json: bool = False) -> str:
    restorer = Restorer(vault, is_json=is_json)
    pieces, at = [], 0
    while at < len(text):
        size = rng.choice((1, 1, 2, 3, 7, 20))
        pieces.append(restorer.feed(text[at : at + size]))
        at += size
    return "".join(pieces) + restorer.close()


def noisy_text(rng: random.Random, tokens: list[str]) -> str:
    """Return fragments of tokens, mutated or cut, with all that a token may be confused with."""
    odd = [
        "[",
        "]",
        "\\",
        "&",
        "&#9",
        "&#91;",
        "%5",
        "%5B",
        "\\u00",
        "\\u005b",
        "e",
        "em",
        "EMAIL",
        "_1_",
        "s",
        "'s",
        "'",
        "\u200b",
        " ",
        ",",
        "]]",
        "**",
        "Ｅ",
        "\n",
    ]
    pieces = []
    for _ in range(rng.randrange(1, 12)):
        token = rng.choice(tokens)
        kind = rng.random()
        if kind < 0.4:
            pieces.append(MUTATIONS[rng.choice(list(MUTATIONS))](token))
        elif kind < 0.6:
            cut = rng.randrange(len(token))
            pieces.append(rng.choice((token[:cut], token[cut:], token[:cut] + rng.choice(odd) + token[cut:])))
        else:
            pieces.append("".join(rng.choice(odd) for _ in range(rng.randrange(1, 5))))
    return "".join(pieces)


@pytest.mark.parametrize("is_json", [False, True])
def test_any_chunking_says_what_the_whole_says(is_json: bool) -> None:
    rng = random.Random(11)
    vault, tokens = make_vault()
    for _ in range(1_500):
        text = noisy_text(rng, list(tokens))
        whole = Restorer(vault, is_json=is_json)

        assert stream(vault, text, rng, is_json=is_json) == whole.feed(text) + whole.close(), ascii(text)


def test_a_stream_of_prose_is_hardly_held_back() -> None:
    vault, _ = make_vault()
    restorer = Restorer(vault)
    prose = "Every email program even eats [some] time in each e-mail & costs 5% more; peace, please. " * 20

    released = 0
    for at in range(len(prose)):
        released += len(restorer.feed(prose[at]))
        assert at + 1 - released <= 12


def test_tokens_of_other_requests_and_invented_ones_stay_text() -> None:
    rng = random.Random(3)
    for _ in range(200):
        vault, tokens = make_vault()
        _, others = make_vault()
        for token in others:
            mutated = MUTATIONS[rng.choice(list(MUTATIONS))](token)
            assert vault.restore(mutated) == mutated
            assert stream(vault, token, rng) == token
        token = next(iter(tokens))
        for invented in (
            token.replace("_1_", "_99_"),
            token.replace("EMAIL", "PHONE"),
            token[:-1] + "x]",
            token.replace("_1_", "_1")[:-2] + "]",
        ):
            assert vault.restore(invented) == invented


def test_the_tag_occurs_in_no_protected_text(monkeypatch: pytest.MonkeyPatch) -> None:
    letters = iter("bcdfgh" + "jkmnpq" + "rtvwxz")
    monkeypatch.setattr("guardrails.vault.secrets.choice", lambda alphabet: next(letters))

    vault = Vault(["a forged [EMAIL_1_B-C d_f.g\u200bh] token"])
    protected = protect_words(vault, "mail a@b.c and jkmnpq", "EMAIL", "a@b.c")

    assert protected == "mail [EMAIL_1_rtvwxz] and jkmnpq"


def test_labels_that_would_meet_get_tokens_of_their_own() -> None:
    vault = Vault()
    first = vault.replacement("one", Edit(0, 0, "A_1", is_reversible=True))  # a, 1, 1
    tokens = [vault.replacement(f"value {index}", Edit(0, 0, "A", is_reversible=True)) for index in range(12)]

    assert vault.restore(first) == "one"
    assert [vault.restore(token.replace("_", " ")) for token in tokens] == [f"value {index}" for index in range(12)]


@pytest.mark.parametrize("label", ["Kunden-Nr. 7", "", "[x]", "é", "a" * 200, "s", "5"])
def test_any_label_makes_a_token_that_comes_back(label: str) -> None:
    vault = Vault()
    token = vault.replacement("the value", Edit(0, 0, label, is_reversible=True))

    assert re.fullmatch(r"\[[A-Z0-9_]{1,32}_1_[a-z2-9]{6}\]", token)
    assert vault.restore(f"a {token.lower()}s") == "a the values"


def test_values_are_put_back_into_tool_arguments_as_json() -> None:
    vault, tokens = make_vault()
    (token, value), *_ = ((token, value) for token, value in tokens.items() if '"' in value)
    arguments = f'{{"to": ["{token.lower()}"], "n": 1.0, "{token}": null, "nested": {json.dumps(json.dumps({"to": token}))}}}'

    restored = vault.restore_json(arguments)

    read = json.loads(restored)
    assert (read["to"], read[value], json.loads(read["nested"])) == ([value], None, {"to": value})
    assert '"n": 1.0' in restored
    assert json.loads(stream(vault, f'{{"to": "{token}"}}', random.Random(1), is_json=True)) == {"to": value}
    assert vault.restore_json(f'{{"to": "{token}", "cut of') == f'{{"to": {json.dumps(value)}, "cut of'


def test_nothing_is_restored_into_external_tools() -> None:
    vault = Vault(external_tools=("web_*", "Post"))
    token = vault.replacement("a@b.c", Edit(0, 0, "EMAIL", is_reversible=True))
    arguments = json.dumps({"q": token})

    assert [vault.restore_arguments(tool, arguments) == arguments for tool in ("web_search", "WEB_fetch", "post", "send_email")] == [
        True,
        True,
        True,
        False,
    ]


def test_a_value_that_looks_like_a_token_is_not_looked_into() -> None:
    vault = Vault()
    token = vault.replacement("secret", Edit(0, 0, "A", is_reversible=True))
    outer = vault.replacement(f"<{token}>", Edit(0, 0, "B", is_reversible=True))

    assert vault.restore(outer) == f"<{token}>"


def test_a_vault_survives_its_store_and_goes_on() -> None:
    pairs = {"k1": os.urandom(32)}
    keys = organisation_keys(pairs, "acme")
    vault, tokens = make_vault()
    odd = vault.replacement("\ud800", Edit(0, 0, "EMAIL", is_reversible=True))

    sealed = vault.dump(keys, "acme/conversation-1")
    loaded = Vault.load(sealed, organisation_keys({"k2": os.urandom(32), **pairs}, "acme"), "acme/conversation-1")

    assert all(loaded.restore(token) == value for token, value in {**tokens, odd: "\ud800"}.items())
    assert loaded.replacement("alice@example.com", Edit(0, 0, "EMAIL", is_reversible=True)) in tokens
    assert loaded.replacement("new", Edit(0, 0, "EMAIL", is_reversible=True)).startswith("[EMAIL_6_")
    assert b"alice" not in sealed


@pytest.mark.parametrize(("organisation", "place"), [("other", "acme/1"), ("acme", "acme/2")])
def test_a_vault_opens_for_its_organisation_and_place_only(organisation: str, place: str) -> None:
    pairs = {"k1": os.urandom(32)}
    sealed = make_vault()[0].dump(organisation_keys(pairs, "acme"), "acme/1")

    with pytest.raises(DecryptionError):
        Vault.load(sealed, organisation_keys(pairs, organisation), place)


def test_values_are_neither_printed_nor_pickled() -> None:
    vault, _ = make_vault()
    restorer = Restorer(vault)
    restorer.feed("[")

    assert "alice" not in repr(vault) + str(vault) + repr(restorer) + repr(vars(type(vault)))
    with pytest.raises(TypeError):
        pickle.dumps(vault)


@pytest.mark.parametrize("unit", ["[", "\\", "e", "em ", "[em", "&", "&#", "\u200b", "%5", "EMAIL_1_", "[EMAIL_1_"])
def test_hostile_answers_come_back_unchanged(unit: str) -> None:
    vault, _ = make_vault()
    text = unit * 20_000

    assert vault.restore(text) == text
    assert len(Restorer(vault).feed(text)) > len(text) - 400
