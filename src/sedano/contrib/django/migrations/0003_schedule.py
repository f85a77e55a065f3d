"""The tables of ``sql/schema.sql`` for the schedule."""

from django.db import migrations, models


class Migration(migrations.Migration):  # type: ignore[misc]
    dependencies = [
        ("sedano", "0002_workflows"),
    ]

    operations = [
        migrations.CreateModel(
            name="Entry",
            fields=[
                ("name", models.TextField(primary_key=True, serialize=False)),
                (
                    "since",
                    models.FloatField(
                        help_text="POSIX seconds: the last due moment, or when it was first seen."
                    ),
                ),
                ("last_run_at", models.FloatField(help_text="POSIX seconds.", null=True)),
                ("runs", models.IntegerField()),
                ("paused", models.BooleanField()),
                (
                    "document",
                    models.BinaryField(help_text="Its rule, if it was made at run time.", null=True),
                ),
            ],
            options={
                "db_table": "sedano_entry",
            },
        ),
        migrations.CreateModel(
            name="Schedule",
            fields=[
                ("id", models.IntegerField(primary_key=True, serialize=False)),
                ("changes", models.IntegerField()),
            ],
            options={
                "db_table": "sedano_schedule",
            },
        ),
    ]
