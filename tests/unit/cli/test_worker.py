"""``sedano worker``: Celery's flags work, or have no effect and say why, or are refused with a way out."""

import pytest
from celery.bin.worker import worker as celerys_worker

from sedano.cli.celery_flag import NOT_NEEDED, REFUSED, CeleryFlag
from sedano.cli.setting_overrides import setting_overrides
from sedano.cli.worker import worker
from tests.unit.cli.project import Project

VALUES = {"--optimization": "fair", "--pool-start-method": "spawn", "--autoscale": "4,1"}


def arguments(flag: CeleryFlag) -> list[str]:
    name = max(flag.names, key=len)
    if flag.takes is None and not flag.choices:
        return [name]
    return [name, VALUES.get(name, "7")]


def name_of(flag: CeleryFlag) -> str:
    return max(flag.names, key=len)


def test_every_flag_of_celerys_worker_is_known() -> None:
    known = {name for parameter in worker.params for name in parameter.opts}
    celerys = {name for parameter in celerys_worker.params for name in parameter.opts}

    assert celerys <= known


@pytest.mark.parametrize("flag", REFUSED, ids=name_of)
def test_a_flag_that_is_not_supported_is_refused_with_a_way_out(project: Project, flag: CeleryFlag) -> None:
    ran = project.run("-A", "tasks", "worker", *arguments(flag))

    assert ran.code == 2
    assert ran.err.startswith(f"Error: {name_of(flag)}: {flag.reason}.")
    assert flag.instead in ran.err


@pytest.mark.parametrize("flag", NOT_NEEDED, ids=name_of)
def test_a_flag_that_is_not_needed_is_noted(project: Project, flag: CeleryFlag) -> None:
    # Some option has to be wrong, or a worker would start.
    ran = project.run("-A", "tasks", "worker", *arguments(flag), "no-setting")

    assert f"Note: {name_of(flag)} has no effect: {flag.reason}.\n" in ran.err


def test_quiet_leaves_notes_out(project: Project) -> None:
    ran = project.run("-q", "worker", "--without-gossip", "no-setting")

    assert "Note" not in ran.err


@pytest.mark.parametrize("pool", ["gevent", "eventlet", "custom", "proj.pools:Own", "nonsense"])
def test_other_pools_are_refused(project: Project, pool: str) -> None:
    ran = project.run("worker", "-P", pool)

    assert ran.code == 2
    assert pool in ran.err
    assert "prefork" in ran.err


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (["-c", "four"], "--concurrency: expected a number or 'auto', got 'four'"),
        (["-c", "-1"], "--concurrency: expected a number or 'auto', got '-1'"),
        (["-l", "LOUD"], "'LOUD' is not one of"),
        (["-Q", ","], "--queues: ',' holds no name"),
        (["--time-limit", "0"], "--time-limit"),
        (
            ["--time-limit", "5", "--soft-time-limit", "6"],
            "--soft-time-limit 6 is longer than",
        ),
        (["--umask", "9"], "--umask: expected an octal number, got '9'"),
        (["something"], "Unexpected argument 'something'"),
        (["=1"], "Unexpected argument '=1'"),
    ],
)
def test_a_wrong_value_is_named(project: Project, given: list[str], error: str) -> None:
    ran = project.run("worker", *given)

    assert ran.code == 2
    assert error in ran.err.splitlines()[0]


@pytest.mark.parametrize(
    ("written", "name", "value"),
    [
        ("task_track_started=1", "task_track_started", "1"),
        ("task.track_started=1", "task_track_started", "1"),
        ("Worker.Lease=5", "worker_lease", "5"),
        (".lease=5", "worker_lease", "5"),
        ("worker_concurrency=(int)4", "worker_concurrency", "4"),
        ("broker_url=sqlite:///a=b.db", "broker_url", "sqlite:///a=b.db"),
    ],
)
def test_settings_are_overridden_in_celerys_forms(written: str, name: str, value: str) -> None:
    assert setting_overrides([written]) == {name: value}
