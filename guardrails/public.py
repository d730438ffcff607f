"""What other console code may import of this app."""

from guardrails.domain import (
    attach_policy,
    change_draft,
    create_policy,
    delete_policy,
    delete_word_list,
    find_policy,
    publish,
    read_document,
    save_and_publish,
    save_word_list,
    source_of,
    unpublish,
    write_policy,
)
from guardrails.errors import PolicyError
from guardrails.lookup import get_draft, get_version
from guardrails.models import KeyPolicy, Policy, PolicyVersion, WordList
from guardrails.published import Published, find_published, list_published

__all__ = [
    "KeyPolicy",
    "Policy",
    "PolicyError",
    "PolicyVersion",
    "Published",
    "WordList",
    "attach_policy",
    "change_draft",
    "create_policy",
    "delete_policy",
    "delete_word_list",
    "find_policy",
    "find_published",
    "get_draft",
    "get_version",
    "list_published",
    "publish",
    "read_document",
    "save_and_publish",
    "save_word_list",
    "source_of",
    "unpublish",
    "write_policy",
]
