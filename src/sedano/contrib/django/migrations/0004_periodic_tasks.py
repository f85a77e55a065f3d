"""The schedule of the site: entries that are edited in its admin."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):  # type: ignore[misc]
    dependencies = [
        ("sedano", "0003_schedule"),
    ]

    operations = [
        migrations.CreateModel(
            name="PeriodicTask",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="Schedulers know the entry by it.", max_length=200, unique=True
                    ),
                ),
                ("task", models.CharField(help_text="The name of a registered task.", max_length=200)),
                ("description", models.TextField(blank=True)),
                (
                    "enabled",
                    models.BooleanField(default=True, help_text="An entry that is not enabled does not run."),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("interval", "again and again"),
                            ("crontab", "at times of day and on days: a crontab"),
                            ("solar", "with the sun"),
                            ("clocked", "at one moment"),
                        ],
                        default="interval",
                        max_length=10,
                        verbose_name="runs",
                    ),
                ),
                (
                    "every",
                    models.FloatField(
                        blank=True, help_text="How many of them pass between two runs.", null=True
                    ),
                ),
                (
                    "period",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("days", "days"),
                            ("hours", "hours"),
                            ("minutes", "minutes"),
                            ("seconds", "seconds"),
                        ],
                        default="minutes",
                        max_length=10,
                    ),
                ),
                (
                    "crontab",
                    models.CharField(
                        blank=True,
                        help_text="Minute, hour, day of the month, month, day of the week: "
                        "<code>30 7 * * mon-fri</code>",
                        max_length=600,
                    ),
                ),
                (
                    "timezone",
                    models.CharField(
                        blank=True,
                        help_text="In which the crontab is read, such as Europe/Rome. Empty: the site's.",
                        max_length=63,
                        verbose_name="time zone",
                    ),
                ),
                (
                    "event",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("dawn_astronomical", "dawn astronomical"),
                            ("dawn_nautical", "dawn nautical"),
                            ("dawn_civil", "dawn civil"),
                            ("sunrise", "sunrise"),
                            ("sunset", "sunset"),
                            ("dusk_civil", "dusk civil"),
                            ("dusk_nautical", "dusk nautical"),
                            ("dusk_astronomical", "dusk astronomical"),
                            ("solar_noon", "solar noon"),
                        ],
                        max_length=24,
                    ),
                ),
                (
                    "latitude",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        help_text="Degrees; north is positive.",
                        max_digits=9,
                        null=True,
                    ),
                ),
                (
                    "longitude",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        help_text="Degrees; east is positive.",
                        max_digits=9,
                        null=True,
                    ),
                ),
                ("clocked_time", models.DateTimeField(blank=True, null=True, verbose_name="moment")),
                (
                    "start_time",
                    models.DateTimeField(
                        blank=True, help_text="Nothing is run before. An interval begins with it.", null=True
                    ),
                ),
                (
                    "expires",
                    models.DateTimeField(blank=True, help_text="Nothing is run afterwards.", null=True),
                ),
                (
                    "one_off",
                    models.BooleanField(
                        default=False,
                        help_text="Runs the next time, and never again.",
                        verbose_name="only once",
                    ),
                ),
                (
                    "missed",
                    models.CharField(
                        choices=[
                            ("once", "one run for all of them"),
                            ("skip", "are left out"),
                            ("all", "each is made up for"),
                        ],
                        default="once",
                        help_text="What becomes of runs that were missed while no scheduler ran.",
                        max_length=4,
                    ),
                ),
                (
                    "grace",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Seconds that a run may be late. Empty: any number, or 60 where missed "
                        "runs are left out.",
                        null=True,
                    ),
                ),
                (
                    "args",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text='A JSON list: <code>["daily"]</code>.',
                        verbose_name="arguments",
                    ),
                ),
                (
                    "kwargs",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text='A JSON object: <code>{"days": 7}</code>.',
                        verbose_name="keyword arguments",
                    ),
                ),
                ("queue", models.CharField(blank=True, help_text="Empty: the task's own.", max_length=200)),
                (
                    "priority",
                    models.PositiveSmallIntegerField(
                        blank=True, help_text="Empty: the task's own.", null=True
                    ),
                ),
                (
                    "expire_seconds",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="A run that no worker has begun after so many seconds is dropped.",
                        null=True,
                    ),
                ),
                ("exchange", models.CharField(blank=True, help_text="For RabbitMQ.", max_length=200)),
                ("routing_key", models.CharField(blank=True, help_text="For RabbitMQ.", max_length=200)),
                (
                    "headers",
                    models.JSONField(
                        blank=True, default=dict, help_text="A JSON object, for the message's headers."
                    ),
                ),
                ("counts_from", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                "db_table": "sedano_periodic_task",
                "ordering": ("name",),
            },
        ),
    ]
