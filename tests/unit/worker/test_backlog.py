"""Jobs that wait in the parent keep their order and their age."""

from sedano.worker.backlog import Backlog
from tests.unit.worker.conftest import job


def test_recalled_jobs_go_back_to_the_front_in_their_order() -> None:
    backlog = Backlog()
    first, second, third, fourth = (job(n) for n in range(4))
    backlog.add([third, fourth], 1.0)

    backlog.put_back([first, second], 2.0)

    assert [backlog.take() for _ in range(4)] == [first, second, third, fourth]


def test_age_is_that_of_the_first() -> None:
    backlog = Backlog()
    assert not backlog.older_than(100.0)

    backlog.add([job(1)], 5.0)
    backlog.add([job(2)], 50.0)

    assert backlog.older_than(6.0)
    assert not backlog.older_than(5.0)
    assert len(backlog.take_all()) == 2
    assert not backlog
