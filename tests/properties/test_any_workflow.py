"""Any workflow, on a node that dies at any moment: its result is that of one calculation."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sedano import Sedano, chain, chord, states
from tests.unit.execution.line import Line

numbers = itertools.count()


class Failed(Exception):
    """The calculation comes to nothing."""


@dataclass(frozen=True)
class Leaf:
    number: int
    acks_late: bool = True
    keeps_result: bool = True
    fails: bool = False

    def value(self, given: int) -> int:
        if self.fails:
            raise Failed
        return given + self.number

    def signature(self, app: Sedano) -> Any:
        name = "fail" if self.fails else "mix" if self.acks_late else "mix_once"
        call = app.tasks[f"flow.{name}"].s(self.number)
        return call if self.keeps_result else call.set(ignore_result=True)


@dataclass(frozen=True)
class Steps:
    steps: Sequence[Any]

    def value(self, given: int) -> int:
        for step in self.steps:
            given = step.value(given)
        return given

    def signature(self, app: Sedano) -> Any:
        return chain(*(step.signature(app) for step in self.steps))


@dataclass(frozen=True)
class Together:
    header: Sequence[Any]
    body: Leaf

    def value(self, given: int) -> int:
        return self.body.value(sum([member.value(given) for member in self.header]))

    def signature(self, app: Sedano) -> Any:
        return chord([member.signature(app) for member in self.header], self.body.signature(app))


leaves = st.builds(
    Leaf,
    st.integers(0, 9),
    acks_late=st.sampled_from([True, True, True, False]),
    keeps_result=st.sampled_from([True, True, True, False]),
    fails=st.sampled_from([False] * 15 + [True]),
)
workflows = st.recursive(
    leaves,
    lambda inner: (
        st.builds(Steps, st.lists(inner, min_size=2, max_size=4))
        | st.builds(Together, st.lists(inner, min_size=2, max_size=4), leaves)
    ),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def app() -> Iterator[Sedano]:
    app = Sedano("flow", broker="memory://any-workflow", set_as_current=False)

    def mix(*given: Any) -> int:
        return sum(sum(one) if isinstance(one, list) else one for one in given)

    def fail(*given: Any) -> int:
        raise ValueError("why")

    app.task(mix, name="flow.mix")
    app.task(mix, name="flow.mix_once", acks_late=False)
    app.task(fail, name="flow.fail")
    yield app
    app.close()


def last(workflow: Any) -> Any:
    """The leaf whose result is the workflow's."""
    match workflow:
        case Steps(steps=steps):
            return last(steps[-1])
        case Together(body=body):
            return body
    return workflow


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(workflow=workflows, apart=st.booleans(), deaths=st.lists(st.integers(0, 40), max_size=6))
def test_a_workflow_has_the_result_of_the_calculation(
    app: Sedano, workflow: Any, apart: bool, deaths: list[int]
) -> None:
    line = Line(app, apart=apart)
    result = workflow.signature(app).apply_async()
    deadly = set(itertools.accumulate(deaths))

    run_with_deaths(line, deadly)

    assert app.broker.admin.peek("celery") == []
    try:
        expected = workflow.value(0)
    except Failed:
        if last(workflow).keeps_result:
            assert result.state == states.FAILURE
    else:
        if last(workflow).keeps_result:
            assert (result.state, result.result) == (states.SUCCESS, expected)
    line.lease.end()


def run_with_deaths(line: Line, deadly: set[int]) -> None:
    """Run what is ready. After so many jobs the node dies, with what it has not settled."""
    settling: list[Any] = []
    done = 0
    while True:
        jobs, settling = line.exchange(settling, 3)
        for job in jobs:
            # What runs at most once is gone when its node dies; that is what its user chose.
            dies = done in deadly and not any(one.acknowledged for one in jobs)
            done += 1
            if dies and done % 2:
                settling += line.work(job)
            if dies:
                line.die()
                settling = [one for one in settling if one.tag is None]
                break
            settling += line.work(job)
        if not jobs and not settling:
            return
