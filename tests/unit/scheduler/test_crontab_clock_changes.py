"""What a crontab does when its zone's clock is put forward or back."""

from datetime import UTC, datetime

import pytest

from sedano.schedules import crontab

#: The days of 2025 and 2026 on which the clock is changed.
CHANGES = {
    "New York, 02:00 to 03:00": ("America/New_York", "2025-03-09"),
    "New York, 02:00 to 01:00": ("America/New_York", "2025-11-02"),
    "Lord Howe, 02:00 to 02:30": ("Australia/Lord_Howe", "2026-10-04"),
    "Lord Howe, 02:00 to 01:30": ("Australia/Lord_Howe", "2026-04-05"),
    "São Paulo, 00:00 to 01:00": ("America/Sao_Paulo", "2018-11-04"),
    "São Paulo, 24:00 to 23:00": ("America/Sao_Paulo", "2018-02-17"),
    "St John's, 00:01 to 01:01": ("America/St_Johns", "2011-03-13"),
    "Apia, no 30 December": ("Pacific/Apia", "2011-12-30"),
}


def runs_on(change: str, line: str) -> list[str]:
    """The runs of the day on which the clock is changed, in local time with its offset."""
    zone, day = CHANGES[change]
    schedule = crontab.from_string(line, tz=zone)
    midnight = datetime.fromisoformat(day).replace(tzinfo=schedule.tz)
    found = []
    moment = schedule.next_after(datetime.fromtimestamp(midnight.timestamp() - 1, UTC))
    while moment is not None and moment.astimezone(schedule.tz).date() <= midnight.date():
        found.append(moment.astimezone(schedule.tz).strftime("%H:%M %z")[:-2])
        moment = schedule.next_after(moment)
    return found


@pytest.mark.parametrize(
    ("change", "line", "runs"),
    [
        # Left out: once, at the end of the gap.
        ("New York, 02:00 to 03:00", "30 1 * * *", ["01:30 -05"]),
        ("New York, 02:00 to 03:00", "30 2 * * *", ["03:00 -04"]),
        ("New York, 02:00 to 03:00", "0 3 * * *", ["03:00 -04"]),
        ("New York, 02:00 to 03:00", "*/15 2 * * *", ["03:00 -04"]),
        ("New York, 02:00 to 03:00", "30 2-3 * * *", ["03:00 -04", "03:30 -04"]),
        ("New York, 02:00 to 03:00", "0 2,3 * * *", ["03:00 -04"]),
        ("New York, 02:00 to 03:00", "0 0-6/2 * * *", ["00:00 -05", "03:00 -04", "04:00 -04", "06:00 -04"]),
        ("Lord Howe, 02:00 to 02:30", "15,45 2 * * *", ["02:30 +11", "02:45 +11"]),
        ("São Paulo, 00:00 to 01:00", "0 0 * * *", ["01:00 -02"]),
        ("St John's, 00:01 to 01:01", "0,30 0 * * *", ["00:00 -03", "01:01 -02"]),
        # Shown twice: at the first showing.
        ("New York, 02:00 to 01:00", "30 1 * * *", ["01:30 -04"]),
        ("New York, 02:00 to 01:00", "0 1,2 * * *", ["01:00 -04", "02:00 -05"]),
        ("New York, 02:00 to 01:00", "*/30 1 * * *", ["01:00 -04", "01:30 -04"]),
        ("Lord Howe, 02:00 to 01:30", "45 1 * * *", ["01:45 +11"]),
        ("São Paulo, 24:00 to 23:00", "30 23 * * *", ["23:30 -02"]),
    ],
)
def test_a_time_of_the_day_is_run_once_whatever_the_clock_does(
    change: str, line: str, runs: list[str]
) -> None:
    assert runs_on(change, line) == runs


@pytest.mark.parametrize(
    ("change", "line", "count"),
    [
        ("New York, 02:00 to 03:00", "30 * * * *", 23),
        ("New York, 02:00 to 03:00", "*/15 * * * *", 4 * 23),
        ("New York, 02:00 to 03:00", "* * * * *", 60 * 23),
        ("New York, 02:00 to 01:00", "30 * * * *", 25),
        ("New York, 02:00 to 01:00", "*/15 * * * *", 4 * 25),
        ("New York, 02:00 to 01:00", "* * * * *", 60 * 25),
        ("New York, 02:00 to 01:00", "* 0-1 * * *", 60 * 3),
        ("Lord Howe, 02:00 to 01:30", "* * * * *", 60 * 24 + 30),
        ("Lord Howe, 02:00 to 02:30", "* * * * *", 60 * 24 - 30),
    ],
)
def test_what_runs_all_the_time_keeps_to_real_time(change: str, line: str, count: int) -> None:
    runs = runs_on(change, line)

    assert len(runs) == len(set(runs)) == count


def test_a_day_that_does_not_exist_is_made_up_at_the_beginning_of_the_next() -> None:
    schedule = crontab.from_string("0 9 30 12 *", tz="Pacific/Apia")

    found = schedule.next_after(datetime(2011, 12, 1, tzinfo=UTC))

    assert found is not None
    assert found.astimezone(schedule.tz).isoformat() == "2011-12-31T00:00:00+14:00"
