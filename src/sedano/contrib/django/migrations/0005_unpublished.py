"""The index of ``sql/schema.sql`` for messages that were claimed, and go to another broker."""

from django.db import migrations, models


class Migration(migrations.Migration):  # type: ignore[misc]
    dependencies = [
        ("sedano", "0004_periodic_tasks"),
    ]

    operations = [
        migrations.AlterField(
            model_name="message",
            name="state",
            field=models.TextField(help_text="ready, scheduled, claimed, parked or unpublished"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("state", "unpublished")),
                fields=["ready_since"],
                name="sedano_message_unpublished",
            ),
        ),
    ]
