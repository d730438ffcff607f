"""
The only writers of guardrail policies, their versions, word lists, and which key names which policy.

Rules: one transaction each; what is in force is configuration, so a write that changes it ends in a revision (`common.publishing`).
A draft may be stored only if it compiles; a version only if it passes its own test cases. Compiling is slow, so it comes before the
transaction.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import Max

from common.publishing import publishing
from guardrails.documents import (
    check_no_credentials,
    digest_of,
    dump_document,
    dump_draft,
    dump_fields,
    list_names,
    parse_document,
    parse_draft,
    resolve_lists,
    without_defaults,
)
from guardrails.engine.check import CompiledPolicy
from guardrails.engine.compile import compile_policy
from guardrails.errors import BadRule, PolicyError
from guardrails.models import KeyPolicy, Policy, PolicyVersion, WordList
from guardrails.policy_document import Mode, PolicyDocument
from guardrails.scopes import ResolvedScope, resolve_scope
from guardrails.trials import Failure, run_cases

_NOTE_MAX_LENGTH: Final = 500
_WORDS_MAX_COUNT: Final = 20_000


@dataclass(frozen=True, slots=True)
class Checked:
    """A document that compiles: as written, with its lists put in, whom it is for, and the test cases that it fails."""

    source: PolicyDocument
    document: PolicyDocument
    scope: ResolvedScope
    compiled: CompiledPolicy
    failures: tuple[Failure, ...]


# --- reading what is stored -----------------------------------------------------------------------------------------------------


def draft_of(policy: Policy) -> PolicyDocument:
    """Return the policy's draft. Errors: PolicyError for one that an earlier version of the product wrote otherwise."""
    try:
        return parse_draft(policy.name, policy.mode, policy.draft)
    except BadRule as error:
        raise PolicyError(str(error)) from error


def document_of(version: PolicyVersion) -> PolicyDocument:
    """Return what a version says, with the words of its lists. Errors: PolicyError as `draft_of`."""
    return _parse(version.document)


def source_of(version: PolicyVersion) -> PolicyDocument:
    """Return what a version says as it was written, with the names of its lists. Errors: PolicyError as `draft_of`."""
    return _parse(version.source)


def _parse(values: Any) -> PolicyDocument:
    try:
        return parse_document(values)
    except BadRule as error:
        raise PolicyError(str(error)) from error


def read_document(values: Any) -> PolicyDocument:
    """Return the document that JSON values from outside say. Errors: PolicyError."""
    return _parse(values)


def write_policy(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a policy's document, given with all its fields and perhaps others, as a person would write it. Errors: PolicyError."""
    own = {field.name for field in msgspec.structs.fields(PolicyDocument)}
    return without_defaults(_parse({name: value for name, value in fields.items() if name in own}))


# --- checking -------------------------------------------------------------------------------------------------------------------


def check_document(document: PolicyDocument, *, is_trying: bool = True, is_new: bool = True) -> Checked:
    """
    Return the document compiled and, with `is_trying`, tried on its own test cases. `is_new` False for what was in force before.

    Errors: PolicyError for a rule that does not compile, a list, a workspace or a key that there is not, and for a credential that stands
    in a new document. Cost: up to a second, and milliseconds for a document whose automaton is on disk; two or three queries.
    """
    if not document.rules:
        raise PolicyError("A policy needs at least one rule.")
    scope = resolve_scope(document.scope)
    try:
        if is_new:
            check_no_credentials(document)
        dump_draft(document)
        resolved = resolve_lists(document, _words_of(document))
        compiled = _compile(dump_document(msgspec.structs.replace(resolved, mode="enforce")))
    except BadRule as error:
        raise PolicyError(str(error)) from error
    _check_cases_name_rules(document)
    failures = run_cases(compiled, document.tests) if is_trying else ()
    return Checked(document, resolved, scope, compiled, failures)


@lru_cache(maxsize=8)
def _compile(dump: bytes) -> CompiledPolicy:
    """Return the policy of a document's canonical JSON; the last few are kept, because one change checks the same document twice."""
    document = msgspec.json.decode(dump, type=PolicyDocument)
    return compile_policy(document, cache_folder=settings.GATEWAY_AUTOMATA_FOLDER)


def _check_cases_name_rules(document: PolicyDocument) -> None:
    names = {rule.name or rule.detector for rule in document.rules}
    wrong = [
        f"Test case {at}: there is no rule {case.rule!r}." for at, case in enumerate(document.tests, 1) if case.rule not in {"", *names}
    ]
    if wrong:
        raise PolicyError(*wrong)


def _words_of(document: PolicyDocument) -> dict[str, Sequence[str]]:
    names = list_names(document)
    return dict(WordList.objects.filter(name__in=names).values_list("name", "words")) if names else {}


def compile_enforced(document: PolicyDocument) -> CompiledPolicy:
    """Return a document whose lists are put in, compiled as if it were enforced, to try it. Errors: PolicyError."""
    try:
        return _compile(dump_document(msgspec.structs.replace(document, mode="enforce")))
    except BadRule as error:
        raise PolicyError(str(error)) from error


# --- drafts ---------------------------------------------------------------------------------------------------------------------


def create_policy(document: PolicyDocument, description: str = "") -> Policy:
    """Store a new policy with this draft; it holds nowhere until it is published. Errors: PolicyError; ValidationError for its name."""
    policy = Policy(name=document.name, description=description)
    _take_draft(policy, document)
    with transaction.atomic():
        policy.full_clean()
        policy.save(force_insert=True)
    return policy


def change_draft(policy: Policy, document: PolicyDocument, description: str | None = None) -> Policy:
    """
    Store what the policy shall say when it is published next. Errors: PolicyError for a document that does not compile, or another name.

    A changed description is configuration at once.
    """
    if document.name != policy.name:
        raise PolicyError("A policy keeps its name: records and keys know it by that. Create another one.")
    _take_draft(policy, document)
    if description is not None:
        policy.description = description
    with publishing(f"Change policy {policy.name}"):
        policy.full_clean()
        policy.save(update_fields=["mode", "draft", "description", "updated_at"])
    return policy


def _take_draft(policy: Policy, document: PolicyDocument) -> None:
    check_document(document, is_trying=False)
    policy.mode, policy.draft = document.mode, dump_draft(document)


# --- publishing -----------------------------------------------------------------------------------------------------------------


def publish(policy: Policy, by: Any = None, note: str = "") -> PolicyVersion | None:
    """
    Freeze the draft as the next version and put it in force; None where the version in force says the same.

    Errors: PolicyError for a draft that does not compile any more, or with a sentence for each test case that fails.
    """
    return _publish(policy, draft_of(policy), by, note)


def save_and_publish(document: PolicyDocument, description: str = "", by: Any = None, note: str = "") -> Policy:
    """Create or change the policy of this name and publish it: what configuration as code does. Errors: as `publish`."""
    with publishing(f"Publish policy {document.name}", actor=by):
        policy = Policy.objects.filter(name=document.name).first()
        if policy is None:
            policy = create_policy(document, description)
        elif policy.description != description or draft_of(policy) != document:
            change_draft(policy, document, description)
        publish(policy, by, note)
    return policy


def set_mode(policy: Policy, mode: Mode, by: Any = None, note: str = "") -> PolicyVersion | None:
    """
    Put the version in force into another mode, as a version of its own; what the draft has besides stays a draft.

    Errors: PolicyError as `publish`. A policy that was never published only remembers the mode.
    """
    with publishing(f"Set policy {policy.name} to {mode}", actor=by):
        locked = _lock(policy)
        locked.mode = policy.mode = mode
        locked.save(update_fields=["mode", "updated_at"])
        if locked.published is None:
            return None
        source = msgspec.structs.replace(source_of(locked.published), mode=mode)
        return _publish(policy, source, by, note or f"Mode {mode}", is_new=False)


def promote(policy: Policy, by: Any = None) -> PolicyVersion | None:
    """Enforce what was in shadow. Errors: PolicyError as `publish`."""
    return set_mode(policy, "enforce", by, "Promoted from shadow")


def _publish(policy: Policy, source: PolicyDocument, by: Any, note: str, *, is_new: bool = True) -> PolicyVersion | None:
    if _is_in_force(policy, source):
        return None
    checked = check_document(source, is_new=is_new)
    if checked.failures:
        raise PolicyError(*map(str, checked.failures))
    dump = dump_document(checked.document)
    with publishing(f"Publish policy {policy.name}", actor=by):
        locked = _lock(policy)
        version = PolicyVersion(
            policy=locked,
            number=(locked.versions.aggregate(last=Max("number"))["last"] or 0) + 1,
            source=dump_fields(checked.source),
            document=json.loads(dump),
            digest=digest_of(dump),
            workspace_ids=list(checked.scope.workspace_ids),
            key_ids=list(checked.scope.key_ids),
            published_by=by if getattr(by, "pk", None) else None,
            note=note[:_NOTE_MAX_LENGTH],
        )
        version.full_clean()
        version.save(force_insert=True)
        _point_to(policy, version)
    return version


def _is_in_force(policy: Policy, source: PolicyDocument) -> bool:
    """Return whether the version in force says just this, lists and scope included. Cost: no compiling."""
    current = PolicyVersion.objects.filter(pk=policy.published_id).first() if policy.published_id else None
    if current is None or current.source != json.loads(json.dumps(dump_fields(source))):
        return False
    try:
        resolved, scope = resolve_lists(source, _words_of(source)), resolve_scope(source.scope)
    except (BadRule, PolicyError):
        return False
    is_same_scope = (tuple(current.workspace_ids), tuple(current.key_ids)) == (scope.workspace_ids, scope.key_ids)
    return is_same_scope and current.digest == digest_of(dump_document(resolved))


def _lock(policy: Policy) -> Policy:
    return Policy.objects.select_for_update(of=("self",)).select_related("published").get(pk=policy.pk)


def _point_to(policy: Policy, version: PolicyVersion | None) -> None:
    policy.published = version
    policy.save(update_fields=["published", "updated_at"])


def rollback(policy: Policy, version: PolicyVersion, by: Any = None) -> None:
    """
    Put an earlier version of the policy in force again; the draft stays as it is.

    Errors: PolicyError for a version of another policy, or one that does not compile any more.
    """
    if version.policy_id != policy.pk:
        raise PolicyError(f"Version {version.number} is not one of policy {policy.name}.")
    try:
        _compile(dump_document(document_of(version)))
    except BadRule as error:
        raise PolicyError(f"Version {version.number} does not compile any more. {error}") from error
    with publishing(f"Roll policy {policy.name} back to version {version.number}", actor=by):
        _lock(policy)
        _point_to(policy, version)


def unpublish(policy: Policy, by: Any = None) -> None:
    """Take the policy out of force; its versions and its draft stay. Errors: PolicyError while API keys name it."""
    with publishing(f"Unpublish policy {policy.name}", actor=by):
        _check_is_free(_lock(policy))
        _point_to(policy, None)


def delete_policy(policy: Policy) -> None:
    """Delete the policy with its versions. Errors: PolicyError while API keys name it."""
    with publishing(f"Delete policy {policy.name}"):
        locked = _lock(policy)
        _check_is_free(locked)
        _point_to(locked, None)
        locked.delete()


def _check_is_free(policy: Policy) -> None:
    users = [str(each.api_key) for each in policy.key_policies.filter(api_key__revoked_at=None).select_related("api_key")]
    if users:
        raise PolicyError(f"API keys name policy {policy.name}: {', '.join(sorted(users))}. Take it off them first.")
    policy.key_policies.all().delete()


# --- keys -----------------------------------------------------------------------------------------------------------------------


def attach_policy(api_key: Any, policy: Policy | None) -> KeyPolicy | None:
    """
    Let the policy hold for this key wherever its scope ends, instead of the one that the key named before; None takes that away.

    Errors: PolicyError for a policy that is not published.
    """
    with publishing(f"Policy of API key {api_key}"):
        if policy is None:
            KeyPolicy.objects.filter(api_key=api_key).delete()
            return None
        if _lock(policy).published_id is None:
            raise PolicyError(f"Policy {policy.name} is not published, so it would hold for nothing. Publish it first.")
        stored, _ = KeyPolicy.objects.update_or_create(api_key=api_key, defaults={"policy": policy})
        return stored


def find_policy(name: str) -> Policy | None:
    return Policy.objects.filter(name=name).first()


# --- word lists -----------------------------------------------------------------------------------------------------------------


def save_word_list(words: WordList) -> WordList:
    """
    Store a new or changed list; policies that name it change when they are published again.

    Errors: ValidationError; PolicyError for an empty list or too many words. Words are stripped, each is kept once.
    """
    words.words = list(dict.fromkeys(filter(None, (each.strip() for each in words.words))))
    if not words.words:
        raise PolicyError("A word list needs at least one word.")
    if len(words.words) > _WORDS_MAX_COUNT:
        raise PolicyError(f"The list has {len(words.words)} words: {_WORDS_MAX_COUNT} are allowed.")
    with publishing(f"Save word list {words.name}"):
        words.full_clean()
        words.save()
    return words


def delete_word_list(words: WordList) -> None:
    """Delete a list. Errors: PolicyError while a policy's draft or its version in force names it."""
    with publishing(f"Delete word list {words.name}"):
        users = [policy.name for policy in Policy.objects.select_related("published") if words.name in _named_lists(policy)]
        if users:
            raise PolicyError(f"Policies name the list {words.name}: {', '.join(users)}. Take it out of their rules first.")
        words.delete()


def _named_lists(policy: Policy) -> frozenset[str]:
    published = list_names(source_of(policy.published)) if policy.published else frozenset()
    return published | list_names(draft_of(policy))
