"""A scheduler of a Django site runs what is saved in the admin, and nothing that is not enabled any more."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.django_shop import Shop
from tests.acceptance.workers import wait_until

pytest.importorskip("django")
pytestmark = pytest.mark.acceptance

SAVE = """
from django.contrib.auth.models import User
from django.test import Client
client = Client()
client.force_login(User.objects.get_or_create(username="root", is_staff=True, is_superuser=True)[0])
"""
ADD = """
answer = client.post("/admin/sedano/periodictask/add/", {
    "name": NAME, "task": "shop.tasks.count_orders", "enabled": "on", "kind": "interval", "every": "0.5",
    "period": "seconds", "missed": "once", "args": "[]", "kwargs": "{}", "headers": "{}",
})
"""
DISABLE = """
from sedano.contrib.django.models import PeriodicTask
row = PeriodicTask.objects.get(name=NAME)
answer = client.post("/admin/sedano/periodictask/", {"action": "disable", "_selected_action": [row.pk]})
"""
TELL = "assert answer.status_code == 302, answer.content.decode()\nimport time\nprint(time.time())\n"

#: Whatever is saved, schedulers heed it within so many seconds.
HEEDED = 2.0


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path)
    shop.write_settings("ALLOWED_HOSTS = ['*']")
    yield shop
    shop.stop_workers()


@pytest.fixture
def beat(shop: Shop) -> Iterator["subprocess.Popen[bytes]"]:
    log = shop.folder / "beat.log"
    beat = shop.start("-m", "django", "sedano", "beat", "-l", "INFO", log=log)
    wait_until(lambda: "sedano beat" in log.read_text(), what="the scheduler runs")
    yield beat
    beat.send_signal(signal.SIGTERM)
    assert beat.wait(30) == 0, log.read_text()


def runs(shop: Shop, name: str) -> tuple[int, float]:
    """How often an entry was run, and when it last was."""
    found = shop.rows(f"SELECT runs, last_run_at FROM sedano_entry WHERE name = '{name}' AND runs > 0")
    return found[0] if found else (0, 0.0)


def act(shop: Shop, name: str, action: str) -> float:
    """Have the admin do something with an entry. When that was done."""
    return float(shop.python(f"NAME = {name!r}\n{SAVE}{action}{TELL}"))


def test_an_entry_that_is_saved_in_the_admin_runs_until_it_is_disabled(
    shop: Shop, beat: "subprocess.Popen[bytes]"
) -> None:
    saved = act(shop, "tea", ADD)
    wait_until(lambda: runs(shop, "tea")[0] >= 1, what="a run")
    assert runs(shop, "tea")[1] - saved < HEEDED

    disabled = act(shop, "tea", DISABLE)

    act(shop, "coffee", ADD)
    wait_until(lambda: runs(shop, "coffee")[1] > disabled + HEEDED, what="runs of another entry")
    assert runs(shop, "tea")[1] - disabled < HEEDED


@pytest.mark.parametrize("kind", ["the site's database", "redis"])
def test_a_scheduler_beside_a_worker_runs_it(shop: Shop, kind: str, request: pytest.FixtureRequest) -> None:
    if kind == "redis":
        url = request.getfixturevalue("server").url
        more = f"CELERY_BROKER_URL = {url!r}\nCELERY_RESULT_BACKEND = 'django://default'"
        shop.write_settings(f"ALLOWED_HOSTS = ['*']\n{more}")
    shop.start_worker("-B", "-c", "1")

    act(shop, "tea", ADD)

    wait_until(lambda: list(shop.states().values()).count("SUCCESS") >= 2, what="two runs")
