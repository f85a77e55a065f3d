"""``manage.py sedano`` is the command ``sedano`` within the project."""

from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import TransactionTestCase
from shop.tasks import ship

from sedano.contrib.django.management.commands.sedano import _without_djangos_options
from sedano.contrib.django.models import Message
from tests.unit.django.suite.shop_process import ShopProcess


@pytest.fixture
def shop(tmp_path: Path) -> ShopProcess:
    return ShopProcess(tmp_path)


def test_help_is_sedanos_own(shop: ShopProcess) -> None:
    for arguments in (("sedano", "--help"), ("help", "sedano")):
        said = shop.manage(*arguments)

        assert "Usage: manage.py sedano" in said
        assert "worker" in said


def test_a_mistake_is_told_in_one_line_and_a_hint(shop: ShopProcess) -> None:
    said = shop.manage("sedano", "wurker", expect=2)

    assert said.startswith("Error: ")
    assert "Traceback" not in said


def test_the_options_of_sedanos_commands_are_left_to_them(shop: ShopProcess) -> None:
    said = shop.manage("sedano", "--settings=shop_settings", "worker", "--concurrency", "0x", expect=2)

    assert "--concurrency" in said


def test_an_error_found_by_the_systems_checks_stops_the_worker(shop: ShopProcess) -> None:
    (shop.folder / "more_settings.py").write_text(
        "from shop_settings import *\nCELERY_WORKER_CONCURRENCY = 'four'\n"
    )

    said = shop.manage("sedano", "worker", expect=1)

    assert "sedano.E001" in said


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["worker", "-c", "2"], ["worker", "-c", "2"]),
        (["worker", "--settings", "site.settings", "-c", "2"], ["worker", "-c", "2"]),
        (["--settings=site.settings", "--pythonpath=.", "status"], ["status"]),
        (["worker", "--settings"], ["worker"]),
    ],
)
def test_djangos_own_options_are_not_handed_on(given: list[str], kept: list[str]) -> None:
    assert _without_djangos_options(given) == kept


class TestCallCommand(TransactionTestCase):
    def test_a_command_can_be_called_from_code(self) -> None:
        ship.delay(1)

        call_command("sedano", "purge", "--force")

        assert not Message.objects.exists()

    def test_a_command_that_fails_raises(self) -> None:
        with pytest.raises(CommandError, match="exit code 2"):
            call_command("sedano", "wurker")
