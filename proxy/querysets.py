"""Named reads."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.db import models

from common.ids import timestamp

if TYPE_CHECKING:
    from proxy.models import UsageRecord


class UsageRecordQuerySet(models.QuerySet["UsageRecord"]):
    def get_by_id(self, request_id: uuid.UUID) -> UsageRecord:
        """Return one record. Errors: UsageRecord.DoesNotExist. Cost: one index scan on one partition, because the id names its day."""
        return self.get(ts=timestamp(request_id), request_id=request_id)

    def find_by_id(self, request_id: uuid.UUID) -> UsageRecord | None:
        """Return one record, None when there is none. Cost: as `get_by_id`."""
        return self.filter(ts=timestamp(request_id), request_id=request_id).first()
