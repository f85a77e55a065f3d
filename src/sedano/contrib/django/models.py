"""The tables of a Sedano database, as Django's migrations make them: the same as in ``sql/schema.sql``.

A test holds the two in step; only ``PeriodicTask``, which is the site's own, is not there. The broker and the
result store read and write these tables with SQL of their own; the models are for the site: its admin, its
shell, its reports. Never change rows of ``Message`` and ``Node`` by hand while workers run.
"""

from django.db import models
from django.db.models import Q

from sedano.contrib.django.periodic_task import PeriodicTask as PeriodicTask


class Message(models.Model):  # type: ignore[misc]
    """A live message, from its publication to its settlement."""

    id = models.BigAutoField(primary_key=True)
    task_id = models.TextField()
    task = models.TextField()
    queue = models.TextField()
    priority = models.IntegerField(help_text="Higher runs sooner.")
    state = models.TextField(help_text="ready, scheduled, claimed, parked or unpublished")
    due = models.FloatField(null=True, help_text="POSIX seconds; set while scheduled.")
    ready_since = models.FloatField(help_text="POSIX seconds.")
    crashes = models.IntegerField(help_text="Processes that died running it.")
    redelivered = models.BooleanField(help_text="Its task may have begun before.")
    claimed_by = models.TextField(null=True, help_text="The incarnation of the node that holds it.")
    envelope = models.BinaryField()

    class Meta:
        db_table = "sedano_message"
        indexes = (
            models.Index(
                fields=["queue", "-priority", "id", "ready_since"],
                name="sedano_message_ready",
                condition=Q(state="ready"),
            ),
            models.Index(
                fields=["queue", "due"], name="sedano_message_scheduled", condition=Q(state="scheduled")
            ),
            models.Index(fields=["claimed_by"], name="sedano_message_claimed", condition=Q(state="claimed")),
            models.Index(fields=["task"], name="sedano_message_parked", condition=Q(state="parked")),
            models.Index(
                fields=["ready_since"],
                name="sedano_message_unpublished",
                condition=Q(state="unpublished"),
            ),
        )

    def __str__(self) -> str:
        return f"{self.task}[{self.task_id}] {self.state} in {self.queue}"


class Node(models.Model):  # type: ignore[misc]
    """One life of a worker node that holds a lease."""

    incarnation = models.TextField(primary_key=True)
    node = models.TextField()
    started_at = models.FloatField(help_text="POSIX seconds.")
    renewed_at = models.FloatField(help_text="POSIX seconds.")
    lease_seconds = models.FloatField()
    running = models.TextField(help_text="JSON list: the messages its children are running.")

    class Meta:
        db_table = "sedano_node"

    def __str__(self) -> str:
        return str(self.incarnation)


class Queue(models.Model):  # type: ignore[misc]
    """A queue of which something is to be remembered."""

    name = models.TextField(primary_key=True)
    paused = models.BooleanField()

    class Meta:
        db_table = "sedano_queue"

    def __str__(self) -> str:
        return str(self.name)


class Rate(models.Model):  # type: ignore[misc]
    """When a task may start whose limit all workers keep together."""

    task = models.TextField(primary_key=True)
    next_start = models.FloatField(help_text="POSIX seconds.")
    tail = models.FloatField(help_text="POSIX seconds; the next moment that no message waits for.")

    class Meta:
        db_table = "sedano_rate"

    def __str__(self) -> str:
        return str(self.task)


class DeadLetter(models.Model):  # type: ignore[misc]
    """A message that was given up, with the reason."""

    id = models.BigAutoField(primary_key=True)
    task_id = models.TextField()
    task = models.TextField()
    queue = models.TextField()
    priority = models.IntegerField()
    reason = models.TextField()
    crashes = models.IntegerField()
    buried_at = models.FloatField(help_text="POSIX seconds.")
    envelope = models.BinaryField()

    class Meta:
        db_table = "sedano_dead_letter"

    def __str__(self) -> str:
        return f"{self.task}[{self.task_id}]: {self.reason}"


class Result(models.Model):  # type: ignore[misc]
    """What became of a task."""

    task_id = models.TextField(primary_key=True)
    state = models.TextField()
    document = models.BinaryField(help_text="Celery's result meta, encoded.")
    expires_at = models.FloatField(null=True, help_text="POSIX seconds.")

    class Meta:
        db_table = "sedano_result"
        indexes = (
            models.Index(
                fields=["expires_at"], name="sedano_result_expiry", condition=Q(expires_at__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return f"{self.task_id}: {self.state}"


class Group(models.Model):  # type: ignore[misc]
    """A saved group: which tasks it is of."""

    group_id = models.TextField(primary_key=True)
    document = models.BinaryField(help_text="Celery's result tuple of a group, encoded.")
    expires_at = models.FloatField(null=True, help_text="POSIX seconds.")

    class Meta:
        db_table = "sedano_group"
        indexes = (
            models.Index(
                fields=["expires_at"], name="sedano_group_expiry", condition=Q(expires_at__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return str(self.group_id)


class Chord(models.Model):  # type: ignore[misc]
    """How many members of a chord have ended."""

    group_id = models.TextField(primary_key=True)
    size = models.IntegerField(null=True, help_text="Members it began with.")
    extension = models.IntegerField(help_text="Members that came on top.")
    counted = models.IntegerField(help_text="Members that have ended.")
    claimed_by = models.TextField(null=True, help_text="The member that completed it, and is to end it.")
    claimed_until = models.FloatField(null=True, help_text="POSIX seconds.")
    ended = models.BooleanField()
    expires_at = models.FloatField(null=True, help_text="POSIX seconds.")

    class Meta:
        db_table = "sedano_chord"
        indexes = (
            models.Index(
                fields=["expires_at"], name="sedano_chord_expiry", condition=Q(expires_at__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return f"{self.group_id}: {'ended' if self.ended else self.counted}"


class ChordPart(models.Model):  # type: ignore[misc]
    """What a member of a chord ended with."""

    id = models.BigAutoField(primary_key=True)
    group_id = models.TextField()
    member = models.TextField()
    place = models.IntegerField(null=True, help_text="Among the members.")
    document = models.BinaryField()

    class Meta:
        db_table = "sedano_chord_part"
        constraints = (models.UniqueConstraint(fields=["group_id", "member"], name="sedano_chord_member"),)

    def __str__(self) -> str:
        return f"{self.member} of {self.group_id}"


class Entry(models.Model):  # type: ignore[misc]
    """An entry of the schedule: when it was last due and run."""

    name = models.TextField(primary_key=True)
    since = models.FloatField(help_text="POSIX seconds: the last due moment, or when it was first seen.")
    last_run_at = models.FloatField(null=True, help_text="POSIX seconds.")
    runs = models.IntegerField()
    paused = models.BooleanField()
    document = models.BinaryField(null=True, help_text="Its rule, if it was made at run time.")

    class Meta:
        db_table = "sedano_entry"

    def __str__(self) -> str:
        return str(self.name)


class Schedule(models.Model):  # type: ignore[misc]
    """One row: how often entries were changed."""

    id = models.IntegerField(primary_key=True)
    changes = models.IntegerField()

    class Meta:
        db_table = "sedano_schedule"

    def __str__(self) -> str:
        return f"changed {self.changes} times"
