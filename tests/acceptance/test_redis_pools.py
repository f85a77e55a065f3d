"""The pools with messages in Redis, which tells the tasks of messages apart by looking into its lists."""

import pytest

from tests.acceptance import test_pools
from tests.servers.redis_server import RedisServer

pytestmark = pytest.mark.acceptance


@pytest.fixture
def broker_url(server: RedisServer) -> str:
    return server.url


_tasks, with_limits = test_pools._tasks, test_pools.with_limits

test_a_thousand_coroutine_tasks_sleep_at_once = (
    test_pools.test_a_thousand_coroutine_tasks_sleep_at_once_on_one_process
)
test_two_hundred_functions_wait_at_once = test_pools.test_two_hundred_functions_wait_at_once_in_threads
test_a_hard_limit_is_kept_while_all_threads_are_busy = (
    test_pools.test_a_task_with_a_hard_limit_runs_in_a_process_while_all_threads_are_busy
)
test_another_node_gets_what_has_no_slot = test_pools.test_another_node_gets_what_the_first_has_no_slot_for
test_a_task_is_left_to_nodes_with_its_slots = (
    test_pools.test_a_node_leaves_a_task_to_nodes_that_have_the_slots_it_needs
)
test_a_killed_process_of_threads_loses_nothing = (
    test_pools.test_a_killed_process_of_threads_loses_none_of_its_tasks
)
