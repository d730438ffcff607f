#!/usr/bin/env python3
"""The command line of the product: `manage.py up` starts all of it."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gatewaysite.settings")
    from django.core.management import execute_from_command_line  # the settings module must be named before Django is imported

    from django.db import OperationalError  # as above

    try:
        execute_from_command_line(sys.argv)
    except OperationalError as error:
        sys.exit(f"The database cannot be reached or refused: {error}\nIs DATABASE_URL right, or is `manage.py up` running on this data folder?")


if __name__ == "__main__":
    main()
