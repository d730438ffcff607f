"""
Guardrails on the way of a request: which policies hold, what they are shown, and what becomes of what they say.

    book.py             the published policies of a snapshot, compiled, and which of them hold for whom
    texts.py            the texts of a request and of a whole answer, by dialect, and how they are changed
    controls.py         what a request says beside its conversation
    parts.py            values that lie across the parts of a message
    stream.py           the texts of a stream, piece by piece
    call.py             one request under its policies, from the question to the end of the answer
    provider_errors.py  what a provider says instead of an answer

What a policy is and how it looks, `guardrails/` knows; what a dialect looks like, this package.
Source: docs/design/0014-guardrails.md
"""
