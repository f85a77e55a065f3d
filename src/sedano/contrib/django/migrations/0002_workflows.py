"""The tables of ``sql/schema.sql`` for groups and chords, and for rate limits."""

from django.db import migrations, models


class Migration(migrations.Migration):  # type: ignore[misc]
    dependencies = [
        ("sedano", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Chord",
            fields=[
                ("group_id", models.TextField(primary_key=True, serialize=False)),
                ("size", models.IntegerField(help_text="Members it began with.", null=True)),
                ("extension", models.IntegerField(help_text="Members that came on top.")),
                ("counted", models.IntegerField(help_text="Members that have ended.")),
                (
                    "claimed_by",
                    models.TextField(help_text="The member that completed it, and is to end it.", null=True),
                ),
                ("claimed_until", models.FloatField(help_text="POSIX seconds.", null=True)),
                ("ended", models.BooleanField()),
                ("expires_at", models.FloatField(help_text="POSIX seconds.", null=True)),
            ],
            options={
                "db_table": "sedano_chord",
                "indexes": [
                    models.Index(
                        condition=models.Q(("expires_at__isnull", False)),
                        fields=["expires_at"],
                        name="sedano_chord_expiry",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ChordPart",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("group_id", models.TextField()),
                ("member", models.TextField()),
                ("place", models.IntegerField(help_text="Among the members.", null=True)),
                ("document", models.BinaryField()),
            ],
            options={
                "db_table": "sedano_chord_part",
                "constraints": [
                    models.UniqueConstraint(fields=("group_id", "member"), name="sedano_chord_member")
                ],
            },
        ),
        migrations.CreateModel(
            name="Group",
            fields=[
                ("group_id", models.TextField(primary_key=True, serialize=False)),
                ("document", models.BinaryField(help_text="Celery's result tuple of a group, encoded.")),
                ("expires_at", models.FloatField(help_text="POSIX seconds.", null=True)),
            ],
            options={
                "db_table": "sedano_group",
                "indexes": [
                    models.Index(
                        condition=models.Q(("expires_at__isnull", False)),
                        fields=["expires_at"],
                        name="sedano_group_expiry",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Rate",
            fields=[
                ("task", models.TextField(primary_key=True, serialize=False)),
                ("next_start", models.FloatField(help_text="POSIX seconds.")),
                (
                    "tail",
                    models.FloatField(help_text="POSIX seconds; the next moment that no message waits for."),
                ),
            ],
            options={
                "db_table": "sedano_rate",
            },
        ),
    ]
