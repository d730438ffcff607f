"""Guardrails in the apply format: published with everything else, shown, taken away, and written back as they were."""

from __future__ import annotations

import pytest
import yaml

from apikeys.public import ApiKey
from guardrails.public import Policy, WordList, find_published
from proxy.configuration.apply import apply_document
from proxy.configuration.format import DocumentError, parse_document
from proxy.configuration.write import export_yaml
from proxy.models import ConfigurationRevision

pytestmark = pytest.mark.django_db

RULE = "{detector: keywords, action: block, fail_mode: closed, parameters: {words: [zebra]}}"
STRICT = f"guardrails: [{{name: strict, rules: [{RULE}]}}]"


def apply(text, **options):
    return apply_document(parse_document(text), {}, **options)


def refusal(text, **options):
    with pytest.raises(DocumentError) as error:
        apply(text, **options)
    return str(error.value)


def test_apply_publishes_once_and_then_changes_nothing():
    first, second = apply(STRICT), apply(STRICT)

    assert (first.diff, first.revision, second.diff, second.revision) == ("+ policy strict", 1, "", None)
    assert find_published("strict")[1] == Policy.objects.get().versions.count() == 1


def test_apply_shows_what_changes_in_a_rule():
    apply(STRICT)

    changed = apply(
        "guardrails: [{name: strict, mode: shadow, rules: ["
        "{detector: keywords, action: log, fail_mode: closed, parameters: {words: [lion]}},"
        " {detector: limits, fail_mode: open, parameters: {max_messages: 3}}]}]"
    )

    assert changed.diff == (
        "~ policy strict: mode enforce -> shadow, "
        "rule keywords (action block -> log, parameters.words [zebra] -> [lion]), rule limits added, version 1 -> 2"
    )


def test_a_dry_run_shows_and_stores_nothing():
    assert apply(STRICT, is_dry_run=True).diff == "+ policy strict"
    assert not Policy.objects.exists()


def test_a_changed_word_list_publishes_the_policies_of_the_file_again():
    text = "word_lists: [{name: animals, words: [%s]}]\n" + STRICT.replace("words: [zebra]", "lists: [animals]")
    apply(text % "zebra")

    changed = apply(text % "lion")

    assert changed.diff.splitlines() == ["~ word list animals: words [zebra] -> [lion]", "~ policy strict: version 1 -> 2"]
    assert find_published("strict")[0].rules[0].parameters["lists"][0]["words"] == ["lion"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (STRICT.replace(" fail_mode: closed,", ""), "Object missing required field `fail_mode`"),
        (STRICT.replace("action: block", "colour: red"), "Object contains unknown field `colour`"),
        (STRICT.replace("[zebra]", "[]"), "$.guardrails[0]: Rule 'keywords': Detector 'keywords' has no words"),
        (STRICT.replace("rules:", "scope: {keys: [nobody]}, rules:"), "$.guardrails[0]: There is no API key 'nobody'."),
        (
            STRICT.replace("rules:", "tests: [{text: a lion, expect: block}], rules:"),
            "$.guardrails[0]: Test case 1 ('a lion'): expected block",
        ),
        (
            "workspaces: [{slug: acme}]\napi_keys: [{name: ci, workspace: acme, policy: none}]",
            "$.api_keys[0].policy: policy none does not exist; add it to `guardrails`",
        ),
    ],
)
def test_what_cannot_be_published_is_refused_at_its_place(text, sentence):
    assert sentence in refusal(text)
    assert not Policy.objects.exists()
    assert not ConfigurationRevision.objects.exists()


def test_a_key_names_a_policy_and_gives_it_up():
    key = "\nworkspaces: [{slug: acme}]\napi_keys: [{name: ci, workspace: acme%s}]"
    apply(STRICT + key % ", policy: strict")
    named = ApiKey.objects.get().key_policy.policy.name

    changed = apply(STRICT + key % "")

    assert (named, hasattr(ApiKey.objects.get(), "key_policy")) == ("strict", False)
    assert changed.diff.splitlines() == ["~ policy strict: attached_keys [acme/ci] -> none", "~ API key acme/ci: policy strict -> none"]


def test_prune_takes_away_policies_and_lists_that_the_file_does_not_name():
    apply("word_lists: [{name: animals, words: [zebra]}]\n" + STRICT)

    applied = apply("word_lists: []\nguardrails: []", is_pruning=True)

    assert applied.diff.splitlines() == ["- word list animals", "- policy strict"]
    assert (Policy.objects.count(), WordList.objects.count()) == (0, 0)


def test_prune_refuses_a_policy_that_a_key_names():
    apply(STRICT + "\nworkspaces: [{slug: acme}]\napi_keys: [{name: ci, workspace: acme, policy: strict}]")

    assert "API keys name policy strict: ci." in refusal("guardrails: []", is_pruning=True)


def test_export_writes_what_was_written_and_nothing_else():
    text = STRICT.replace("words: [zebra]", "lists: [animals]")
    apply("word_lists: [{name: animals, words: [zebra]}]\n" + text)

    assert yaml.safe_load(export_yaml())["guardrails"] == yaml.safe_load(text)["guardrails"]
    assert apply(export_yaml(), is_pruning=True).diff == ""
