"""Errors that the tasks of scenarios raise."""

from typing import Any


class Trouble(Exception):
    """An error of the user's own, with data in it."""

    def __init__(self, what: str, number: int = 7) -> None:
        super().__init__(what, number)
        self.what = what
        self.number = number


class WorseTrouble(Trouble):
    """One of a kind."""


ERRORS = {"Trouble": Trouble, "WorseTrouble": WorseTrouble, "ValueError": ValueError, "KeyError": KeyError}


def make_error(error: Any) -> Any:
    """An error from its name and its arguments."""
    if error is None:
        return None
    name, *args = error
    return ERRORS[name](*args)
