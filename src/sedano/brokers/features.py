"""What a broker can do, as data."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerFeatures:
    """Read by the node and by ``sedano check``; nobody asks a broker for its class instead."""

    #: Publishing can join the caller's database transaction.
    transactional_publish: bool
    #: A result store at the same location can be written in the step that settles.
    joint_results: bool
    #: 0 means no priorities; otherwise the number of levels.
    priority_levels: int
    #: ``Lease.wait`` wakes at once when a message is published, from any process.
    push: bool
    #: ``Lease.claim`` can be limited to some task names.
    claims_by_task: bool
    #: Messages outlive the process.
    durable: bool
    #: Other processes reach the same messages.
    between_processes: bool = True
    #: Higher numbers run sooner. On Redis Celery's lower ones do.
    higher_priority_first: bool = True
    #: What is ripe takes the place of its publication; otherwise it may come first or last.
    keeps_place: bool = True
    #: ``Lease.take_turns`` counts the starts of a task for all nodes.
    shared_rates: bool = False
    #: Has exchanges: a message may go to one, with a routing key, rather than to a queue.
    exchanges: bool = False
    #: The server itself gives back what a dead node held; ``Lease.recover_dead`` finds nothing to do.
    returns_claims: bool = False
    #: ``BrokerAdmin`` shows the messages that nodes hold; otherwise it says how many they held lately.
    shows_claimed: bool = True
    #: What is given back comes before what is ready; otherwise it may come after that.
    returns_to_front: bool = True
    #: What was given back without having begun is not ``redelivered``; otherwise it may be.
    tells_begun: bool = True
