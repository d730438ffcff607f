"""Windows that begin with the clock, in UTC."""

from __future__ import annotations

import datetime as dt


def window_bounds(calendar: str, now_s: float) -> tuple[float, float]:
    """
    Return when the window that holds `now_s` begins and when it ends, unix seconds.

    `calendar` is minute, hour, day, week (from Monday) or month. Errors: ValueError.
    """
    now_at = dt.datetime.fromtimestamp(now_s, dt.UTC)
    day_at = now_at.replace(hour=0, minute=0, second=0, microsecond=0)
    match calendar:
        case "minute":
            begin, length = now_at.replace(second=0, microsecond=0), dt.timedelta(minutes=1)
        case "hour":
            begin, length = now_at.replace(minute=0, second=0, microsecond=0), dt.timedelta(hours=1)
        case "day":
            begin, length = day_at, dt.timedelta(days=1)
        case "week":
            begin, length = day_at - dt.timedelta(days=day_at.weekday()), dt.timedelta(weeks=1)
        case "month":
            begin = day_at.replace(day=1)
            length = (begin + dt.timedelta(days=31)).replace(day=1) - begin
        case _:
            raise ValueError(f"there is no calendar window {calendar!r}")
    return begin.timestamp(), (begin + length).timestamp()
