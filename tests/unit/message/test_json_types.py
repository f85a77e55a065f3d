"""The types that JSON has not."""

import math
import uuid
from collections import OrderedDict, namedtuple
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any

import pytest

from sedano.message.json_types import dumps, loads, register_type

SEAT = namedtuple("SEAT", "row number")


class Level(IntEnum):
    HIGH = 3


class Colour(StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    "value",
    [
        datetime(2026, 11, 22, 4, 55, 37, 678),  # noqa: DTZ001
        datetime(2026, 11, 22, 4, 55, tzinfo=UTC),
        datetime(2026, 11, 22, 4, 55, tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
        date(1, 1, 1),
        time(23, 59, 59, 999_999),
        timedelta(days=-5, microseconds=3),
        timedelta.max,
        Decimal("1.10"),
        Decimal("NaN"),
        uuid.UUID("12345678-1234-7234-8234-567812345678"),
        b"",
        b"plain",
        b"\xff\x00",
        set(),
        {1, "a", (1, (2, 3))},
        frozenset({frozenset({1}), b"\xff"}),
        {"nested": [{"deep": {date(2026, 1, 1)}}]},
        10**100,
        "half a pair \ud800",
        {"__type__": "only one of the two keys"},
        {"__type__": "a", "__value__": "b", "more": 1},
        1e300,
        math.inf,
    ],
    ids=lambda value: type(value).__name__,  # the order in a set is of the process
)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    back = loads(dumps(value))

    assert type(back) is type(value)
    assert repr(back) == repr(value) or back == value


@pytest.mark.parametrize(
    ("value", "back"),
    [
        ((1, (2,)), [1, [2]]),
        (SEAT(1, 2), [1, 2]),
        ({1: "a", None: "b", False: "c", 1.5: "d"}, {"1": "a", "null": "b", "false": "c", "1.5": "d"}),
        (Level.HIGH, 3),
        (Colour.RED, "red"),
        (OrderedDict(a=1), {"a": 1}),
    ],
)
def test_some_values_come_back_as_plainer_ones_as_with_celery(value: Any, back: Any) -> None:
    assert loads(dumps(value)) == back


def test_nan_comes_back() -> None:
    assert math.isnan(loads(dumps(math.nan)))


def test_an_object_may_bring_its_own_form() -> None:
    class Money:
        def __json__(self) -> object:
            return {"amount": Decimal("1.5")}

    assert loads(dumps([Money()])) == [{"amount": Decimal("1.5")}]


def test_a_class_is_not_taken_for_one_of_its_objects() -> None:
    class Money:
        def __json__(self) -> object:
            return 1

    with pytest.raises(TypeError, match="cannot be written as json"):
        dumps(Money)


def test_a_tag_written_with_escapes_is_a_tag_all_the_same() -> None:
    assert loads('{"\\u005f_type__": "date", "__value__": "2026-11-22"}') == date(2026, 11, 22)
    assert loads('{"\\u005F\\u005Ftype__": "date", "__value__": "2026-11-22"}') == date(2026, 11, 22)


class Celsius:
    def __init__(self, degrees: float) -> None:
        self.degrees = degrees

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Celsius) and self.degrees == other.degrees


class Fever(Celsius):
    pass


def test_a_type_can_be_registered_for_itself_and_its_subclasses() -> None:
    register_type(Celsius, "celsius", lambda value: value.degrees, Celsius)

    assert loads(dumps([Celsius(21.5), Fever(39)])) == [Celsius(21.5), Celsius(39)]


def test_a_type_of_the_users_goes_before_the_type_it_is_derived_from() -> None:
    class Birthday(date):
        pass

    register_type(Birthday, "birthday", date.isoformat, Birthday.fromisoformat)

    class Party(Birthday):
        pass

    assert type(loads(dumps(Party(2026, 1, 1)))) is Birthday


def test_a_type_registered_without_a_tag_arrives_as_what_it_was_made_to() -> None:
    class Quiet:
        pass

    register_type(Quiet, None, lambda value: "quiet")

    assert loads(dumps([Quiet()])) == ["quiet"]


def test_djangos_lazy_translations_are_written_as_text() -> None:
    from django.utils.functional import lazystr

    assert dumps(lazystr("later")) == '"later"'
