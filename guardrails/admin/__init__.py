"""The guardrails' pages of the console."""

from guardrails.admin.keys import KeyPolicyAdmin
from guardrails.admin.policies import PolicyAdmin
from guardrails.admin.versions import PolicyVersionAdmin
from guardrails.admin.word_lists import WordListAdmin

__all__ = ["KeyPolicyAdmin", "PolicyAdmin", "PolicyVersionAdmin", "WordListAdmin"]
