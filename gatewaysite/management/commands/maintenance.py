"""`manage.py maintenance`: ship usage and do the periodic work until stopped."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from gatewaysite.env import read
from gatewaysite.services.paths import DataDir
from items.tasks import JOBS
from proxy.tasks import Job, Maintenance, periodic_jobs

_NICE = 10  # requests come first: on a full machine the spool grows for a while instead


class Command(BaseCommand):
    help = "Ship usage from this host's spool and do the installation's periodic work, until stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        os.nice(_NICE)
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        spool = DataDir(settings.GATEWAY_DATA_DIR).spool
        jobs = (*periodic_jobs(read("GATEWAY_USAGE_RETENTION_DAYS")), *(Job(*each) for each in JOBS))
        Maintenance(spool, jobs, stopping).run()
