"""Whether digits inside an identifier are a date. Years of two digits pass if the day exists in any century."""

from __future__ import annotations

_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def is_day(month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= _DAYS[month - 1]


def is_date(year: int, month: int, day: int) -> bool:
    """Whether the day exists. `year` of four digits."""
    if not is_day(month, day):
        return False
    return not (month == 2 and day == 29) or (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0))


def is_birth_date(year: int, month: int, day: int) -> bool:
    return 1880 <= year <= 2039 and is_date(year, month, day)


def is_yymmdd(digits: str) -> bool:
    """Whether six digits are year, month, day."""
    return is_day(int(digits[2:4]), int(digits[4:6]))


def is_ddmmyy(digits: str) -> bool:
    return is_day(int(digits[2:4]), int(digits[0:2]))


def is_yyyymmdd(digits: str) -> bool:
    return is_birth_date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
