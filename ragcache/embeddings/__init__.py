"""
Texts as vectors: which models there are, how their files are made at install, and how they are run without torch.

`local.py` is the place to start. Nothing here knows Django, and numpy, onnxruntime and the tokenizers are loaded with the first model.
"""
