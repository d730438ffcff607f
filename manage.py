#!/usr/bin/env python3
"""The command line of the product: `manage.py up` starts all of it."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gatewaysite.settings")
    from django.core.management import execute_from_command_line  # the settings module must be named before Django is imported

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
