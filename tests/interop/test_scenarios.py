"""The same scenarios, played with Celery on Redis and with Sedano on each broker, come to the same."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from tests.interop.scenarios.comparing import Deviation, deviations
from tests.interop.scenarios.differences import explain
from tests.interop.scenarios.differences_here import HERE
from tests.interop.scenarios.differences_sent import SENT
from tests.interop.scenarios.play import CASES, ROOT
from tests.once import filled_once
from tests.servers.erlang_node import ErlangNode
from tests.servers.queue_owners import unowned
from tests.servers.rabbitmq_server import RabbitServer

pytestmark = pytest.mark.acceptance

#: What Sedano is played on.
BROKERS: Final = ("sqlite", "redis", "django", "rabbitmq")
DIFFERENCES: Final = (*SENT, *HERE)

Transcripts = Mapping[str, dict[str, Any]]


@pytest.fixture(scope="module")
def plays(
    request: pytest.FixtureRequest, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Transcripts]:
    """What became of all scenarios: of Celery's (``celery``), and of ours on each broker."""

    def play_all(folder: Path) -> None:
        # Only now: of several processes that have tests of this file, one plays.
        rabbitmq: RabbitServer = request.getfixturevalue("rabbitmq")
        url = rabbitmq.new_vhost()
        _play_all(redis_url, url, rabbitmq.erlang, folder)
        assert unowned(rabbitmq, url, "celery|other") == []
        rabbitmq.give_back(url)

    folder = filled_once(tmp_path_factory, "plays", play_all)
    return {
        name: json.loads((folder / name / "transcripts.json").read_text()) for name in ("celery", *BROKERS)
    }


def _play_all(redis_url: str, amqp_url: str, erlang: ErlangNode, folder: Path) -> None:
    server = redis_url.rpartition("/")[0]
    urls = {
        "celery": ("celery", f"{server}/14"),
        "sqlite": ("sedano", f"sqlite:///{folder}/sqlite/queue.db"),
        "redis": ("sedano", f"{server}/15"),
        "django": ("sedano", "django://default"),
        "rabbitmq": ("sedano", amqp_url),
    }
    environment = {"rabbitmq": {"SCENARIO_RESULTS": f"{server}/13", **erlang.environment}}
    for name in urls:
        (folder / name).mkdir(exist_ok=True)
    playing = {name: _play(*url, folder / name, environment.get(name, {})) for name, url in urls.items()}
    try:
        for name, process in playing.items():
            assert process.wait(120) == 0, (folder / name / "play.log").read_text()[-5000:]
    finally:
        for process in playing.values():
            process.terminate()
            process.wait()


def _play(library: str, url: str, folder: Path, environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tests.interop.scenarios.play", library, url, str(folder)]
    with (folder / "play.log").open("wb") as log:
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env={**os.environ, **environment})


def test_every_scenario_was_played_to_its_end(plays: Mapping[str, Transcripts]) -> None:
    for name, transcripts in plays.items():
        broken = {scenario for scenario, told in transcripts.items() if "broke" in told["facts"]}
        assert not broken, name
        assert transcripts.keys() == plays["celery"].keys()
        assert len(transcripts) > 500


@pytest.mark.parametrize("broker", BROKERS)
@pytest.mark.parametrize("case", [case.removeprefix("cases_") for case in CASES])
def test_what_is_not_different_on_purpose_is_as_in_celery(
    plays: Mapping[str, Transcripts], case: str, broker: str
) -> None:
    unexplained, _ = explain(_deviations(plays, "celery", broker, case), DIFFERENCES)

    assert not unexplained, "\n".join(str(one) for one in unexplained)


@pytest.mark.parametrize("broker", BROKERS[1:])
@pytest.mark.parametrize("case", [case.removeprefix("cases_") for case in CASES])
def test_the_broker_makes_no_difference(plays: Mapping[str, Transcripts], case: str, broker: str) -> None:
    found = _deviations(plays, BROKERS[0], broker, case)

    assert not found, "\n".join(str(one) for one in found)


@pytest.mark.parametrize("broker", BROKERS)
def test_what_is_listed_as_different_is_different(plays: Mapping[str, Transcripts], broker: str) -> None:
    _, needless = explain(deviations(plays["celery"], plays[broker]), DIFFERENCES)

    assert not needless


def test_the_differences_are_documented() -> None:
    text = (ROOT / "docs" / "from-celery.md").read_text()

    missing = [difference.row for difference in DIFFERENCES if difference.row not in text]

    assert not missing, "docs/from-celery.md lacks:\n" + "\n".join(missing)


def _deviations(plays: Mapping[str, Transcripts], theirs: str, ours: str, case: str) -> list[Deviation]:
    one, other = (
        {name: told for name, told in plays[play].items() if name.startswith(f"{case}.")}
        for play in (theirs, ours)
    )
    return list(deviations(one, other))
