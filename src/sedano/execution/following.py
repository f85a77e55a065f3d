"""From signatures that follow a task to the publications that its settlement carries.

Called by the executor's parts, while the request of the task that has ended is the current one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sedano.brokers.publication import Publication
from sedano.canvas.groups import group
from sedano.canvas.plan import plan
from sedano.canvas.signature import Signature, signature
from sedano.execution.host import Host
from sedano.tasks import workflows
from sedano.tasks.request import Context, ids_of_followers


class Follower:
    """Makes the publications for one application."""

    def __init__(self, app: Host) -> None:
        self._app = app

    def one(
        self, follower: Mapping[str, Any], args: Sequence[Any], request: Context, why: str, **options: Any
    ) -> list[Publication]:
        """The first messages of what a signature stands for, with these arguments in front of its own.

        Args:
            follower: The signature, as it stands in a message.
            args: The arguments.
            request: The call that it follows.
            why: What it is to that: ids that are still open are derived from it.
            options: As for ``plan``.
        """
        return self._follow(signature(follower, app=self._app), args, request, why, options)

    def together(
        self, followers: Sequence[Mapping[str, Any]], args: Sequence[Any], request: Context, why: str
    ) -> list[Publication]:
        """Those of several signatures, as a group."""
        members = [signature(follower, app=self._app) for follower in followers]
        return self._follow(group(members, app=self._app), args, request, why, {})

    def _follow(
        self,
        follower: Signature[Any],
        args: Sequence[Any],
        request: Context,
        why: str,
        options: dict[str, Any],
    ) -> list[Publication]:
        inherited = {
            "parent_id": request.id,
            "root_id": request.root_id or request.id,
            "reply_to": request.reply_to,
        }
        options = {**inherited, **options}
        planned = plan(follower, args, new_id=ids_of_followers(request, why), **options)
        return workflows.follow_ups(self._app, planned)
