"""What embeddings, the semantic cache and retrieval cannot do, in words for whoever can change it."""

from __future__ import annotations


class EmbeddingError(Exception):
    """The root of what goes wrong with embedding models."""


class ModelMissing(EmbeddingError):
    """A model that is not there: its files were not made, its package is not installed, or nobody knows the name."""


class ModelDamaged(EmbeddingError):
    """A file of a model that is not what was built or published."""


class DownloadFailed(EmbeddingError):
    """The published bytes of a model could not be had. The product runs without it."""


class TextRefused(EmbeddingError):
    """A text, or a length of vectors, that a client asked of a model in vain. `param` is the field of the request to change."""

    def __init__(self, message: str, param: str) -> None:
        super().__init__(message)
        self.param = param
