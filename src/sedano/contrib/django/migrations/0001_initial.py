"""The tables of ``sql/schema.sql``."""

from django.db import migrations, models


class Migration(migrations.Migration):  # type: ignore[misc]
    initial = True

    dependencies: list[tuple[str, str]] = []

    operations = [
        migrations.CreateModel(
            name="DeadLetter",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("task_id", models.TextField()),
                ("task", models.TextField()),
                ("queue", models.TextField()),
                ("priority", models.IntegerField()),
                ("reason", models.TextField()),
                ("crashes", models.IntegerField()),
                ("buried_at", models.FloatField(help_text="POSIX seconds.")),
                ("envelope", models.BinaryField()),
            ],
            options={
                "db_table": "sedano_dead_letter",
            },
        ),
        migrations.CreateModel(
            name="Node",
            fields=[
                ("incarnation", models.TextField(primary_key=True, serialize=False)),
                ("node", models.TextField()),
                ("started_at", models.FloatField(help_text="POSIX seconds.")),
                ("renewed_at", models.FloatField(help_text="POSIX seconds.")),
                ("lease_seconds", models.FloatField()),
                ("running", models.TextField(help_text="JSON list: the messages its children are running.")),
            ],
            options={
                "db_table": "sedano_node",
            },
        ),
        migrations.CreateModel(
            name="Queue",
            fields=[
                ("name", models.TextField(primary_key=True, serialize=False)),
                ("paused", models.BooleanField()),
            ],
            options={
                "db_table": "sedano_queue",
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("task_id", models.TextField()),
                ("task", models.TextField()),
                ("queue", models.TextField()),
                ("priority", models.IntegerField(help_text="Higher runs sooner.")),
                ("state", models.TextField(help_text="ready, scheduled, claimed or parked")),
                ("due", models.FloatField(help_text="POSIX seconds; set while scheduled.", null=True)),
                ("ready_since", models.FloatField(help_text="POSIX seconds.")),
                ("crashes", models.IntegerField(help_text="Processes that died running it.")),
                ("redelivered", models.BooleanField(help_text="Its task may have begun before.")),
                (
                    "claimed_by",
                    models.TextField(help_text="The incarnation of the node that holds it.", null=True),
                ),
                ("envelope", models.BinaryField()),
            ],
            options={
                "db_table": "sedano_message",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "ready")),
                        fields=["queue", "-priority", "id", "ready_since"],
                        name="sedano_message_ready",
                    ),
                    models.Index(
                        condition=models.Q(("state", "scheduled")),
                        fields=["queue", "due"],
                        name="sedano_message_scheduled",
                    ),
                    models.Index(
                        condition=models.Q(("state", "claimed")),
                        fields=["claimed_by"],
                        name="sedano_message_claimed",
                    ),
                    models.Index(
                        condition=models.Q(("state", "parked")), fields=["task"], name="sedano_message_parked"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Result",
            fields=[
                ("task_id", models.TextField(primary_key=True, serialize=False)),
                ("state", models.TextField()),
                ("document", models.BinaryField(help_text="Celery's result meta, encoded.")),
                ("expires_at", models.FloatField(help_text="POSIX seconds.", null=True)),
            ],
            options={
                "db_table": "sedano_result",
                "indexes": [
                    models.Index(
                        condition=models.Q(("expires_at__isnull", False)),
                        fields=["expires_at"],
                        name="sedano_result_expiry",
                    )
                ],
            },
        ),
    ]
