"""Where tasks that are run by ``apply()`` and ``task_always_eager`` differ from Celery's on purpose."""

from typing import Final

from tests.interop.scenarios.comparing import NOTHING
from tests.interop.scenarios.differences import Difference, Place

HERE: Final = (
    Difference(
        "`apply()` sends callbacks, errbacks and what follows a replaced task to workers.",
        "It runs them here as well.",
        (
            Place("callbacks.* eagerly, replacing.* eagerly", "/tasks/*"),
            Place("callbacks.* eagerly, replacing.* eagerly", "/results/*"),
        ),
    ),
    Difference(
        "The callbacks of a task that is replaced run twice with `apply()`, and `raise "
        "self.replace(...)` is a "
        "`TypeError` there.",
        "Once; and it is allowed.",
        (
            Place("replacing.raised eagerly", "/facts/*"),
            Place("replacing.* eagerly", "/tasks/*"),
        ),
    ),
    Difference(
        "A request that is run eagerly has no group and no parent; its queue is `None` if none was given.",
        "It has its group and its parent; its queue is an empty text then.",
        (
            Place("* eagerly, ends.options_eagerly", "/tasks/*/request/*"),
            Place("ends.options_eagerly", "/*/colour"),
            Place("ends.class_with_run eagerly", "/*"),
        ),
    ),
    Difference(
        "`apply()` of a chord gives a result without a parent; what a task has sent is not among its "
        "children.",
        "They are there.",
        (
            Place("* eagerly", "/results/*", NOTHING),
            Place("groups.piped_into_a_group eagerly", "/results/*/parent", None),
            Place("chains.* eagerly, chords.body_is_a_* eagerly", "/results/result/parent"),
            Place("chains.groups_after_a_chord_with_a_group eagerly", "/results/result.parent"),
            Place("* eagerly", "/results/*/children", NOTHING),
        ),
    ),
    Difference(
        "`chunks.apply()` gives the result of a task whose value is a `GroupResult` that was sent to "
        "workers.",
        "It gives the group's result.",
        (Place("groups.chunked eagerly", "*"),),
    ),
    Difference(
        "`task_eager_propagates` and `throw=True` raise from within: no handlers and no signals are "
        "called, and "
        "`retry()` raises `Retry`.",
        "The task comes to its end first, retries included.",
        (
            Place("ends.always_eager_propagating", "*"),
            Place("ends.throwing*", "/tasks/noted_fail(1)*"),
        ),
    ),
    Difference(
        "What a handler raises comes out of `apply()`.",
        "It is logged.",
        (Place("ends.broken_handlers* eagerly", "*"),),
    ),
    Difference(
        "After `Ignore` and `Reject`, an eager result has a traceback; `Reject` sends no `task_failure`.",
        "No traceback; the signal is sent, as in a worker.",
        (
            Place(
                "chains.*s_in_the_middle eagerly, ends.* eagerly, retries.automatic_* eagerly",
                "/results/*/traceback",
            ),
            Place("chords.member_rejects eagerly, retries.automatic_reject eagerly", "/tasks/*"),
            Place("chains.rejects* eagerly, ends.reject* eagerly", "/tasks/*"),
        ),
    ),
    Difference(
        "`retry(task_id=...)` changes the id of the eager result.",
        "The result has the id of the first attempt.",
        (Place("retries.with_other_id eagerly", "*"),),
    ),
)
