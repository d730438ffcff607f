"""
The judgement of the semantic cache: may the answer to one question be given to another?

`index.py` is the place to start: it runs the stages in their order. Nothing here knows Django, or does I/O; numpy comes with the first
block.
"""
