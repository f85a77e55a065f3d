"""Where tasks that workers run differ from Celery's on purpose, and why.

The test holds both ways: what is not listed must be the same, and what is listed must differ.
"""

from typing import Final

from tests.interop.scenarios.comparing import NOTHING
from tests.interop.scenarios.differences import Difference, Place

SENT: Final = (
    # -- workflows
    Difference(
        "What follows an expired or ignored step, and what fails before a group or a chord leaves behind "
        "it, stays "
        "`PENDING`; so does a chord in whose header another chord fails. `get()` waits for ever.",
        "Every step that will never run gets its final state, and `get()` raises.",
        (
            Place("chains.expired*", "/results/*"),
            Place("chains.fails_before_a_chord", "/results/*"),
            Place("chains.fails_before_a_group", "/results/*"),
            Place("chords.member_fails_before_a_chord", "/results/*"),
            Place("chords.member_chord_fails", "/results/result/*"),
            Place("chords.member_chord_fails", "/tasks/functions", NOTHING),
            Place("chains.ignores_in_the_middle, chords.member_ignores_how_it_ends", "/results/result/*"),
            Place(
                "chains.fails_before_a_group, chords.member_fails_before_a_chord, chords.member_chord_fails, "
                "chains.ignores_in_the_middle, chords.member_ignores_how_it_ends",
                "/facts/get",
                "not ready",
            ),
        ),
    ),
    Difference(
        "With `result_extended`, steps that never ran have their name and arguments stored; a chord's "
        "body has not.",
        "A chord's body and the members of a header have as well. Every such step has a traceback.",
        (
            *(
                Place(
                    "callbacks.given_to_a_chord, chains.group_that_fails*, chords.*, "
                    "replacing.*_in_a_chord, retries.member*",
                    path,
                    NOTHING,
                )
                for path in ("/results/*/name", "/results/*/args", "/results/*/retries")
            ),
            Place("chains.group_that_fails*, chords.*", "/results/*/traceback", NOTHING),
        ),
    ),
    Difference(
        "The parent of a chord that is a later step of a chain is a `GroupResult` with an id that no group "
        "has.",
        "It has the header's id.",
        (Place("chords.chord_in_a_chain*, chains.groups_after_a_chord_with_a_group", "/results/*"),),
    ),
    Difference(
        "Of more than two groups one after the other, `chain(g1, g2, g3, ...)`, the members of the third "
        "are called for each member of the second, with its result alone. (With `app=...` they are not.)",
        "Each member of a group is called once, with the results of all the group before.",
        (Place("chains.four_groups_one_after_the_other*", "*"),),
    ),
    Difference(
        "Errbacks that are called in the worker's process find the failed task's `FAILURE` in the result "
        "store.",
        "They are called before it is stored: it is stored in one step with all else that follows. What they "
        "need they are given; errbacks that are sent as tasks find it.",
        (Place("callbacks.errback_that_looks", "/tasks/functions/*:errback/state", "FAILURE", "PENDING"),),
    ),
    Difference(
        "A chain or another workflow that is sent twice has the same ids both times.",
        "New ids each time.",
        (Place("chains.sent_twice", "*"),),
    ),
    Difference(
        "Members of groups within groups get equal places, so that a chord's body may get its list in "
        "another order.",
        "The places follow the order of the header.",
        (
            Place("groups.in_a_group", "/tasks/*/request/group_index", 1, 2),
            Place("chords.members_are_groups", "*"),
        ),
    ),
    Difference(
        "An errback that is a chain is never run.",
        "It is.",
        (Place("callbacks.errback_that_is_a_chain", "*", NOTHING),),
    ),
    Difference(
        "Errbacks are not among the failed task's children.",
        "Those that are sent are.",
        (Place("callbacks.errback*", "/results/*/children", NOTHING),),
    ),
    Difference(
        "The errbacks of a chord are called with no traceback; those of a body that is a chain, with the "
        "last step's "
        "id and a request of the task `celery.chain`; those of a group, with a request of the task "
        "`unknown`.",
        "With a traceback, and with the id and the name of the task that would have been next.",
        (
            Place("callbacks.given_to_a_chord, chords.*", "/tasks/functions/*:errback/last_line", None),
            Place("chords.member_fails_before_a_*_with_errbacks", "/tasks/functions/*:errback/failed*"),
        ),
    ),
    Difference(
        "A chord that replaces a task: its body has no `request.group`, if the task had none.",
        "It has the header's, as bodies of chords have elsewhere.",
        (Place("replacing.by_chord_*", "/tasks/*/request/group", NOTHING),),
    ),
    Difference(
        "`chord.stamp(...)` does not stamp the body.",
        "It does.",
        (Place("signatures.stamps", "/tasks/chord/*/stamp*", NOTHING),),
    ),
    Difference(
        "`chain.apply_async(parent_id=...)` is ignored.",
        "It is the parent of the first step.",
        (Place("chains.with_options", "/tasks/describe(3)/*/parent_id", NOTHING, "a-parent"),),
    ),
    # -- retries
    Difference(
        "The next attempt of a task without a parent is its own child: `request.parent_id` is its own "
        "id, and after "
        "`retry(throw=False)` it is among its own `children`.",
        "The next attempt has the parent that the first one had.",
        (
            Place("callbacks.of_a_task*, replacing.by_retried*, retries.*", "/tasks/*/request/parent_id"),
            Place("retries.*", "/results/*/children"),
        ),
    ),
    Difference(
        "`on_retry` gets `None` for an error if none was given to `retry()`.",
        "It gets the `Retry`.",
        (Place("*", "/tasks/*:on_retry/exc", None),),
    ),
    Difference(
        "The traceback of a retry ends with `Retry: Retry in 3s: ...`.",
        "If an error was given, it is that error's.",
        (Place("*", "/tasks/*retry/einfo/last_line"),),
    ),
    Difference(
        "`raise Retry(...)` by hand shows `RETRY`, and the task never runs again.",
        "It runs again, when `when` says.",
        (Place("retries.retry_raised_by_hand", "*"),),
    ),
    Difference(
        "`autoretry_for=(Exception,)` runs a task again that raises `Reject`.",
        "A task that rejects its message is not run again.",
        (
            Place("retries.automatic_reject", "/tasks/result"),
            Place("retries.automatic_reject", "/results/result/retries", 3, 0),
        ),
    ),
    Difference(
        "`retry(task_id=...)` changes the `correlation_id` too.",
        "It stays the first one's.",
        (Place("retries.with_other_id", "/tasks/*/correlation_id"),),
    ),
    Difference(
        "A callback's message has the `reply_to` of the process that publishes it.",
        "It has that of the process that made the first call: over `rpc://` it hears of what follows.",
        (Place("retries.everything_is_kept", "/tasks/*/request/reply_to"),),
    ),
    # -- how tasks end
    Difference(
        "`after_return` gets no `einfo` after a failure.",
        "It gets it.",
        (Place("*", "/tasks/*:after_return/einfo", None),),
    ),
    Difference(
        "What `on_failure` raises takes the place of the task's own error.",
        "It is logged. The task's error stays.",
        (Place("ends.broken_handlers_failing", "*"),),
    ),
    Difference(
        "`Reject(requeue=False)` sends `task_failure` after `task_postrun`.",
        "Before it, as for other failures.",
        (
            Place(
                "callbacks.to_a_task_that_rejects, chains.rejects*, chords.member_rejects, ends.reject*",
                "/tasks/*",
            ),
        ),
    ),
    Difference(
        "Put back by `Reject(requeue=True)`, a message has a header `redelivered`, and so `request.headers`.",
        "Only `request.delivery_info` says so.",
        (Place("ends.reject_and_requeue", "/tasks/*/request/headers", {"redelivered": True}, NOTHING),),
    ),
    Difference(
        "A task that is killed at its time limit: `task_failure` is sent twice, and then `task_postrun` "
        "without a state.",
        "Each is sent once, `task_postrun` with `FAILURE`, in another process: the task's own is gone. "
        "The result has a traceback.",
        (
            Place("chords.hard_limit_of_a_member", "/tasks/hard()"),
            Place("ends.hard_limit", "/tasks/result"),
            Place("ends.hard_limit", "/results/result/traceback", NOTHING),
        ),
    ),
    Difference(
        "`SystemExit` in a task ends its process; the task fails with `WorkerLostError`.",
        "The task fails, and the process lives on. Reading it back gives an `UnknownRemoteError` that "
        "names it.",
        (Place("ends.system_exit", "*"),),
    ),
    Difference(
        "A revoked task is noted by the worker that receives it, with the signal `task_revoked`.",
        "`revoke()` takes its message out of the broker and stores `REVOKED`; a message that a worker has "
        "claimed, be it for later, runs. A worker hears of it only where other steps of a workflow wait for "
        "the task.",
        (Place("ends.revoked_before", "*"),),
    ),
    Difference(
        "`TimeLimitExceeded(1)` for a limit of `1`; `SoftTimeLimitExceeded` is printed with its own name "
        "as its text.",
        "`TimeLimitExceeded(1.0)`; no text.",
        (
            Place("chords.hard_limit*", "/results/result/*"),
            Place("chords.hard_limit*", "/tasks/functions/*/args"),
            Place("ends.soft_limit", "/*/*last_line"),
            Place("ends.soft_limit", "/results/result/traceback"),
        ),
    ),
    # -- names and texts
    Difference(
        "Texts of errors are Celery's.",
        "Texts say what to do. The classes are the same, or derived from the same.",
        (
            Place("callbacks.given_to_a_group", "/facts/link*/args"),
            Place("chords.joining_no_chord, chords.a_member_joins eagerly", "*"),
            Place("replacing.by_an_empty_chain, replacing.by_an_empty_chain eagerly", "*"),
            Place("ends.unwritable", "*"),
            Place("ends.wrong_arguments", "/facts/*"),
        ),
    ),
    Difference(
        "`task_postrun` of a task that is replaced has an `Ignore` for its value.",
        "A `Replaced`, which is an `Ignore`.",
        (Place("replacing.*", "/tasks/*:postrun/retval/*"),),
    ),
    Difference(
        "The class of a chain is called `_chain`.",
        "`chain`.",
        (Place("signatures.as_data", "/facts/kinds"),),
    ),
    Difference(
        "The text of a `ChordError` shows Celery's names: `MaxRetriesExceededError('...')`.",
        "Errors whose class has a name of its own show that: `MaxRetriesExceeded('...')`. Celery's names "
        "are aliases.",
        (
            Place("chords.expired_member, retries.member_that_runs_too_often", "/results/result/*"),
            Place("chords.expired_member", "/tasks/functions/*/args"),
        ),
    ),
)
