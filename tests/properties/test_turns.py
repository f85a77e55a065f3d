"""However messages come and come back, no more of them start than their rate gives, and all of them do."""

import heapq
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sedano.brokers.turns import EARLY, FARTHEST, Turns
from sedano.worker.own_turns import OwnTurns

NOW = 1_000_000.0

#: Seconds from one start to the next: from 1,000 a second to 1 an hour.
distances = st.sampled_from([0.001, 0.01, 0.05, 0.5, 1.0, 6.0, 60.0, 3600.0])
#: In distances: how long after the claim before it a claim comes.
gaps = st.floats(0.0, 3.0)
claims = st.lists(st.tuples(gaps, st.integers(1, 8), st.integers(0, 8)), min_size=1, max_size=60)


@given(distances, claims, st.booleans())
def test_no_more_start_within_any_time_than_the_rate_gives(
    seconds: float, claims: list[tuple[float, int, int]], is_own: bool
) -> None:
    shared, own, now = Turns(), OwnTurns(), NOW
    starts: list[float] = []
    for gap, count, most in claims:
        now += gap * seconds
        if is_own:
            turns = own.give(now, seconds, count, most=most)
        else:
            turns = shared.take(now, seconds, count, most=most)
        starts += [now] * turns.count(0.0)

    early = max(seconds / 2, EARLY)
    for first, since in enumerate(starts):
        for last, until in enumerate(starts[first:], first):
            assert last - first + 1 <= (until - since + early) / seconds + 1 + 1e-3


@given(distances, st.integers(1, 200), st.lists(st.floats(0.0, 0.45), min_size=1, max_size=20))
def test_each_message_of_a_backlog_is_sent_away_once_and_starts_at_its_turn(
    seconds: float, count: int, delays: list[float]
) -> None:
    count = min(count, int(FARTHEST / seconds))  # all of them have turns of their own
    turns = Turns()
    waiting = [(NOW, number) for number in range(max(count, 1))]
    starts: list[float] = []
    asked = 0
    while waiting:
        due, _ = waiting[0]
        now = due + delays[asked % len(delays)] * min(seconds, EARLY)
        now = max(now, starts[-1] if starts else now)
        ripe = []
        while waiting and waiting[0][0] <= now:
            ripe.append(heapq.heappop(waiting))
        asked += len(ripe)
        for (_, number), turn in zip(ripe, turns.take(now, seconds, len(ripe), most=1000), strict=True):
            if turn:
                heapq.heappush(waiting, (turn, number))
            else:
                starts.append(now)

    assert asked <= 2 * len(starts)
    assert starts[-1] - NOW <= len(starts) * seconds + EARLY
    assert all(before <= after for before, after in pairwise(starts))
