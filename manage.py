#!/usr/bin/env python3
"""The command line of the product: `manage.py up` starts all of it."""

import os
import sys

HINT = "Is DATABASE_URL right, or is `manage.py up` running on this data folder?"


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gatewaysite.settings")
    # Imported here because the settings module must be named before Django is.
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    try:
        execute_from_command_line(sys.argv)
    except OperationalError as error:
        sys.exit(f"The database cannot be reached or refused: {error}\n{HINT}")


if __name__ == "__main__":
    main()
