"""What tests of workflows begin with: members of chords, and messages that a node holds."""

from sedano.brokers.broker import Broker
from sedano.brokers.lease import Lease
from sedano.brokers.settlement import Finish
from sedano.results.group_store import ChordEnd, ChordPart, WorkflowChange
from sedano.results.store import ResultStore
from sedano.testing.broker_cases.fixtures import begin_lease
from sedano.testing.group_store_cases import LATER, part
from sedano.testing.messages import publication


def tells(*parts: ChordPart) -> WorkflowChange:
    """These members have ended."""
    return WorkflowChange(parts=parts)


def ends(member: ChordPart) -> WorkflowChange:
    """This member ends its chord."""
    return WorkflowChange(end=ChordEnd(member.group_id, member.member))


def hold(broker: Broker, results: ResultStore, *names: str) -> tuple[Lease, list[int]]:
    """A lease with joint results that has claimed these messages, which are all there are."""
    broker.publish([publication(name) for name in names])
    lease = begin_lease(broker, results=results)
    return lease, [delivery.tag for delivery in lease.claim(["celery"], len(names)).deliveries]


def hold_completed(broker: Broker, results: ResultStore) -> tuple[Lease, int, ChordPart]:
    """A lease that holds the message of ``b``, which has completed the chord ``g`` of ``a`` and ``b``."""
    lease, (tag,) = hold(broker, results, "b")
    member = part("b", 1)
    results.groups.begin_chord("g", 2, expires_at=LATER)
    results.groups.add_parts([part("a", 0)])
    claimed = lease.claim(["celery"], 0, [Finish(tag, workflow=tells(member))])
    assert list(claimed.completing) == [(tag, "g")]
    return lease, tag, member
