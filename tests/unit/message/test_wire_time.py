"""Moments on the wire."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from sedano.message.wire_time import format_time, parse_time


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T04:55:37.206771+00:00",
        "2026-11-22T04:55:37.206771Z",
        "2026-11-22T04:55:37.206771",
        "2026-11-22T06:55:37.206771+02:00",
        "20261122T045537.206771",
    ],
)
def test_a_text_is_read_as_the_moment_it_names(text: str) -> None:
    moment = parse_time(text)

    assert moment == datetime(2026, 11, 22, 4, 55, 37, 206771, tzinfo=UTC)
    assert moment.tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["", "soon", "2026", "9999-12-31T23:59:59-10:00", "0001-01-01T00:00:00+10:00"]
)
def test_what_names_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_time(text)


def test_a_moment_is_written_with_its_offset() -> None:
    assert (
        format_time(datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=2)))) == "2026-01-02T00:00:00+02:00"
    )
    assert format_time(datetime(2026, 1, 2)) == "2026-01-02T00:00:00+00:00"  # noqa: DTZ001
