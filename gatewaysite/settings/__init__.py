"""Django's settings, all derived from `gatewaysite/env.py`; `test.py` beside this file is what the tests add."""

from gatewaysite.settings.base import *  # noqa: F403  # the package is the settings module
