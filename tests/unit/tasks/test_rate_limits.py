"""How often a task may start: what its declaration, annotations and settings say together."""

import pytest

from sedano import Sedano
from sedano.errors import ConfigurationError
from sedano.rate_limit import RateLimit
from sedano.tasks.rate_limits import rate_limit_of


def limit(app: Sedano, **options: object) -> RateLimit | None:
    app.task(name="proj.mail", **options)(lambda: None)  # type: ignore[call-overload]
    app.finalize()
    return rate_limit_of(app.tasks["proj.mail"])


@pytest.mark.parametrize(
    ("written", "seconds", "shown"),
    [
        ("10/s", 0.1, "10/s"),
        ("10/m", 6.0, "10/m"),
        ("10/h", 360.0, "10/h"),
        ("0.5/s", 2.0, "0.5/s"),
        (" 10 / m ", 6.0, "10/m"),
        ("4", 0.25, "4/s"),
        (4, 0.25, "4/s"),
        (0.5, 2.0, "0.5/s"),
    ],
)
def test_a_rate_is_so_many_in_a_time(app: Sedano, written: object, seconds: float, shown: str) -> None:
    found = limit(app, rate_limit=written)

    assert found == RateLimit(pytest.approx(seconds), False, shown)  # type: ignore[arg-type]


@pytest.mark.parametrize("written", [None, 0, 0.0, "", "0", "0/m"])
def test_nothing_and_zero_are_no_limit(app: Sedano, written: object) -> None:
    assert limit(app, rate_limit=written) is None


@pytest.mark.parametrize("written", ["ten/m", "10/d", "/m", "-1/s", "nan", "inf", -1, True, [10]])
def test_what_is_no_rate_is_refused_by_the_tasks_name(app: Sedano, written: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^task proj\.mail: rate_limit: expected ") as caught:
        limit(app, rate_limit=written)

    assert f", got {written!r}" in str(caught.value)


def test_the_setting_is_for_tasks_that_do_not_say_themselves(app: Sedano) -> None:
    app.conf.task_default_rate_limit = "10/m"

    assert limit(app) == RateLimit(6.0, False, "10/m")


def test_a_task_without_a_limit_has_none_whatever_the_setting(app: Sedano) -> None:
    app.conf.task_default_rate_limit = "10/m"

    assert limit(app, rate_limit=0) is None


def test_a_wrong_setting_is_refused_by_its_name(app: Sedano) -> None:
    app.conf.task_default_rate_limit = "10/d"

    with pytest.raises(ConfigurationError, match=r"^task_default_rate_limit: expected .*, got '10/d'"):
        _ = app.settings


def test_annotations_say_more_than_the_declaration(app: Sedano) -> None:
    app.conf.task_annotations = {
        "*": {"rate_limit": "1/h"},
        "proj.mail": {"rate_limit": "10/s", "rate_limit_scope": "cluster"},
    }

    found = limit(app, rate_limit="20/s")

    assert found == RateLimit(0.1, True, "10/s")
    assert str(found) == "10/s (all workers together)"


def test_a_scope_is_one_of_two_words(app: Sedano) -> None:
    with pytest.raises(ConfigurationError, match=r"task proj\.mail: rate_limit_scope: .* got 'node'"):
        limit(app, rate_limit="1/s", rate_limit_scope="node")
