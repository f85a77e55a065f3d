"""SQLite URLs and options."""

from pathlib import Path

import pytest

from sedano.errors import ConfigurationError
from sedano.sql.sqlite_location import SqliteLocation

BASE = Path("/srv/site")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///sedano.db", "/srv/site/sedano.db"),
        ("sqlite:////var/lib/jobs.db", "/var/lib/jobs.db"),
        ("sqlite:///../jobs.db", "/srv/jobs.db"),
        ("sqlite:///a%20b.db", "/srv/site/a b.db"),
    ],
)
def test_a_relative_path_is_beside_the_program_and_four_slashes_are_absolute(url: str, path: str) -> None:
    assert SqliteLocation.from_url(url, base_dir=BASE).path == Path(path)


def test_options_come_from_the_url_before_those_of_the_settings() -> None:
    location = SqliteLocation.from_url(
        "sqlite:///x.db?synchronous=full",
        base_dir=BASE,
        options={"synchronous": "normal", "schema": "external"},
    )

    assert (location.synchronous, location.schema) == ("full", "external")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite://sedano.db"])
def test_a_url_without_a_file_is_refused_with_examples(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"sqlite:///sedano\.db"):
        SqliteLocation.from_url(url, base_dir=BASE)


def test_an_unknown_option_is_refused_with_a_hint() -> None:
    with pytest.raises(ConfigurationError, match=r"no option 'synchronus'\. Did you mean 'synchronous'\?"):
        SqliteLocation.from_url("sqlite:///x.db?synchronus=full", base_dir=BASE)


def test_a_wrong_value_is_refused_with_the_right_ones() -> None:
    with pytest.raises(ConfigurationError, match="synchronous: expected normal or full, got 'off'"):
        SqliteLocation.from_url("sqlite:///x.db?synchronous=off", base_dir=BASE)


def test_one_file_has_one_identity_by_whatever_path(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "site")

    direct = SqliteLocation.from_url("sqlite:///x.db", base_dir=tmp_path / "site")
    linked = SqliteLocation.from_url("sqlite:///x.db", base_dir=tmp_path / "link")

    assert direct.identity == linked.identity
