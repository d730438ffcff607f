"""
Vectors of all-MiniLM-L6-v2 as sentence-transformers computes them: what our own graph is held to.

`python -m tests.ragcache.embedding_reference FOLDER` writes them anew from a folder of the published model (the one inside its wheel), in
an environment with requirements-ml.txt. The file is committed, so that the tests need no torch.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FILE = Path(__file__).parent.parent / "data" / "embeddings" / "minilm_reference.jsonl"

TEXTS = (
    "",
    " ",
    "a",
    "?",
    "How do I reset my password?",
    "I forgot my password. How can I set a new one?",
    "HOW DO I RESET MY PASSWORD",
    "What is the capital of France?",
    "What is the capital of Italy?",
    "Is it safe to take ibuprofen with alcohol?",
    "Is it unsafe to take ibuprofen with alcohol?",
    "The meeting is on 3 March 2026 at 14:30.",
    "The meeting is on 4 March 2026 at 14:30.",
    "Transfer $1,250.00 to account DE89 3704 0044 0532 0130 00",
    "Naïve café, façade, jalapeño, Ångström",
    "straße, Übergröße, Fußgängerübergänge",
    "Żółć, příliš žluťoučký kůň, việt nam",
    "Привет, как сбросить пароль?",
    "Πώς επαναφέρω τον κωδικό μου;",
    "כיצד אוכל לאפס את הסיסמה שלי?",
    "كيف أعيد تعيين كلمة المرور؟",
    "パスワードを再設定するにはどうすればいいですか。",
    "如何重置我的密码？",
    "비밀번호를 어떻게 재설정하나요?",
    "मैं अपना पासवर्ड कैसे रीसेट करूँ?",
    "😀",
    "I love it 😍🔥🔥 but 👩‍👩‍👧‍👦 and 🇩🇪 are several characters",
    "e\u0301 is not \u00e9, and ﬁ is a ligature",
    "zero\u200bwidth and soft\u00adhyphen and no\u00a0break",
    "tabs\tand\nlines\r\nand\x00nulls\x07bells",
    "a" * 99,
    "a" * 100,
    "a" * 101,
    "antidisestablishmentarianism and pneumonoultramicroscopicsilicovolcanoconiosis",
    "https://example.com/a/very/long/path?with=query&and=more#fragment",
    "def add(a: int, b: int) -> int:\n    return a + b",
    'SELECT name, count(*) FROM users WHERE "age" > 21 GROUP BY name;',
    '{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}',
    "[CLS] special [SEP] tokens [MASK] in [PAD] the [UNK] text",
    "don't can't won't it's rock'n'roll",
    "1234567890 3.14159 1e-10 0xDEADBEEF 50% #1 @home",
    "...!!!???---___***",
    "How many employees does the company have, and in which of its offices do most of them work at the moment?",
    "word " * 126,
    "word " * 253,
    "word " * 254,
    "word " * 255,
    "word " * 600,
    "The quick brown fox jumps over the lazy dog. " * 67,
    "漢字かな" * 750,
    "x" * 3_000,
    " " * 3_000,
)


def read_reference() -> list[tuple[str, NDArray[np.float32]]]:
    """Return each text with its vector. Shapes: float32 (384,), L2-normalised."""
    rows = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
    return [(row["text"], np.frombuffer(base64.b64decode(row["vector"]), "<f4")) for row in rows]


def main(model: str) -> None:
    from sentence_transformers import SentenceTransformer  # in no environment but that of requirements-ml.txt

    encoder = SentenceTransformer(model, device="cpu")
    FILE.parent.mkdir(parents=True, exist_ok=True)
    with FILE.open("w", encoding="utf-8") as file:
        for text in TEXTS:
            # One by one: padding would move the last digits.
            vector = encoder.encode([text], normalize_embeddings=True, convert_to_numpy=True)[0]
            written = base64.b64encode(np.asarray(vector, "<f4").tobytes()).decode()
            file.write(json.dumps({"text": text, "vector": written}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
