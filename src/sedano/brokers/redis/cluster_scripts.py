"""The broker's scripts in a Redis Cluster: each lane has a slot of its own, and a script may touch one.

Used as ``LaneScripts`` is, which see. What takes one step on one server takes several here: a claim counts
what is ready in each lane, and then takes its share of each; follow-ups whose lane has another slot are
published before the settlement that they follow from, if its claim still stands then. Should this node die or
freeze between the two, the follow-ups are there and the settlement is not: whoever runs the task again
publishes them again. Chords have slots of their own: whoever settles has told the result store of them.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from itertools import groupby

import msgspec

from sedano.brokers.publication import Publication
from sedano.brokers.redis import scripts
from sedano.brokers.redis.kombu_message import encode, not_before
from sedano.brokers.redis.lane_scripts import Found, Lane, LaneScripts, Outcome, Wanted, found_in
from sedano.brokers.redis.settling import Claim, Settling
from sedano.brokers.settlement import Bury, Finish, Record, Settlement
from sedano.errors import NotSupported
from sedano.redis.cluster_link import slot_of
from sedano.redis.link import Command, ScriptRun


class ClusterScripts(LaneScripts):
    """Those of one incarnation, lane by lane."""

    def enlist(self, lanes: Sequence[Lane], queues: Sequence[str]) -> bool:
        for lane in lanes:
            if len({slot_of(key) for key in lane.keys}) > 1:
                raise NotSupported(
                    f"The queue {lane.queue!r} has braces in its name: not on a Redis Cluster."
                )
        if not self._link.run(scripts.ENLIST, *self._enlisting((), queues)):
            return False
        self._link.pipeline([("SADD", lane.keys[5], self._incarnation) for lane in lanes])
        # Whoever takes us for dead fences us then: either we see the first, or the fence sees what we added.
        if self._link.run(scripts.ENLIST, *self._enlisting((), queues)):
            return True
        self._link.pipeline([("SREM", lane.keys[5], self._incarnation) for lane in lanes])
        return False

    def settle_and_claim(
        self,
        claims: Mapping[int, Claim],
        settling: Sequence[Settlement],
        now: float,
        wanted: Wanted | None = None,
    ) -> Outcome:
        queues, settling = self._publish_elsewhere(claims, settling, now)
        batches: dict[str, Settling] = defaultdict(lambda: self._batch(claims, now))
        for settlement in settling:
            claim = claims.get(settlement.tag) if settlement.tag is not None else None
            batches[claim.lane if claim else ""].add(settlement)
        runs = {
            lane: ScriptRun(scripts.SETTLE, batch.keys(), batch.arguments())
            for lane, batch in batches.items()
            if lane
        }
        counts: list[ScriptRun] = []
        emptying: list[ScriptRun] = []
        if wanted is not None:
            counts = self._over(wanted.lanes, ScriptRun(scripts.COUNT, (), (repr(now), self._incarnation)))
            if wanted.leftovers:
                emptying = self._over(wanted.lanes, ScriptRun(scripts.EMPTY_INBOX, ()))
        answers = self._run([*runs.values(), *emptying, *counts]) if runs or counts else []
        places = dict(zip(runs, answers, strict=False))
        nothing: tuple[Sequence[int], Sequence[int]] = (), ()
        lost = [tag for lane, batch in batches.items() for tag in batch.lost(places.get(lane, nothing)[0])]
        settled = Outcome(lost, queues=queues.union(*(batch.queues for batch in batches.values())))
        if wanted is None:
            return settled
        ready = answers[len(runs) + len(emptying) :]
        if any(count < 0 for count in ready):
            return settled._replace(stands=False)
        stands, found = self._claim(wanted, ready, now)
        return settled._replace(stands=stands, found=found)

    def _claim(self, wanted: Wanted, ready: Sequence[int], now: float) -> tuple[bool, list[Found]]:
        lanes: list[Lane] = []
        runs: list[ScriptRun] = []
        tags: list[int] = []
        tag = wanted.first_tag
        shares = shared_out(wanted.limit, wanted.steps, ready)
        for lane, step, share in zip(wanted.lanes, wanted.steps, shares, strict=True):
            if share:
                lanes.append(lane)
                tags.append(tag)
                runs.append(self._claiming(Wanted([lane], [step], share, tag, leftovers=False), now))
                tag += share
        stands, found = True, []
        for lane, tag, answer in zip(lanes, tags, self._run(runs) if runs else (), strict=True):
            stands = stands and bool(answer[0])
            found += found_in([lane], tag, answer[1:])
        return stands, found

    def _publish_elsewhere(
        self, claims: Mapping[int, Claim], settling: Sequence[Settlement], now: float
    ) -> tuple[set[str], list[Settlement]]:
        """Publish the follow-ups that the script cannot; their queues, and the settlements without them."""
        left: list[Settlement] = []
        #: By tag, and under None those that do not depend on a claim.
        elsewhere: dict[int | None, list[Publication]] = defaultdict(list)
        ended: set[int] = set()
        for settlement in settling:
            tag = settlement.tag
            if isinstance(settlement, Finish | Bury | Record) and settlement.follow_ups and tag not in ended:
                claim = claims.get(tag) if tag is not None else None
                here = [one for one in settlement.follow_ups if claim and self._is_beside(one, claim)]
                if len(here) < len(settlement.follow_ups):
                    elsewhere[tag] += [one for one in settlement.follow_ups if one not in here]
                    settlement = msgspec.structs.replace(settlement, follow_ups=tuple(here))
            if tag is not None and not isinstance(settlement, Record):
                ended.add(tag)
            left.append(settlement)
        standing = self.holding({tag: claims[tag].lane for tag in elsewhere if tag and tag in claims})
        publishing = [one for tag in elsewhere if tag is None or tag in standing for one in elsewhere[tag]]
        self._publish(publishing, now)
        return {publication.queue for publication in publishing}, left

    def _is_beside(self, publication: Publication, claim: Claim) -> bool:
        lane = self._names.lane(publication.queue, publication.priority)
        return lane == claim.lane or slot_of(lane) == slot_of(claim.lane)

    def _publish(self, publications: Sequence[Publication], now: float) -> None:
        commands: list[Command] = []
        for publication in publications:
            message, due = encode(publication, now), publication.due
            if due is not None and due > now:
                message = not_before(due, message)
            commands.append(("LPUSH", self._names.lane(publication.queue, publication.priority), message))
        if commands:
            self._link.pipeline(commands)

    def claim_parked(
        self, lanes: Sequence[Lane], limit: int, first_tag: int, tasks: Collection[str]
    ) -> Sequence[Found]:
        found: list[Found] = []
        counts = self._link.pipeline([("HLEN", lane.keys[3]) for lane in lanes])
        for lane, count in zip(lanes, counts, strict=True):
            if count and limit:
                (answer,) = self._run([self._claiming_parked([lane], limit, first_tag, tasks)])
                found += found_in([lane], first_tag, answer)
                limit, first_tag = limit - answer[0], first_tag + answer[0]
        return found

    def claim_some(
        self, lanes: Sequence[Lane], limit: int, first_tag: int, tasks: Collection[str], now: float
    ) -> Sequence[Found]:
        found: list[Found] = []
        counts = self._run(self._over(lanes, ScriptRun(scripts.COUNT, (), (repr(now), self._incarnation))))
        for lane, count in zip(lanes, counts, strict=True):
            if count > 0 and limit:
                (answer,) = self._run([self._claiming_some([lane], limit, first_tag, tasks, now)])
                found += found_in([lane], first_tag, answer)
                limit, first_tag = limit - answer[0], first_tag + answer[0]
        return found

    def look(
        self, lanes: Sequence[Lane], listed: Sequence[Lane], now: float, before: Sequence[Command]
    ) -> tuple[int, float | None, list[int]]:
        arguments = (repr(now), self._incarnation, 1)
        answers = self._run(
            [
                ScriptRun(scripts.LOOK, [lane.keys[place] for place in (5, 7, 2, 0)], arguments)
                for lane in lanes
            ]
        )
        if any(ready < 0 for ready, *_ in answers):
            return -1, None, []
        dues = [float(due) for _, due, _ in answers if due]
        ready = max(ready for ready, *_ in answers)
        return ready, min(dues, default=None), [paused for _, _, paused in answers]

    def _over(self, lanes: Sequence[Lane], run: ScriptRun) -> list[ScriptRun]:
        return [run._replace(keys=lane.keys) for lane in lanes]


def shared_out(limit: int, steps: Sequence[int], ready: Sequence[int]) -> list[int]:
    """How many messages to claim of each lane: by urgency, and lanes of one step share what room there is.

    >>> shared_out(10, [0, 0, 3, 3], [2, 1, 100, 100])
    [2, 1, 4, 3]
    """
    shares = [0] * len(ready)
    for _, group in groupby(range(len(ready)), lambda lane: steps[lane]):
        equals = list(group)
        while limit and (hungry := [lane for lane in equals if shares[lane] < ready[lane]]):
            share = max(1, limit // len(hungry))
            for lane in hungry:
                given = min(share, ready[lane] - shares[lane], limit)
                shares[lane] += given
                limit -= given
    return shares
