"""Schedules that follow the sun: its rising, setting and noon, and the twilights.

Made by users through ``sedano.schedules``. The events are those of Celery, for an observer at sea level.
Where the sun does not do what is asked on some days (polar summers and winters), the next day on which it
does counts.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final, NamedTuple, TypeAlias

from sedano.errors import did_you_mean
from sedano.scheduler.invalid_schedule import InvalidSchedule
from sedano.scheduler.schedule import Schedule, SchedulingApp, checked_moment
from sedano.scheduler.solar_position import DAY, SECONDS_PER_DEGREE, altitude_at, moment_of_sundial

#: How users write a latitude or longitude.
Degrees: TypeAlias = int | float | Decimal

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

#: The sun's upper edge is seen on the horizon when its middle is 50 arc minutes below: 16 for its radius, 34
#: for the bending of light by the air.
RISING: Final = -0.833

#: Wherever one stands, the sun does each of the things that it does there at least once within a year.
MOST_DAYS: Final = 368

#: A moment of the sun's is told to the second.
EXACT_ENOUGH: Final = 0.25


class Crossing(NamedTuple):
    """The sun passes an altitude, in degrees, on its way up or down."""

    altitude: float
    upwards: bool


#: The events, but for ``solar_noon``.
CROSSINGS: Final = {
    "dawn_astronomical": Crossing(-18, upwards=True),
    "dawn_nautical": Crossing(-12, upwards=True),
    "dawn_civil": Crossing(-6, upwards=True),
    "sunrise": Crossing(RISING, upwards=True),
    "sunset": Crossing(RISING, upwards=False),
    "dusk_civil": Crossing(-6, upwards=False),
    "dusk_nautical": Crossing(-12, upwards=False),
    "dusk_astronomical": Crossing(-18, upwards=False),
}
SOLAR_NOON: Final = "solar_noon"
EVENTS: Final = (*CROSSINGS, SOLAR_NOON)


class solar(Schedule):
    """Runs at an event of the sun's day, as seen from one place.

    >>> sunset = solar("sunset", lat=41.9, lon=12.5)
    >>> sunset.next_after(datetime(2026, 6, 21, tzinfo=UTC)).strftime("%H:%M")
    '18:48'

    Args:
        event: ``sunrise``, ``solar_noon`` or ``sunset``; ``dawn_civil``, ``dawn_nautical``,
            ``dawn_astronomical`` or the three dusks: the sun's middle is 6, 12 or 18 degrees below the
            horizon.
        lat: Degrees from -90 to 90; north is positive.
        lon: Degrees from -180 to 180; east is positive.
        nowfun: Gives the present moment.
        app: Gives the present moment where there is no ``nowfun``.
    """

    def __init__(
        self,
        event: str,
        lat: Degrees,
        lon: Degrees,
        nowfun: Callable[[], datetime] | None = None,
        app: SchedulingApp | None = None,
    ) -> None:
        super().__init__(nowfun=nowfun, app=app)
        if event not in EVENTS:
            hint = did_you_mean(str(event), EVENTS)
            raise InvalidSchedule(f"event: expected one of {', '.join(EVENTS)}; got {event!r}.{hint}")
        self.event = event
        self.lat = _checked_degrees("lat", lat, 90)
        self.lon = _checked_degrees("lon", lon, 180)

    def next_after(self, moment: datetime) -> datetime | None:
        start = checked_moment(moment)
        sundial = (start - EPOCH).total_seconds() + float(self.lon) * SECONDS_PER_DEGREE
        # A sundial is never a whole day from mean time.
        day = int(sundial // DAY) - 1
        for later in range(MOST_DAYS):
            for seconds in self._events_of(day + later):
                try:
                    event = EPOCH + timedelta(seconds=round(seconds))
                except OverflowError:
                    return None
                if event > start:
                    return event
        return None

    @property
    def human_readable(self) -> str:
        north, east = ("N" if self.lat >= 0 else "S"), ("E" if self.lon >= 0 else "W")
        words = self.event.split("_")
        event = " ".join(words if self.event == SOLAR_NOON else reversed(words))
        return f"at {event} at {abs(self.lat)}° {north}, {abs(self.lon)}° {east}"

    def _events_of(self, day: int) -> list[float]:
        """The moments of the event between one midnight of the sundial and the next, in order."""
        longitude = float(self.lon)
        if self.event == SOLAR_NOON:
            return [moment_of_sundial((day + 0.5) * DAY, longitude)]
        halves = [moment_of_sundial((day + half) * DAY, longitude) for half in (0, 0.5, 1)]
        heights = [(moment, self._height_at(moment)) for moment in halves]
        # Before noon the sun goes up and after noon down, but for the poles, where its year outdoes its day.
        return [
            self._crossing_between(early, late)
            for (early, before), (late, after) in pairwise(heights)
            if before < 0 <= after
        ]

    def _height_at(self, moment: float) -> float:
        """How far the sun is past the event's altitude, in the event's direction."""
        crossing = CROSSINGS[self.event]
        height = altitude_at(moment, float(self.lat), float(self.lon)) - crossing.altitude
        return height if crossing.upwards else -height

    def _crossing_between(self, early: float, late: float) -> float:
        while late - early > EXACT_ENOUGH:
            middle = (early + late) / 2
            if self._height_at(middle) < 0:
                early = middle
            else:
                late = middle
        return late

    def __repr__(self) -> str:
        return f"<solar: {self.event} at latitude {self.lat}, longitude: {self.lon}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, solar):
            return NotImplemented
        return (self.event, self.lat, self.lon) == (other.event, other.lat, other.lon)

    def __hash__(self) -> int:
        return hash((self.event, self.lat, self.lon))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.event, self.lat, self.lon, self.nowfun)


def _checked_degrees(name: str, value: Degrees, most: int) -> Degrees:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise TypeError(f"{name}: expected a number of degrees, got {value!r}")
    if not -most <= value <= most:
        raise InvalidSchedule(f"{name}: expected degrees from -{most} to {most}, got {value!r}")
    return value
