"""
What people write to a model to talk it out of its task, in English; other languages are in `injection_phrases_world`.

Rules: a phrase is evidence, `Pattern.score` says how much; a detector weighs it together with what the learned model says, and with
whether the phrase is used or only spoken of. The names of phrases that count in data only begin with `data_`.
"""

from __future__ import annotations

from collections.abc import Iterator

from guardrails.patterns import Pattern

LABEL = "PROMPT_INJECTION"

_GAP = r"[^.!?\n]{0,40}?"
_S = r"[\s,]{1,4}"

_IGNORE = (
    r"(?:ignor(?:e|ing)|disregard(?:ing)?|forget(?:ting)?|overrid(?:e|ing)|overrule|bypass(?:ing)?|discard|set aside|put aside|drop|abandon|erase|"
    r"stop (?:following|obeying)|(?:do not|don'?t|no longer) (?:follow|obey|listen to)|pay no attention to|neglect|dismiss|nullify|circumvent|violate|"
    r"throw (?:away|out)|cancel|revoke|void|unlearn|skip|suspend)"
)
_RULES = (
    r"(?:instructions?|prompts?|rules?|guidelines?|directives?|directions|commands|orders|constraints|restrictions|polic(?:y|ies)|programming|training|guardrails|safeguards|"
    r"context|messages?|safety (?:rules|filters?|protocols?|measures|checks)|filters?|moderation|conversation|text|statements|limitations)"
)
_IGNORE_TRIGGERS = (
    _IGNORE
    + r"\b[^.!?\n]{0,24}?\b(?:your|all|any|every|these|those|previous|prior|above|earlier|existing|initial|original|system|before|old|everything|anything|what|whatever|the|default|developer|preceding|foregoing|instructions|rules)",
)
_PRIOR = r"(?:previous(?:ly)?|prior|above|earlier|preceding|existing|initial|original|foregoing|before|old|system|default|developer'?s?)"
_SHOW = (
    r"(?:reveal|show|print|output|repeat|display|tell me|give me|write (?:out|down)|share|recite|disclose|leak|list|echo|dump|return|expose|paste|spell out|send me|type out|summari[sz]e|"
    r"reproduce|what (?:is|are|was|were)|translate|encode)"
)
_PROMPT = (
    r"(?:your (?:\w+ )?(?:system|initial|hidden|secret|original|base|developer|full|internal|starting|core|underlying|exact) "
    r"(?:prompts?|instructions?|messages?|configuration|directives?|guidelines|rules|text)"
    r"|(?:the|its|this) (?:\w+ )?(?:(?:system|hidden|secret|developer) (?:instructions?|messages?|configuration|directives?)"
    r"|(?:initial|original|base|full|internal|starting|hidden|secret|core|underlying) prompts?)"
    r"|your (?:\w+ )?(?:prompt|instructions|configuration|directives|pre-?prompt|system prompt)|system ?prompt)"
)

_ENGLISH: tuple[tuple[str, float, str, tuple[str, ...]], ...] = (
    ("override_prior", 1.0, rf"\b{_IGNORE}\b{_GAP}\b{_PRIOR}\b{_GAP}\b{_RULES}\b", _IGNORE_TRIGGERS),
    ("override_your", 1.0, rf"\b{_IGNORE}{_S}(?:\w+ ){{0,3}}?(?:your|all|any|every|these|those){_S}(?:\w+ ){{0,3}}?{_RULES}\b", _IGNORE_TRIGGERS),
    ("override_given", 1.0, rf"\b{_IGNORE}\b{_GAP}\b{_RULES}\b{_GAP}\b(?:you (?:got|were given|have been given|received|had)|given to you|above|before)\b", _IGNORE_TRIGGERS),
    ("override_everything", 0.9, rf"\b{_IGNORE}{_S}(?:all|everything|anything|whatever|what)\b{_GAP}\b(?:above|before|previous(?:ly)?|prior|earlier|told|said|learned|instructed|programmed)\b", _IGNORE_TRIGGERS),
    ("rules_void", 0.9, rf"\b{_RULES}\b{_GAP}\b(?:no longer apply|do not apply|don'?t apply|are (?:hereby )?(?:cancelled|void|lifted|suspended|disabled|replaced|obsolete)|have been (?:lifted|removed|disabled|replaced|updated))\b", ("no longer apply", "(?:do not|don'?t) apply", r"are (?:hereby )?(?:cancelled|void|lifted|suspended|disabled|replaced|obsolete)", "have been (?:lifted|removed|disabled|replaced|updated)")),
    ("not_bound", 0.9, r"\byou (?:are|'re) (?:no longer|not) (?:bound|limited|restricted|constrained)\b|\byou (?:no longer|don'?t) (?:have|need) to (?:follow|obey)\b", ("(?:no longer|not) (?:bound|limited|restricted|constrained)", "have to (?:follow|obey)", "need to (?:follow|obey)")),
    ("new_instructions", 0.7, rf"\b(?:your )?(?:new|updated|real|actual|only) (?:instructions?|task|orders?|directives?|goal|objective|role)\b{_GAP}(?:\bis\b|\bare\b|:)", ("(?:new|updated|real|actual|only) (?:instructions?|task|orders?|directives?|goal|objective|role)",)),
    ("show_prompt", 0.9, rf"\b{_SHOW}\b{_GAP}{_PROMPT}", (_PROMPT,)),
    ("show_above", 0.9, r"\b(?:repeat|print|output|show|recite|return|write (?:out|down))\b[^.!?\n]{0,30}?\b(?:text|words|everything|all|sentences?|content|messages?|instructions)\b[^.!?\n]{0,12}?\b(?:above|before this|prior to this|preceding)\b", (r"(?:above|before this|prior to this|preceding)\b",)),
    ("told_before", 0.8, r"\bwhat\b[^.!?\n]{0,20}?\b(?:were you|was|have you been|are you)\b[^.!?\n]{0,20}?\b(?:told|instructed|programmed|asked|supposed)\b[^.!?\n]{0,20}?\b(?:before|not to|above|by (?:your|the) (?:developers?|system|operator))", ("were you (?:told|instruct|programm|asked)", "(?:told|instructed|programmed|asked|supposed) [^.!?\n]{0,19}?(?:before|not to|above|by )")),
    ("secret_out", 0.7, r"\b(?:reveal|tell me|give me|show me|print|output|say|spell|leak|disclose|what is|what's)\b[^.!?\n]{0,20}?\b(?:the|your|that)\b[^.!?\n]{0,12}?\b(?:secret|hidden|confidential|protected|forbidden)\b[^.!?\n]{0,12}?\b(?:password|key|word|code|phrase|flag|token|information|data|passphrase)\b", ("(?:secret|hidden|confidential|protected|forbidden)",)),
    ("mode", 0.6, r"\b(?:enter|enable|activate|switch to|switch into|go into|you are (?:now )?in|start|initiate)\b[^.!?\n]{0,16}?\b(?:developer|debug|maintenance|admin(?:istrator)?|god|sudo|root|dan|unrestricted|diagnostic|override|jailbreak|unfiltered|evil)[ -]mode\b", ("(?:developer|debug|maintenance|admin(?:istrator)?|god|sudo|root|dan|unrestricted|diagnostic|override|jailbreak|unfiltered|evil)[ -]mode",)),
    ("filters_off", 0.9, r"\b(?:disable|turn off|switch off|deactivate|remove|lift|bypass|drop)\b[^.!?\n]{0,14}?\b(?:your|all|any|the)\b[^.!?\n]{0,20}?\b(?:safety|content|ethical|moral|moderation)\b[^.!?\n]{0,12}?\b(?:filters?|restrictions|guidelines|protocols?|checks|measures|policy|policies|limits|rules)\b", (r"(?:safety|content|ethical|moral|moderation)\b[^.!?\n]{0,12}?\b(?:filter|restriction|guideline|protocol|check|measure|polic|limit|rule)",)),
    ("you_are_admin", 0.6, r"\bi(?:'m| am) (?:your|the|an?) (?:\w+ )?(?:developer|creator|administrator|admin|owner|system operator|openai (?:engineer|employee))\b[^.!?\n]{0,60}?\b(?:reveal|show|give|tell|override|disable|grant|ignore|prompt|instructions)\b", (r"i(?:'m| am) (?:your|the|an?) ",)),
    ("say_exactly", 0.6, r"\b(?:ignore|instead|regardless|no matter)\b[^.!?\n]{0,40}?\b(?:say|print|output|reply with|respond with|write|answer)\b[^.!?\n]{0,12}?[\"'“‘][^\"'”’\n]{1,60}[\"'”’]", (r"ignore|instead|regardless|no matter",)),
    ("pwned", 0.8, r"\bi have been p(?:w|o)ned\b|\b(?:say|print|output|reply|respond|write)\b[^.!?\n]{0,20}?\b(?:pwned|hacked|compromised|owned)\b", ("pwned|poned|hacked|compromised|owned",)),
    ("authority", 0.6, r"\b(?:admin(?:istrator)?|developer|system|security|emergency|root) override\b|\boverride (?:code|accepted|authorized|authorised|key)\b", ("override",)),
    ("remember", 0.6, r"\b(?:save|store|add|remember|append)\b[^.!?\n]{0,30}?\b(?:long-term memory|your memory|for all future|every future|in all future)\b", ("(?:long-term memory|your memory|all future|every future)",)),
    ("data_to_ai", 1.0, r"\b(?:note|message|instructions?|attention|important|dear|reminder|notice)\b[^.!?\n]{0,10}?\b(?:to|for|:)?[^.!?\n]{0,16}?\b(?:ai|llms?|assistants?|language models?|chatbots?|ai agents?|coding agents?|agents)\b[^.!?\n]{0,40}?[:,]", ("(?:ai|llms?|assistants?|language models?|chatbots?|agents?)\\b",)),
    ("data_if_you_are", 1.0, r"\b(?:if you(?:'re| are)|you are|when) (?:an?|the|any) (?:ai|llm|language model|assistant|chatbot|ai assistant|ai agent|ai model|automated)\b[^.!?\n]{0,80}?\b(?:must|should|please|ignore|include|say|add|send|do not|don't|write|call|reply|respond)\b", (r"(?:if you(?:'re| are)|you are|when) (?:an?|the|any) (?:ai|llm|language|assistant|chatbot|automated)\b",)),
    ("data_hide", 1.0, r"\b(?:do not|don'?t|never|without)\b[^.!?\n]{0,16}?\b(?:tell|mention|inform|telling|mentioning|informing|notify|asking|alert(?:ing)?|show(?:ing)?)\b[^.!?\n]{0,16}?\bthe users?\b", ("the users?",)),
    ("data_send", 0.9, r"\b(?:send|forward|email|e-mail|post|upload|transmit|exfiltrate|submit|copy|leak)\b[^.!?\n]{0,80}?\b(?:to|via|at)\b[^.!?\n]{0,20}?(?:https?://|www\.|[a-z0-9._-]{2,30}@[a-z0-9-]{2,30}\.)", ("https?://", r"www\.", "[a-z0-9]@[a-z0-9]")),
    ("data_call_tool", 0.9, r"\b(?:call|invoke|use|run|execute|trigger)\b[^.!?\n]{0,12}?\b[a-z]{2,20}_[a-z_]{2,30}\b[^.!?\n]{0,40}?\b(?:to|with|on|for|and)\b", ("[a-z]_[a-z]",)),
    ("data_reply_style", 0.9, r"\b(?:in|at the (?:end|start|beginning) of|modify|provide|present|write|give|encode|translate|format|make|formulate|craft|deliver|compose|express|convert|keep) (?:all (?:of )?)?(?:your|the) (?:\w+ )?(?:response|reply|replies|answer|output|responses|answers|message|elucidation|explanation|communication)\b", ("(?:response|reply|replies|answer|output|message|elucidation|explanation|communication)",)),
    ("data_snippet", 1.0, r"\b(?:include|incorporat\w{1,3}|embed\w{0,4}|insert\w{0,3}|add\w{0,3}|integrat\w{1,3}|blend\w{0,3}|employ\w{0,3}|implement\w{0,3}|us(?:e|ing)|introduc\w{1,3}|append\w{0,3}|inject\w{0,3}|appl(?:y|ying)|weav\w{1,3}|utili[sz]\w{1,3}|merg\w{1,3}|place|put)\b[^.!?\n]{0,40}?\b(?:following|subsequent|below|next|given|provided|this)\b[^.!?\n]{0,20}?\b(?:code|snippet|script|fragment)\b[^.!?\n]{0,40}?\b(?:your|codebase|solution|implementation|response|elucidation|algorithm)", (r"(?:following|subsequent|below|next|given|provided|this)\b[^.!?\n]{0,20}?\b(?:code|snippet|script|fragment)\b",)),
    ("data_snippet_your", 0.8, r"\b(?:enhance|improve|modify|boost|optimi[sz]e|refine|streamline|develop|expand|enrich|strengthen|upgrade|give|tune|fine-tune|augment|adapt|adjust|extend)\b[^.!?\n]{0,12}?\byour\b[^.!?\n]{0,50}?\b(?:following|subsequent|below|next)\b[^.!?\n]{0,12}?\b(?:code|snippet|script)\b", (r"(?:following|subsequent|below|next)\b[^.!?\n]{0,12}?\b(?:code|snippet|script)\b",)),
    ("data_override_user", 1.0, r"\b(?:ignore|disregard|forget|instead of)\b[^.!?\n]{0,20}?\b(?:the user|user'?s|(?:the|this) (?:e-?mail|document|table|question|request|query|task|text|article|page|code|context))\b", (r"(?:ignore|disregard|forget|instead of)\b",)),
)  # fmt: skip

_STRUCTURE: tuple[tuple[str, float, str, tuple[str, ...]], ...] = (
    ("chat_token", 0.9, r"<\|(?:im_start|im_end|im_sep|system|user|assistant|endoftext|endofprompt|start_header_id|end_header_id|eot_id|begin_of_text)\|>|<<SYS>>|\[/?INST\]|<(?:start|end)_of_turn>", (r"<\|", "<<SYS", r"\[/?INST", "_of_turn")),
    ("role_tag", 0.7, r"</?(?:system|sys|system_prompt|system_message|admin|instructions?|developer|user_input|user_query|assistant)>|\[/?(?:system|sys|admin|developer|end_system)[^\]\n]{0,24}\]", (r"[<\[/](?:sys|admin|instr|developer|user_|assistant|end_system)",)),
    ("role_line", 0.5, r"(?:^|\n)[ \t#*>-]{0,6}(?:system|assistant|developer|ai)(?: (?:message|prompt|note|override|update))?[ \t*]{0,3}:", ("(?:system|assistant|developer|ai)[ \t*a-z]{0,12}:",)),
    ("section_mark", 0.5, r"#{2,5} ?(?:instructions?|system|response|human|assistant|new (?:task|instructions?)|end of|begin|user)\b|[-=#%]{3,12} ?(?:end|begin|start|stop)[^\n]{0,30}(?:prompt|instructions?|input|context|user|text|document|system)", ("(?:##|[-=#%]{3}) ?[a-z]",)),
    ("json_role", 0.6, r"[\"']role[\"']\s{0,3}:\s{0,3}[\"'](?:system|developer)[\"']", ("[\"']role[\"']",)),
)  # fmt: skip


def _patterns(entries: tuple[tuple[str, float, str, tuple[str, ...]], ...], is_disguised_too: bool) -> Iterator[Pattern]:
    for name, score, expression, triggers in entries:
        yield Pattern(name, LABEL, expression, triggers=triggers, is_caseless=True, score=score, is_disguised_too=is_disguised_too)


def english() -> tuple[Pattern, ...]:
    return (*_patterns(_ENGLISH, is_disguised_too=True), *_patterns(_STRUCTURE, is_disguised_too=False))


STRUCTURE_NAMES = frozenset(name for name, *_ in _STRUCTURE)
