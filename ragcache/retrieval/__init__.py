"""
Retrieval without a store: bytes to text, text to chunks, chunks to ranked hits, answers to the spans they rest on.

Rules: no Django, no network, no clock, no table. Documents are hostile: what reads their formats runs in a child process (`reading`).
Offsets are characters of a document's one canonical text, from beginning to end: blocks, chunks and citations all point into it.
"""
