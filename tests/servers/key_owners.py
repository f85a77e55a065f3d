"""Who may leave a key without an end in a Redis, and why: everything else is a leak.

Asked by fixtures after each test. ``sedano.redis.key_names`` says what the keys are.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from redis import Redis


class Owner(NamedTuple):
    """Keys of one kind. A group ``lease`` names the lease that they have to go with."""

    pattern: str
    kind: str
    why: str


#: The first pattern that fits counts. ``lane`` is a list of messages, ``lease`` an incarnation.
OWNERS: Final = (
    Owner(r"sedano:queues", "set", "a name for each queue that was ever used; `sedano status` reads it"),
    Owner(r"sedano:\{schedule\}:(states|entries)", "hash", "the schedule: a field for each entry"),
    Owner(r"sedano:\{schedule\}:changes", "string", "how often the schedule was changed"),
    Owner(r"sedano:\{schedule\}:unpublished", "list", "runs to be published, by whatever scheduler there is"),
    Owner(r"sedano:\{nodes\}", "zset", "the leases; an entry goes with its lease"),
    Owner(r"sedano:\{nodes\}:(?P<lease>.+)", "hash", "a node; goes with its lease"),
    Owner(r"sedano:\{.+\}:held:(?P<lease>.+)", "hash", "claimed messages; given back when the lease ends"),
    Owner(r"sedano:\{.+\}:inbox:(?P<lease>.+)", "list", "messages on their way; given back with the lease"),
    Owner(r"sedano:\{.+\}:holders", "set", "leases that may claim; an entry goes with its lease"),
    Owner(r"sedano:\{.+\}:due", "zset", "messages that wait for their time"),
    Owner(r"sedano:\{.+\}:parked", "hash", "messages that wait for a node that knows their task"),
    Owner(r"sedano:\{.+\}:dead", "hash", "dead letters, until somebody replays or discards them"),
    Owner(r"sedano:\{.+\}:paused", "string", "a paused queue, until somebody resumes it"),
    Owner(r"_kombu\.binding.+", "(set|zset|hash|string)", "Celery's exchanges, until somebody deletes them"),
    Owner(r"unacked|unacked_index", "(hash|zset)", "what Celery's workers hold"),
    Owner(r"(?!sedano:|.*celery-task(set)?-meta-).*", "list", "the messages of a queue"),
)

#: Results and chords of applications have a time to live; a test of the store alone may say that a result is
#: kept for good.
KEPT_RESULTS: Final = Owner(r"celery-task-meta-.+", "string", "ResultWrite without expires_at")


def leaks(client: "Redis[bytes]", *, keeps_results: bool = False) -> list[str]:
    """Every key that has no end and no owner, with the reason why it has none."""
    owners = (KEPT_RESULTS, *OWNERS) if keeps_results else OWNERS
    found = _look(client, owners)
    # Workers may be at work, or ending: what is there at the second look too did not just happen to be there.
    return sorted(found & _look(client, owners)) if found else []


def _look(client: "Redis[bytes]", owners: tuple[Owner, ...]) -> set[str]:
    leases = {name.decode() for name in client.zrange("sedano:{nodes}", 0, -1)}
    found = {f"{key}: {reason}" for key, reason in _unowned(client, owners, leases)}
    for lease in leases:
        if not client.exists(f"sedano:{{nodes}}:{lease}"):
            found.add(f"sedano:{{nodes}}: the lease {lease} has no node")
    return found


def _unowned(
    client: "Redis[bytes]", owners: tuple[Owner, ...], leases: set[str]
) -> Iterator[tuple[str, str]]:
    for raw in client.scan_iter(count=1000):
        if client.pttl(raw) != -1:  # it has an end, or it is gone meanwhile
            continue
        key, kind = raw.decode(errors="replace"), client.type(raw).decode()
        owner = next((one for one in owners if re.fullmatch(one.pattern, key, re.DOTALL)), None)
        if owner is None or not re.fullmatch(owner.kind, kind):
            yield key, f"a {kind} without an end and without an owner"
            continue
        match = re.fullmatch(owner.pattern, key, re.DOTALL)
        lease = match.groupdict().get("lease") if match else None
        if lease is not None and lease not in leases:
            yield key, "its lease has ended"
        if key.endswith(":holders"):
            ended = {name.decode() for name in client.smembers(raw)} - leases
            if ended:
                yield key, f"leases that have ended: {sorted(ended)}"
