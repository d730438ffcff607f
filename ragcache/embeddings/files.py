"""
The folder of a built model: its files, and `model.json` that says what they are.

Rules: a folder is there whole or not at all (`building.py` renames it into place); what is read is what was built, or an error.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ragcache.embeddings.catalog import BY_NAME, WEIGHTS_FILE, Model
from ragcache.errors import ModelDamaged, ModelMissing

DESCRIPTION_FILE = "model.json"
_ID_DIGITS_COUNT = 12


class FileFacts(msgspec.Struct, frozen=True):
    size_bytes: int
    sha256: str


class Description(msgspec.Struct, frozen=True):
    """What `model.json` holds. `recipe` is the catalog's when the files were made."""

    name: str
    recipe: int
    files: dict[str, FileFacts]


@dataclass(frozen=True, slots=True)
class BuiltModel:
    """A model whose files are there."""

    model: Model
    folder: Path
    description: Description

    @property
    def id(self) -> str:
        """The model's name and the start of a SHA-256 over those of the files that vectors are made with."""
        files = self.description.files
        joined = "".join(f"{name}:{files[name].sha256}\n" for name in sorted(files) if name != WEIGHTS_FILE)
        return f"{self.model.name}@{hashlib.sha256(joined.encode()).hexdigest()[:_ID_DIGITS_COUNT]}"

    def path(self, name: str) -> Path:
        """
        Return where a file lies, once its bytes are those that were built.

        Errors: ModelDamaged. Cost: reads the file, 20 ms for the largest.
        """
        path = self.folder / name
        facts = self.description.files.get(name)
        if facts is None or describe_file(path) != facts:
            raise ModelDamaged(f"{path} is not what was built. Remove {self.folder} and run `manage.py build_models`.")
        return path


def find_built(models: Path, name: str) -> BuiltModel | None:
    """Return a model of the catalog that is built in the folder `models` by the present recipe. Cost: reads a small file."""
    model = BY_NAME[name]
    folder = models / name
    try:
        description = msgspec.json.decode((folder / DESCRIPTION_FILE).read_bytes(), type=Description)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    if (description.name, description.recipe) != (name, model.recipe):
        return None
    return BuiltModel(model, folder, description)


def get_built(models: Path, name: str) -> BuiltModel:
    """As `find_built`. Errors: ModelMissing."""
    if name not in BY_NAME:
        raise ModelMissing(f"There is no local model {name!r}. There are: {', '.join(sorted(BY_NAME))}.")
    built = find_built(models, name)
    if built is None:
        raise ModelMissing(f"The model {name} is not in {models}. Make it with `make install` or `manage.py build_models`.")
    return built


def describe_file(path: Path) -> FileFacts | None:
    """Return size and SHA-256 of a file, None when it cannot be read."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return FileFacts(file.tell(), digest)
    except OSError:
        return None
