"""The error of every schedule that cannot be: raised where it is made, never while it runs."""

from sedano.errors import ConfigurationError


class InvalidSchedule(ConfigurationError, ValueError):
    """An argument of a schedule is outside what is allowed; the message names it and says what is allowed."""
