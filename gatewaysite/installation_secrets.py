"""
The three secrets of an installation, for those who set none: `manage.py up` writes them once to `<data>/secrets.json` (mode 0600).

Every command of the installation reads that file. Without it (a fresh clone, a linter) the values are random and live as long as
the process; `manage.py check --deploy` refuses to serve with such.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class InstallationSecrets:
    """`encryption_keys` in the form of GATEWAY_ENCRYPTION_KEYS: `id:base64` pairs, the first one encrypts."""

    secret_key: str
    key_pepper: str
    encryption_keys: list[str]


def generate() -> InstallationSecrets:
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    return InstallationSecrets(secrets.token_urlsafe(48), secrets.token_urlsafe(48), [f"k1:{key}"])


def find(path: Path) -> InstallationSecrets | None:
    """Return what the file holds, None without one. Errors: ValueError for a file that is not ours."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        return InstallationSecrets(**json.loads(text))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is damaged; restore it from a backup: without it no stored credential can be read") from error


def ensure(path: Path) -> InstallationSecrets:
    """Return the installation's secrets, writing them on the first call (whole or not at all, mode 0600)."""
    if (present := find(path)) is not None:
        return present
    created = generate()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(created), file)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        return ensure(path)
    finally:
        draft.unlink()
    return created
