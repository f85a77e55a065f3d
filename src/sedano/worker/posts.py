"""Which kinds of children a node has, how many of each, and how many slots of each kind a child has.

Made from a node's pools by the planning; read by whoever staffs a node and places jobs. Only counts.
"""

from collections.abc import Iterable, Mapping

import msgspec

from sedano.execution.slot_kind import ASYNCIO, PREFORK, SIDE_KINDS, THREADS, SlotKind


class Post(msgspec.Struct, frozen=True, array_like=True):
    """One kind of children."""

    #: The pool that it is there for.
    name: SlotKind
    children: int
    #: Tasks in the main thread, one at a time. The child can be killed for them, or interrupted by a signal.
    synchronous: bool
    threads: int
    coroutines: int

    def places(self, kind: SlotKind) -> int:
        """How many tasks a child runs at a time in slots of this kind."""
        if kind == THREADS:
            return self.threads
        return self.coroutines if kind == ASYNCIO else int(self.synchronous)

    @property
    def side_kinds(self) -> list[SlotKind]:
        """The kinds of slots beside the main thread, in the order in which their descriptors travel."""
        return [kind for kind in SIDE_KINDS if self.places(kind)]


def posts_for(pools: Mapping[str, int], *, coroutines_each: int) -> tuple[Post, ...]:
    """The posts of a node with so many slots of each pool.

    Coroutine slots cost nothing, so every child has ``coroutines_each``, unless ``asyncio`` is among the
    pools: then they are in a child of their own, which nobody kills for a task of another pool. Where it is
    the only one, its main thread is there for functions.
    """
    apart = pools.get(ASYNCIO)
    shared = 0 if apart else coroutines_each
    posts = []
    if children := pools.get(PREFORK):
        posts.append(Post(PREFORK, children, True, 0, shared))
    if threads := pools.get(THREADS):
        posts.append(Post(THREADS, 1, False, threads, shared))
    if apart:
        posts.append(Post(ASYNCIO, 1, not posts, 0, apart))
    return tuple(posts)


def places(posts: Iterable[Post], kind: SlotKind) -> int:
    """How many slots of a kind all children have together."""
    return sum(post.children * post.places(kind) for post in posts)
