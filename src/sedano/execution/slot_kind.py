"""The kinds of slots a task can run in. A job says which kind it was claimed for.

Named by users as well: ``@app.task(pool="threads")``.
"""

from typing import Final, Literal

SlotKind = Literal["prefork", "threads", "asyncio"]

#: The main thread of a child: its signals interrupt what waits, and the child can be killed for it.
PREFORK: Final = "prefork"
#: A thread among many in one child.
THREADS: Final = "threads"
#: An event loop's task among many.
ASYNCIO: Final = "asyncio"

#: What the slots have that begin each job as it comes, beside the main thread.
SIDE_KINDS: Final[tuple[SlotKind, ...]] = (THREADS, ASYNCIO)
