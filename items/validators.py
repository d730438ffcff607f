"""What the texts of an item may hold, whoever writes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.core.exceptions import ValidationError

TAGS_MAX_COUNT: Final = 50
TAG_MAX_LENGTH: Final = 64
DESCRIPTION_MAX_LENGTH: Final = 20_000


def check_category(category: str) -> None:
    """Errors: ValidationError for a comma, which separates categories where items are filtered."""
    if "," in category:
        raise ValidationError("A category has no comma.")


def check_tags(tags: Sequence[str]) -> None:
    """Errors: ValidationError for too many tags, and for one that could not be asked for."""
    if len(tags) > TAGS_MAX_COUNT:
        raise ValidationError(f"An item has at most {TAGS_MAX_COUNT} tags.")
    for tag in tags:
        if "," in tag or not tag.strip():
            raise ValidationError("A tag is not empty and has no comma.")


def check_description(description: str) -> None:
    if len(description) > DESCRIPTION_MAX_LENGTH:
        raise ValidationError(f"A description has at most {DESCRIPTION_MAX_LENGTH} characters.")
