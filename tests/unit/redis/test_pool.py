"""A few connections for many threads."""

import threading
import time
from collections.abc import Iterator

import pytest
from redis.exceptions import RedisError

from sedano.redis.connections import connect
from sedano.redis.pool import Pool
from sedano.redis.redis_url import RedisLocation
from tests.servers.redis_server import RedisServer

PATIENCE = 20.0


@pytest.fixture
def pool(server: RedisServer) -> Iterator[Pool]:
    location = RedisLocation.from_url(server.url)
    pool = Pool(3, lambda timeout: connect(location, timeout=timeout))
    yield pool
    pool.close()


def soon() -> float:
    return time.monotonic() + PATIENCE


def test_the_connection_that_was_used_last_is_used_again(pool: Pool) -> None:
    first, second = pool.borrow(soon()), pool.borrow(soon())
    assert first and second
    pool.give_back(first)
    pool.give_back(second)

    assert pool.borrow(soon()) is second
    pool.give_back(second)


def test_nobody_gets_one_while_all_are_lent(pool: Pool) -> None:
    lines = [pool.borrow(soon()) for _ in range(3)]

    assert pool.borrow(time.monotonic() + 0.05) is None

    for line in lines:
        assert line
        pool.give_back(line)
    again = pool.borrow(soon())
    assert again
    pool.give_back(again)


def test_many_threads_share_few_connections(pool: Pool, server: RedisServer) -> None:
    before = len(server.client.client_list())
    lent, most, used = 0, 0, 0
    lock = threading.Lock()

    def use_often() -> None:
        nonlocal lent, most, used
        for _ in range(30):
            line = pool.borrow(soon())
            assert line
            with lock:
                lent += 1
                most = max(most, lent)
            line.socket.sendall(b"*1\r\n$4\r\nPING\r\n")
            answer = line.connection.read_response()
            with lock:
                lent -= 1
                used += answer == b"PONG"
            pool.give_back(line)

    threads = [threading.Thread(target=use_often) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE * 2)

    assert used == 40 * 30
    assert most <= 3
    assert len(server.client.client_list()) <= before + 3


def test_one_that_the_server_closed_is_replaced(pool: Pool, server: RedisServer) -> None:
    line = pool.borrow(soon())
    assert line
    pool.give_back(line)
    server.client.client_kill_filter(_type="normal", skipme=True)

    fresh = pool.borrow(soon())

    assert fresh
    assert fresh is not line
    fresh.socket.sendall(b"*1\r\n$4\r\nPING\r\n")
    assert fresh.connection.read_response() == b"PONG"
    pool.give_back(fresh)


def test_failing_to_connect_costs_no_place(server: RedisServer) -> None:
    location = RedisLocation.from_url(server.url)
    nowhere = RedisLocation(port=1)
    where = [nowhere]
    pool = Pool(1, lambda timeout: connect(where[0], timeout=timeout))
    for _ in range(3):
        with pytest.raises((RedisError, OSError)):
            pool.borrow(soon())

    where[0] = location

    line = pool.borrow(soon())
    assert line
    pool.give_back(line)
    pool.close()


def test_who_waits_gets_what_another_gives_back(pool: Pool) -> None:
    lines = [pool.borrow(soon()) for _ in range(3)]
    got: list[object] = []
    waiting = threading.Thread(target=lambda: got.append(pool.borrow(soon())))
    waiting.start()

    assert lines[0]
    pool.give_back(lines[0])
    waiting.join(PATIENCE)

    assert got == [lines[0]]
    for line in lines:
        assert line
        pool.give_back(line)
