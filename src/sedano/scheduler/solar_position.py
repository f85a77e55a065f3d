"""Where the sun stands, by the algorithm of NOAA's solar calculator.

Called by ``sedano.scheduler.solar``. The formulas are those of the calculator's spreadsheets
(https://gml.noaa.gov/grad/solcalc/calcdetails.html), which are from Jean Meeus, "Astronomical Algorithms";
good for the years 1900 to 2100. Moments are seconds since 1970-01-01 UTC, angles are degrees, east and north
are positive.
"""

from math import asin, cos, degrees, radians, sin, tan
from typing import Final, NamedTuple

DAY: Final = 86_400.0

#: 2000-01-01 12:00 UTC, from which the formulas count.
J2000: Final = 946_728_000.0

CENTURY: Final = 36_525 * DAY

#: The earth turns by one degree in four minutes.
SECONDS_PER_DEGREE: Final = DAY / 360


class Sun(NamedTuple):
    """The sun's place in the sky of the whole earth at one moment."""

    declination: float
    #: By how many seconds a sundial is ahead of a clock that shows mean time: the equation of time.
    sundial_lead: float


def sun_at(moment: float) -> Sun:
    """The sun at a moment.

    >>> solstice = sun_at(1782030240.0)  # 2026-06-21 08:24 UTC
    >>> round(solstice.declination, 2)
    23.44
    """
    century = (moment - J2000) / CENTURY
    mean_longitude = radians((280.46646 + century * (36000.76983 + century * 0.0003032)) % 360)
    anomaly = radians(357.52911 + century * (35999.05029 - century * 0.0001537))
    eccentricity = 0.016708634 - century * (0.000042037 + century * 0.0000001267)
    centre = (
        sin(anomaly) * (1.914602 - century * (0.004817 + century * 0.000014))
        + sin(2 * anomaly) * (0.019993 - century * 0.000101)
        + sin(3 * anomaly) * 0.000289
    )
    node = radians(125.04 - 1934.136 * century)
    longitude = mean_longitude + radians(centre - 0.00569 - 0.00478 * sin(node))
    tilt_seconds = 21.448 - century * (46.815 + century * (0.00059 - century * 0.001813))
    tilt = radians(23 + (26 + tilt_seconds / 60) / 60 + 0.00256 * cos(node))
    skew = tan(tilt / 2) ** 2
    lead = (
        skew * sin(2 * mean_longitude)
        - 2 * eccentricity * sin(anomaly)
        + 4 * eccentricity * skew * sin(anomaly) * cos(2 * mean_longitude)
        - skew**2 / 2 * sin(4 * mean_longitude)
        - 1.25 * eccentricity**2 * sin(2 * anomaly)
    )
    return Sun(
        declination=degrees(asin(sin(tilt) * sin(longitude))),
        sundial_lead=degrees(lead) * SECONDS_PER_DEGREE,
    )


def altitude_at(moment: float, latitude: float, longitude: float) -> float:
    """How high the middle of the sun stands over the horizon, as if no air bent its light."""
    sun = sun_at(moment)
    sundial = moment + sun.sundial_lead + longitude * SECONDS_PER_DEGREE
    hour_angle = radians((sundial % DAY) / SECONDS_PER_DEGREE - 180)
    declination, latitude = radians(sun.declination), radians(latitude)
    height = sin(latitude) * sin(declination) + cos(latitude) * cos(declination) * cos(hour_angle)
    return degrees(asin(max(-1.0, min(1.0, height))))


def moment_of_sundial(sundial: float, longitude: float) -> float:
    """When a sundial at this longitude shows a time, told in seconds since its own 1970-01-01."""
    mean = sundial - longitude * SECONDS_PER_DEGREE
    # The lead changes by half a minute a day: it is exact enough when taken at a moment a second away.
    return mean - sun_at(mean - sun_at(mean).sundial_lead).sundial_lead
