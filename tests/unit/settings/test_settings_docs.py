"""``docs/settings.md`` and the table of names say the same."""

import re
from collections import defaultdict
from pathlib import Path

import pytest

from sedano.settings.celery_names import SETTINGS
from sedano.settings.setting import NOT_CELERYS, NoEffect, Refused, Works

PAGE = Path(__file__).parents[3] / "docs" / "settings.md"

#: Their defaults are both "not set", which means something else here and there.
MEAN_SOMETHING_ELSE = {"broker_url", "result_backend"}


def rows(heading: str) -> list[list[str]]:
    """The cells of the tables below a heading of the second level, without their heads."""
    [section] = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def names(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", cell)


def test_every_setting_that_works_is_described_with_its_default() -> None:
    described = {names(cells[0])[0]: cells[1] for cells in rows("Settings that work")}

    working = {name: s.default for name, s in SETTINGS.items() if isinstance(s.fate, Works)}

    assert described == {name: f"`{default!r}`" for name, default in working.items()}


def test_our_own_settings_are_marked() -> None:
    marked = {names(cells[0])[0] for cells in rows("Settings that work") if cells[0].endswith("*")}

    assert marked == {name for name, setting in SETTINGS.items() if setting.celery_default is NOT_CELERYS}


def test_every_default_that_differs_from_celerys_is_listed_with_a_reason() -> None:
    listed = {names(cells[0])[0]: cells[1:3] for cells in rows("Defaults that differ from Celery's")}

    differing = {
        name: [f"`{s.celery_default!r}`", f"`{s.default!r}`"]
        for name, s in SETTINGS.items()
        if name in MEAN_SOMETHING_ELSE
        or (s.celery_default is not NOT_CELERYS and s.celery_default != s.default)
    }

    assert listed == differing
    assert all(cells[3] for cells in rows("Defaults that differ from Celery's"))


@pytest.mark.parametrize(
    ("heading", "fate"), [("Settings that are refused", Refused), ("Settings without effect", NoEffect)]
)
def test_every_other_setting_is_listed_with_its_reason(
    heading: str, fate: type[Refused] | type[NoEffect]
) -> None:
    listed = {cells[1]: names(cells[0]) for cells in rows(heading)}

    reasons: dict[str, list[str]] = defaultdict(list)
    for name, setting in SETTINGS.items():
        if isinstance(setting.fate, fate):
            reasons[setting.fate.reason].append(name)

    assert {reason: sorted(found) for reason, found in listed.items()} == {
        reason: sorted(found) for reason, found in reasons.items()
    }
