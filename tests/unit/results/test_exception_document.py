"""Errors as documents: they come back as they went, and never run anything on the way."""

import pickle
import sys
from typing import Any

import pytest

from sedano import errors
from sedano.results import exception_document

CALLED: list[str] = []


class Picky(Exception):
    def __init__(self, one: int, *, two: int) -> None:
        super().__init__(f"{one} and {two}")


class Outer:
    class Nested(Exception): ...


def not_an_exception(*args: Any) -> None:
    CALLED.append("called")


def round_trip(error: BaseException) -> BaseException | None:
    return exception_document.read(exception_document.write(error, lambda value: True))


OURS = [
    errors.TaskCrashed("killed by SIGKILL"),
    errors.TimeLimitExceeded(30),
    errors.SoftTimeLimitExceeded(5),
    errors.TaskRevoked("revoked"),
    errors.TaskNotRegistered("proj.gone"),
    errors.MaxRetriesExceeded("no more"),
    errors.NotSerializable("cannot be written"),
    errors.ContentDisallowed("pickle"),
    errors.InvalidArguments("do not fit"),
    errors.BrokerUnavailable("sqlite", "locked"),
    errors.Reject("no", True),
    errors.Retry("again", None, 5),
]


@pytest.mark.parametrize("error", [ValueError("bad", 7), KeyError("k"), Outer.Nested("x"), *OURS])
def test_an_error_comes_back_as_it_went(error: Exception) -> None:
    back = round_trip(error)

    assert type(back) is type(error)
    assert back.args == error.args
    assert str(back) == str(error)


@pytest.mark.parametrize("error", OURS)
def test_our_errors_can_be_pickled(error: Exception) -> None:
    back = pickle.loads(pickle.dumps(error))  # noqa: S301

    assert (type(back), back.args, str(back)) == (type(error), error.args, str(error))


def test_an_error_that_cannot_be_made_from_its_arguments_keeps_its_class() -> None:
    back = round_trip(Picky(1, two=2))

    assert type(back) is Picky
    assert back.args == ("1 and 2",)


def test_arguments_that_cannot_be_written_are_shown_as_text() -> None:
    document = exception_document.write(ValueError("ok", object), lambda value: isinstance(value, str))

    assert document["exc_message"] == ["ok", "<class 'object'>"]


def test_an_error_of_a_class_that_is_not_loaded_keeps_its_name() -> None:
    back = exception_document.read(
        {"exc_type": "PaymentFailed", "exc_message": ["card 1234"], "exc_module": "shop.errors"}
    )

    assert isinstance(back, exception_document.UnknownRemoteError)
    assert (type(back).__name__, type(back).__module__, str(back)) == (
        "PaymentFailed",
        "shop.errors",
        "card 1234",
    )
    assert "shop.errors" not in sys.modules
    assert exception_document.write(back, lambda value: True)["exc_module"] == "shop.errors"


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("not_an_exception", __name__),
        ("CALLED.clear", __name__),
        ("system", "os"),
        ("Popen", "subprocess"),
        ("SystemExit", "builtins"),
        ("KeyboardInterrupt", "builtins"),
        ("__class__.__base__", "os"),
        ("", "builtins"),
        ("ValueError", None),
        ("ValueError", 5),
    ],
)
def test_a_document_can_make_nothing_but_an_ordinary_error(name: str, module: Any) -> None:
    back = exception_document.read({"exc_type": name, "exc_message": ["ls"], "exc_module": module})

    assert isinstance(back, exception_document.UnknownRemoteError)
    assert CALLED == []


@pytest.mark.parametrize("document", ["just text", 5, [], {"exc_message": "no type"}, {"exc_type": 5}])
def test_what_is_no_document_becomes_an_error_that_shows_it(document: Any) -> None:
    assert isinstance(exception_document.read(document), exception_document.UnknownRemoteError)


def test_an_older_document_has_its_message_as_one_text() -> None:
    back = exception_document.read({"exc_type": "ValueError", "exc_message": "bad", "exc_module": "builtins"})

    assert isinstance(back, ValueError)
    assert back.args == ("bad",)


def test_no_error_is_no_error() -> None:
    assert exception_document.read(None) is None
