"""The schedule in Django's admin: its pages, its actions, and who may do what."""

import html
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client, TransactionTestCase

from sedano.contrib.django.models import Message, PeriodicTask
from sedano.current import get_current_app

LIST = "/admin/sedano/periodictask/"
ADD = f"{LIST}add/"


class AdminTestCase(TransactionTestCase):
    def setUp(self) -> None:
        self.app = get_current_app()
        self.client.force_login(User.objects.create_superuser("root"))

    def entry(self, name: str = "report", **fields: Any) -> PeriodicTask:
        fields = {
            "kind": "crontab",
            "crontab": "30 7 * * mon-fri",
            "task": "shop.tasks.ship",
            "args": [1],
        } | fields
        return PeriodicTask.objects.create(name=name, **fields)

    def page(self, path: str) -> str:
        """The text of a page."""
        response = self.client.get(path)
        assert response.status_code == 200
        return shown(response)

    def act(self, action: str, *rows: PeriodicTask) -> list[str]:
        """Choose an action in the list. What is said about it."""
        chosen = {"action": action, "_selected_action": [row.pk for row in rows]}
        response = self.client.post(LIST, chosen, follow=True)
        assert response.redirect_chain, shown(response)
        return [str(message) for message in response.context["messages"]]

    def states(self, *names: str) -> Any:
        return self.app.ticks.states(names, now=1.0)


def shown(response: Any) -> str:
    text = re.sub(r"<[^>]+>", " ", response.content.decode())
    return html.unescape(re.sub(r"\s+", " ", text))


def form(**fields: Any) -> Mapping[str, Any]:
    """What a browser sends."""
    return {
        "name": "report",
        "task": "shop.tasks.ship",
        "enabled": "on",
        "kind": "interval",
        "every": "10",
        "period": "minutes",
        "missed": "once",
        "args": "[1]",
        "kwargs": "{}",
        "headers": "{}",
        **fields,
    }


class TestPages(AdminTestCase):
    def test_the_list_tells_each_entry_in_words_and_when_it_runs(self) -> None:
        self.entry()
        self.app.ticks.states(["report"], now=datetime.now(UTC).timestamp())
        self.entry("tea", kind="interval", every=30, period="seconds")
        self.entry("idle", enabled=False)
        self.entry("broken", crontab="0 25 * * *")
        self.entry("lost", task="shop.tasks.lost")
        self.entry("late", counts_from=datetime(2026, 1, 1, tzinfo=UTC))
        self.entry("gone", kind="clocked", clocked_time=datetime(2026, 1, 1, tzinfo=UTC))

        page = self.page(LIST)

        assert "report shop.tasks.ship at 07:30 on Monday to Friday" in page
        assert re.search(r"waits for its next run - 0 \w{3} \d{4}-\d\d-\d\d 07:30:00 CES?T", page)
        assert "tea shop.tasks.ship every 30 seconds" in page
        assert "no scheduler has seen it yet" in page
        assert "not enabled" in page
        assert "its task is not known" in page
        assert "overdue: is there a scheduler?" in page
        assert re.search(r"gone shop.tasks.ship once, at 2026-01-01 00:00:00\+00:00 over - 0? ?-", page)
        assert "hour: 25 is not in 0-23" in page

    def test_an_entrys_page_shows_its_next_ten_runs_and_its_last(self) -> None:
        row = self.entry(timezone="Asia/Tokyo")
        begin = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
        self.app.ticks.states(["report"], now=begin)

        page = self.page(f"{LIST}{row.pk}/change/")

        assert len(re.findall(r"\d{4}-\d\d-\d\d 07:30:00 JST", page)) == 10
        assert "at 07:30 on Monday to Friday (Asia/Tokyo)" in page

    def test_the_registered_tasks_are_offered(self) -> None:
        page = self.client.get(ADD).content.decode()

        assert '<option value="shop.tasks.ship">' in page
        assert 'list="id_task_choices"' in page

    def test_an_entry_is_saved_as_it_was_written(self) -> None:
        response = self.client.post(ADD, form())

        assert response.status_code == 302, shown(response)
        row = PeriodicTask.objects.get()
        assert (row.every, row.period, row.args, row.kwargs) == (10, "minutes", [1], {})

    def test_mistakes_are_told_at_their_fields(self) -> None:
        for field, text, fields in (
            ("crontab", "hour: 25 is not in 0-23", {"kind": "crontab", "crontab": "0 25 * * *"}),
            ("timezone", "IANA", {"kind": "crontab", "crontab": "0 5 * * *", "timezone": "Rome"}),
            ("args", "valid JSON", {"args": "[1"}),
            ("kwargs", "JSON object", {"kwargs": "[1]"}),
            ("args", "order_id", {"args": ""}),
            ("clocked_time", "needs it", {"kind": "clocked"}),
            ("task", "required", {"task": ""}),
        ):
            response = self.client.post(ADD, form(**fields))

            assert response.status_code == 200
            errors = response.context["adminform"].errors
            assert set(errors) == {field}
            assert text in str(errors[field])

    def test_a_task_that_is_not_known_is_saved_with_a_warning(self) -> None:
        response = self.client.post(ADD, form(task="shop.tasks.shipp"), follow=True)

        page = shown(response)
        assert PeriodicTask.objects.get().task == "shop.tasks.shipp"
        assert "No task is registered here as 'shop.tasks.shipp'. Did you mean 'shop.tasks.ship'?" in page

    def test_the_pages_are_there_while_the_broker_is_not(self) -> None:
        row = self.entry()
        with self.settings(CELERY_BROKER_URL="redis://127.0.0.1:1/0"):
            for path in (LIST, f"{LIST}{row.pk}/change/"):
                assert "What was run is not known" in self.page(path)
            said = self.act("pause", row)

        assert len(said) == 2
        assert all("127.0.0.1:1" in text for text in said)


class TestActions(AdminTestCase):
    def test_run_now_publishes_the_task_besides_its_schedule(self) -> None:
        (said,) = self.act("run_now", self.entry())

        message = Message.objects.get()
        assert message.task == "shop.tasks.ship"
        assert message.task_id in said
        assert self.states("report")["report"].runs == 0

    def test_run_now_tells_of_the_entries_that_cannot_be_run(self) -> None:
        said = self.act("run_now", self.entry(task="shop.tasks.unheard_of"), self.entry("tea"))

        assert ["unheard_of" in text for text in said] == [True, False]
        assert Message.objects.count() == 1

    def test_entries_are_disabled_and_enabled(self) -> None:
        row, idle = self.entry(), self.entry("idle", enabled=False)

        assert self.act("disable", row, idle) == ["1 entry was disabled."]
        row.refresh_from_db()
        assert not row.enabled

        assert self.act("enable", row, idle) == ["2 entries were enabled."]
        made = row.counts_from
        row.refresh_from_db()
        assert row.enabled
        assert row.counts_from > made

    def test_entries_are_paused_and_resumed(self) -> None:
        row = self.entry()

        assert self.act("pause", row) == ["1 entry was paused."]
        assert self.states("report")["report"].paused
        assert "paused" in self.page(LIST)

        assert self.act("resume", row) == ["1 entry was resumed."]
        assert not self.states("report")["report"].paused

    def test_entries_are_paused_when_the_requests_transaction_is_over(self) -> None:
        from django.db import connection

        row = self.entry()
        connection.settings_dict["ATOMIC_REQUESTS"] = True
        try:
            assert self.act("pause", row) == ["1 entry was paused."]
            self.page(LIST)
        finally:
            connection.settings_dict["ATOMIC_REQUESTS"] = False

        assert self.states("report")["report"].paused

    def test_entries_are_deleted(self) -> None:
        row = self.entry()

        self.client.post(LIST, {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})

        assert not PeriodicTask.objects.exists()


class TestPermissions(AdminTestCase):
    def as_clerk(self, *permissions: str) -> None:
        clerk = User.objects.create_user("clerk", is_staff=True)
        clerk.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        self.client.force_login(clerk)

    def test_who_may_do_nothing_sees_nothing(self) -> None:
        self.as_clerk()

        assert self.client.get(LIST).status_code == 403
        assert self.client.get(ADD).status_code == 403

    def test_who_may_look_may_not_act(self) -> None:
        row = self.entry()
        self.as_clerk("view_periodictask")

        assert "Run now" not in self.page(LIST)
        assert "at 07:30 on Monday to Friday" in self.page(f"{LIST}{row.pk}/change/")
        self.client.post(LIST, {"action": "disable", "_selected_action": [row.pk]})
        assert self.client.post(f"{LIST}{row.pk}/change/", form()).status_code == 403
        assert PeriodicTask.objects.get().enabled

    def test_who_may_not_change_can_start_nothing(self) -> None:
        row = self.entry()
        self.as_clerk("view_periodictask", "add_periodictask", "delete_periodictask")

        for action in ("run_now", "enable", "disable", "pause", "resume"):
            self.client.post(LIST, {"action": action, "_selected_action": [row.pk]})

        assert Message.objects.count() == 0
        assert PeriodicTask.objects.get().enabled
        assert not self.states("report")["report"].paused

    def test_who_is_not_logged_in_is_asked_to(self) -> None:
        row = self.entry()
        self.client.logout()

        for path in (LIST, ADD, f"{LIST}{row.pk}/change/"):
            assert self.client.get(path).headers["Location"].startswith("/admin/login/")
        self.client.post(LIST, {"action": "run_now", "_selected_action": [row.pk]})
        assert Message.objects.count() == 0

    def test_nothing_is_changed_by_a_form_of_another_site(self) -> None:
        row = self.entry()
        client = Client(enforce_csrf_checks=True)
        client.force_login(User.objects.get())

        for path, fields in (
            (LIST, {"action": "run_now", "_selected_action": [row.pk]}),
            (LIST, {"action": "disable", "_selected_action": [row.pk]}),
            (ADD, form(name="other")),
            (f"{LIST}{row.pk}/change/", form(name="other")),
            (f"{LIST}{row.pk}/delete/", {"post": "yes"}),
        ):
            assert client.post(path, fields).status_code == 403

        assert Message.objects.count() == 0
        assert [(one.name, one.enabled) for one in PeriodicTask.objects.all()] == [("report", True)]

    def test_nothing_is_started_by_a_link(self) -> None:
        row = self.entry()

        self.client.get(LIST, {"action": "run_now", "_selected_action": [row.pk]})

        assert Message.objects.count() == 0

    def test_who_may_change_may_act(self) -> None:
        row = self.entry()
        self.as_clerk("view_periodictask", "change_periodictask")

        assert "Run now" in self.page(LIST)
        self.act("disable", row)
        assert not PeriodicTask.objects.get().enabled
