"""The tests that every broker passes.

Derive from ``BrokerConformance``, and say in two fixtures how to open your broker::

    class TestMyBroker(BrokerConformance):
        @pytest.fixture
        def open_broker(self, server: Server) -> Callable[[Clock], Broker]:
            return lambda clock: MyBroker(server.url, clock=clock)

        @pytest.fixture
        def open_results(self, server: Server) -> Callable[[Clock], ResultStore]:
            return lambda clock: MyResultStore(server.url, clock=clock)

``open_broker`` opens the broker at one place that is empty when a test begins. Tests that wait give it the
real clock, the others one that stands still. ``open_results`` is for brokers with
``BrokerFeatures.joint_results``; without it the tests of joint results are skipped.
"""

from sedano.testing.broker_cases.leases import LeaseCases
from sedano.testing.broker_cases.processes import ProcessCases
from sedano.testing.broker_cases.publishing import PublishingCases
from sedano.testing.broker_cases.rates import RateCases
from sedano.testing.broker_cases.repetition import RepetitionCases
from sedano.testing.broker_cases.settling import SettlingCases
from sedano.testing.broker_cases.steering import SteeringCases
from sedano.testing.broker_cases.waiting import WaitingCases
from sedano.testing.broker_cases.workflows import WorkflowCases


class BrokerConformance(
    PublishingCases,
    SettlingCases,
    WorkflowCases,
    RepetitionCases,
    LeaseCases,
    WaitingCases,
    SteeringCases,
    RateCases,
    ProcessCases,
):
    """All of them."""
