"""A crontab in words, for lists and dashboards. Called by ``sedano.scheduler.crontab``; only formats."""

from collections.abc import Collection, Sequence
from typing import Final

from sedano.scheduler.crontab_fields import DAY_NAMES, MONTH_NAMES
from sedano.scheduler.crontab_times import CrontabTimes

#: More times of a day than this are told by their rule.
MOST_TIMES_OF_DAY: Final = 4


def describe(times: CrontabTimes) -> str:
    """When a crontab is due, in a few words.

    >>> every_minute = frozenset(range(60))
    >>> nine = frozenset({9})
    >>> days = (frozenset(range(7)), frozenset(range(1, 32)), frozenset(range(1, 13)))
    >>> describe(CrontabTimes(every_minute, nine, *days))
    'every minute from 09:00 to 09:59'
    """
    return " ".join(words for words in (_time_of_day(times), *_days(times)) if words)


def _time_of_day(times: CrontabTimes) -> str:
    minutes, hours = sorted(times.minutes), sorted(times.hours)
    if times.every_hour:
        return _in_every_hour(times)
    if len(minutes) * len(hours) <= MOST_TIMES_OF_DAY:
        return "at " + _listed([f"{hour:02}:{minute:02}" for hour in hours for minute in minutes])
    if step := _even_step(hours, 24):
        if minutes == [0]:
            return f"every {step} hours"
        if len(minutes) == 1:
            return f"every {step} hours {_minutes(times)}"
    if times.every_minute:
        spans = [f"{first:02}:00 to {last:02}:59" for first, last in _spans(hours)]
        return f"every minute from {_listed(spans)}"
    return f"{_minutes(times)} of the {_plural('hour', hours)} {_numbers(hours)}"


def _in_every_hour(times: CrontabTimes) -> str:
    minutes = sorted(times.minutes)
    if minutes == [0]:
        return "every hour"
    if times.every_minute or _even_step(minutes, 60):
        return _minutes(times)
    return f"{_minutes(times)} of every hour"


def _minutes(times: CrontabTimes) -> str:
    minutes = sorted(times.minutes)
    if times.every_minute:
        return "every minute"
    if step := _even_step(minutes, 60):
        return f"every {step} minutes"
    return f"at {_plural('minute', minutes)} {_numbers(minutes)}"


def _days(times: CrontabTimes) -> list[str]:
    words: list[str] = []
    weekdays = _named(times.weekdays, DAY_NAMES, first=0) if len(times.weekdays) < 7 else ""
    if len(times.days) < 31:
        days = sorted(times.days)
        words.append(f"on {_plural('day', days)} {_numbers(days)} of the month")
        if weekdays:
            words.append(f"if it is {weekdays}")
    elif weekdays:
        words.append(f"on {weekdays}")
    if len(times.months) < 12:
        words.append("in " + _named(times.months, MONTH_NAMES, first=1))
    return words


def _named(numbers: Collection[int], names: Sequence[str], *, first: int) -> str:
    words: list[str] = []
    for begin, end in _spans(sorted(numbers)):
        if end - begin >= 2:
            words.append(f"{names[begin - first]} to {names[end - first]}")
        else:
            words.extend(names[number - first] for number in range(begin, end + 1))
    return _listed(words)


def _numbers(numbers: Sequence[int]) -> str:
    words: list[str] = []
    for begin, end in _spans(numbers):
        words.extend([f"{begin}-{end}"] if end - begin >= 2 else map(str, range(begin, end + 1)))
    return _listed(words)


def _spans(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """The numbers, which are sorted, as runs without a hole: first and last of each."""
    spans: list[tuple[int, int]] = []
    for number in numbers:
        if spans and spans[-1][1] == number - 1:
            spans[-1] = (spans[-1][0], number)
        else:
            spans.append((number, number))
    return spans


def _even_step(numbers: Sequence[int], whole: int) -> int | None:
    """The step of numbers that go evenly round the whole, from 0: 15 for the quarters of an hour."""
    step = whole // len(numbers)
    return step if 1 < step < whole and list(numbers) == list(range(0, whole, step)) else None


def _plural(word: str, numbers: Sequence[int]) -> str:
    return word if len(numbers) == 1 else f"{word}s"


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
