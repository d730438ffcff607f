"""
What an installation tells its owner: `bootstrap.json` for programs, the banner for people.

Rules: the admin's password and the first API key are known only once, at the first start; the file keeps them.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from gatewaysite.services.private_file import write_private


@dataclass(frozen=True)
class Welcome:
    """The way into a running installation, field for field the keys of `bootstrap.json`."""

    base_url: str
    admin_user: str
    admin_password: str | None
    api_key: str | None


def refresh_welcome(path: Path, current: Welcome) -> Welcome:
    """
    Write `current` to the file (mode 0600, whole or not at all), with the stored password and key where it has none; return that.

    Errors: OSError when the file cannot be written; a damaged old file counts as none.
    """
    stored = _load(path)
    full = current
    if stored is not None and current.admin_password is None and stored.get("admin_user") == current.admin_user:
        full = replace(full, admin_password=stored.get("admin_password"))
    if stored is not None and current.api_key is None:
        full = replace(full, api_key=stored.get("api_key"))
    if stored != asdict(full):
        write_private(path, json.dumps(asdict(full), indent=2) + "\n")
    return full


def render_banner(welcome: Welcome, *, demo_model: str, logs: Path, bootstrap_file: Path) -> str:
    """Return the text shown when everything runs; its `curl` works as pasted into any POSIX shell."""
    password = welcome.admin_password or "as you set it (`manage.py changepassword` sets a new one)"
    key = welcome.api_key or "as you were shown it (`manage.py create_key` makes a new one)"
    return f"""
Gatewaysite is running at {welcome.base_url}

  Console    {welcome.base_url}/admin/
  User       {welcome.admin_user}
  Password   {password}
  API key    {key}
  Logs       {logs}
  Kept in    {bootstrap_file}

Try it:

{curl_command(welcome, demo_model)}

Ctrl-C stops everything.
"""


def curl_command(welcome: Welcome, model: str) -> str:
    """Return a command that streams one answer; without a known key it takes it from GATEWAY_API_KEY."""
    body = json.dumps({"model": model, "stream": True, "messages": [{"role": "user", "content": "Hello!"}]})
    bearer = shlex.quote(f"Authorization: Bearer {welcome.api_key}") if welcome.api_key else '"Authorization: Bearer $GATEWAY_API_KEY"'
    return " \\\n".join(
        (
            f"curl -N {shlex.quote(welcome.base_url + '/v1/chat/completions')}",
            f"  -H {bearer}",
            "  -H 'Content-Type: application/json'",
            f"  -d {shlex.quote(body)}",
        )
    )


def _load(path: Path) -> dict[str, str | None] | None:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return stored if isinstance(stored, dict) else None
