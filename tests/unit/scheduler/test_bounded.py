"""A schedule between two moments, or its first run alone."""

from datetime import UTC, datetime, timedelta

from sedano.scheduler.bounded import bounded
from sedano.schedules import clocked, crontab, schedule

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def moments(rule: bounded, after: datetime, number: int = 3) -> list[datetime]:
    found = []
    while len(found) < number and (due := rule.next_after(after)) is not None:
        found.append(due)
        after = due
    return found


def test_an_interval_begins_with_the_start_and_keeps_its_rhythm() -> None:
    rule = bounded(schedule(HOUR), since=NOON - HOUR, start=NOON + timedelta(minutes=10))

    assert moments(rule, NOON - 5 * HOUR, 2) == [
        NOON + timedelta(minutes=10),
        NOON + timedelta(minutes=70),
    ]
    assert rule.next_after(NOON + timedelta(minutes=100)) == NOON + timedelta(minutes=130)


def test_an_interval_without_a_start_is_counted_from_when_it_was_made() -> None:
    rule = bounded(schedule(HOUR), since=NOON, end=NOON + 2 * HOUR)

    assert moments(rule, NOON) == [NOON + HOUR, NOON + 2 * HOUR]


def test_a_crontab_runs_from_its_start_to_its_end_and_both_count() -> None:
    rule = bounded(crontab(minute=0), since=NOON - 9 * HOUR, start=NOON, end=NOON + HOUR)

    assert moments(rule, NOON - 9 * HOUR) == [NOON, NOON + HOUR]


def test_only_the_first_run_counts_of_what_runs_once() -> None:
    rule = bounded(crontab(minute=0), since=NOON + timedelta(minutes=1), once=True)

    assert moments(rule, NOON - 9 * HOUR) == [NOON + HOUR]
    assert rule.next_after(NOON + HOUR) is None


def test_a_moment_after_the_end_is_none() -> None:
    assert (
        moments(bounded(clocked(NOON), since=NOON - HOUR, end=NOON - timedelta(minutes=1)), NOON - HOUR) == []
    )


def test_the_end_of_the_calendar_is_the_end() -> None:
    rule = bounded(schedule(timedelta(days=365_000)), since=datetime.max.replace(tzinfo=UTC) - HOUR)

    assert rule.next_after(NOON) is None


def test_its_bounds_are_told_in_words_in_the_schedules_zone() -> None:
    rule = bounded(
        crontab(hour=9, minute=0, tz="Europe/Rome"), since=NOON, start=NOON, end=NOON + HOUR, once=True
    )

    assert rule.human_readable == (
        "at 09:00 (Europe/Rome), from 2026-10-01 14:00:00, until 2026-10-01 15:00:00, only once"
    )
    assert repr(rule) == f"<bounded: {rule.human_readable}>"


def test_two_with_the_same_bounds_are_equal() -> None:
    first, second = (bounded(schedule(30), since=NOON, once=True) for _ in range(2))

    assert first == second
    assert hash(first) == hash(second)
    assert first != bounded(schedule(30), since=NOON)
    assert first != schedule(30)
