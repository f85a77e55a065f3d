"""The five fields of a crontab: how each is written, and the numbers that it stands for.

Read by ``sedano.scheduler.crontab`` when a crontab is made. A field is one number, some numbers, or text::

    text   = part ("," part)*
    part   = "*" | "*/" step | range | range "/" step | value
    range  = value "-" value                 (over the end, too: 22-2, fri-mon)
    value  = a number, or in its field the name of a day or a month, of which three letters count
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from sedano.scheduler.invalid_schedule import InvalidSchedule

#: How users write a field.
FieldValue: TypeAlias = int | str | Iterable[int]

DAY_NAMES: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
MONTH_NAMES: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

RANGE: Final = re.compile(r"(?P<first>[^-/\s]+)-(?P<last>[^-/\s]+)(?:/(?P<step>[^/\s]+))?")
STAR: Final = re.compile(r"\*(?:/(?P<step>[^/\s]+))?")


class CrontabField:
    """One field: its name and the numbers it may hold.

    >>> sorted(CrontabField("minute", 0, 59).parse("*/20,59"))
    [0, 20, 40, 59]
    >>> CrontabField("hour", 0, 23).parse("25")
    Traceback (most recent call last):
    sedano.scheduler.invalid_schedule.InvalidSchedule: hour: 25 is not in 0-23

    Args:
        name: What error messages call it.
        first: The least number.
        last: The greatest.
        names: What the numbers from ``first`` on are called, where they have names.
        hint: What to say of a number outside.
    """

    __slots__ = ("_hint", "_name", "_numbers", "_values")

    def __init__(
        self, name: str, first: int, last: int, *, names: Sequence[str] = (), hint: str = ""
    ) -> None:
        self._name = name
        self._numbers = range(first, last + 1)
        self._values = {word[:3].lower(): first + place for place, word in enumerate(names)}
        self._hint = hint

    def read(self, value: FieldValue) -> tuple[str, frozenset[int]]:
        """The field as text, and its numbers.

        >>> CrontabField("hour", 0, 23).read([4, 2])
        ('2,4', frozenset({2, 4}))
        """
        if isinstance(value, str):
            return value, self.parse(value)
        given = [value] if isinstance(value, int) else value
        if isinstance(value, bytes | bool) or not isinstance(given, Iterable):
            raise TypeError(f"{self._name}: expected an int, a str or an iterable of ints, got {value!r}")
        numbers = frozenset(self._checked(number) for number in given)
        if not numbers:
            raise InvalidSchedule(f"{self._name}: expected at least one number, got {value!r}")
        return ",".join(map(str, sorted(numbers))), numbers

    def parse(self, text: str) -> frozenset[int]:
        """The numbers that a text stands for."""
        return frozenset(number for part in text.split(",") for number in self._part(part.strip()))

    def _part(self, part: str) -> Sequence[int]:
        if not part:
            raise self._error("an empty part")
        if match := STAR.fullmatch(part):
            return self._numbers[:: self._step(match["step"])]
        if match := RANGE.fullmatch(part):
            return self._range(match["first"], match["last"])[:: self._step(match["step"])]
        return [self._value(part)]

    def _range(self, first: str, last: str) -> Sequence[int]:
        begin, end = self._value(first), self._value(last)
        if begin <= end:
            return range(begin, end + 1)
        return [*range(begin, self._numbers.stop), *range(self._numbers.start, end + 1)]

    def _step(self, text: str | None) -> int:
        if text is None:
            return 1
        if not _is_number(text) or int(text) == 0:
            raise self._error(f"the step {text!r}")
        return int(text)

    def _value(self, text: str) -> int:
        if _is_number(text):
            return self._checked(int(text))
        if text.isalpha() and text[:3].lower() in self._values:
            return self._values[text[:3].lower()]
        raise self._error(repr(text))

    def _checked(self, number: object) -> int:
        if isinstance(number, bool) or not isinstance(number, int):
            raise TypeError(f"{self._name}: expected an int, got {number!r}")
        if number not in self._numbers:
            raise InvalidSchedule(f"{self._name}: {number} is not in {self._allowed_numbers}{self._hint}")
        return number

    @property
    def _allowed_numbers(self) -> str:
        return f"{self._numbers.start}-{self._numbers[-1]}"

    def _error(self, got: str) -> InvalidSchedule:
        names = f", names ({', '.join(self._values)})" if self._values else ""
        return InvalidSchedule(
            f"{self._name}: expected numbers {self._allowed_numbers}{names}, '*', ranges such as 'a-b' and"
            f" steps such as '*/n' or 'a-b/n', separated by commas; got {got}"
        )


MINUTE: Final = CrontabField("minute", 0, 59)
HOUR: Final = CrontabField("hour", 0, 23)
DAY_OF_WEEK: Final = CrontabField("day_of_week", 0, 6, names=DAY_NAMES, hint=" (0 is Sunday, 6 is Saturday)")
DAY_OF_MONTH: Final = CrontabField("day_of_month", 1, 31)
MONTH_OF_YEAR: Final = CrontabField("month_of_year", 1, 12, names=MONTH_NAMES)


class crontab_parser:
    """Celery's parser of one field, known by its count of numbers and the least of them.

    >>> sorted(crontab_parser(7).parse("fri-sun"))
    [0, 5, 6]
    """

    def __init__(self, max_: int = 60, min_: int = 0) -> None:
        names = {(7, 0): DAY_NAMES, (12, 1): MONTH_NAMES}.get((max_, min_), ())
        self._field = CrontabField("crontab", min_, min_ + max_ - 1, names=names)

    def parse(self, spec: str) -> set[int]:
        """The numbers that a text stands for."""
        return set(self._field.parse(spec))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()
