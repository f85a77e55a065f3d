"""The tutorial's main job from end to end, on this machine alone: ``make demo``.

Starts an SMTP server, the site as an HTTP server and a worker, each a real one on a free port, and then does
what a visitor does: registers, asks for a report, pays. Prints what became of each job, and the proof.
Without a terminal it ends there, with exit code 0 if everything succeeded; on a terminal the site stays up
until Ctrl-C. With ``--serve`` it only serves: no visitor comes by itself.
"""

import argparse
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from demo.job_table import Job, job_table
from demo.mail_server import MailServer, ReceivedMail
from demo.running_process import DemoFailure, RunningProcess
from demo.visitor import Answer, Visitor

SITE_FOLDER = Path(__file__).resolve().parent / "myproject"
#: From the first request to the last job's end. It takes about 6 s; a loaded machine may take longer.
PATIENCE = 40.0
#: Mail servers take their time; this one takes long enough to see that nobody waits for it.
SECONDS_PER_MAIL = 1.0
READY_STATES = {"SUCCESS", "FAILURE", "REVOKED"}


def main() -> int:
    """Run the demo; returns the exit code."""
    parser = argparse.ArgumentParser(
        description="The example site with a worker, a mail server and a visitor."
    )
    parser.add_argument("--serve", action="store_true", help="only serve the site, until Ctrl-C")
    parser.add_argument("--port", type=int, default=0, help="the site's port (default: a free one)")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # A shell starts what runs in the background with SIGINT ignored; Ctrl-C shall end the demo all the same.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    console = Console() if sys.stdout.isatty() else Console(width=132)
    with tempfile.TemporaryDirectory(prefix="sedano-demo-") as folder:
        demo = Demo(console, Path(folder), port=options.port)
        try:
            return demo.serve() if options.serve else demo.run()
        except KeyboardInterrupt:
            return 0


class Demo:
    """The servers, the visitor, and what is said about them."""

    def __init__(self, console: Console, folder: Path, *, port: int) -> None:
        self._console = console
        self._folder = folder
        self._port = port
        self._processes: list[RunningProcess] = []

    def run(self) -> int:
        """Start everything, let the visitor act, and show what came of it."""
        with ExitStack() as stack:
            try:
                mails = stack.enter_context(MailServer(seconds_per_mail=SECONDS_PER_MAIL))
                site = self._start(stack, mails)
                jobs = self._visit(site, mails)
            except DemoFailure as failure:
                return self._failed(str(failure))
            self._console.print(job_table(jobs))
            failed = [job.name for job in jobs if job.state != "SUCCESS"]
            if failed:
                return self._failed(f"These jobs did not succeed: {', '.join(failed)}.")
            self._console.print("[green]Everything the visitor asked for was done.[/green]")
            if sys.stdout.isatty():
                self._stay(site)
        return 0

    def serve(self) -> int:
        """Start everything and stay until Ctrl-C."""
        with ExitStack() as stack:
            mails = stack.enter_context(
                MailServer(seconds_per_mail=SECONDS_PER_MAIL, on_mail=self._show_mail)
            )
            try:
                site = self._start(stack, mails)
            except DemoFailure as failure:
                return self._failed(str(failure))
            self._stay(site)
        return 0

    # -- the servers

    def _start(self, stack: ExitStack, mails: MailServer) -> str:
        env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "myproject.settings",
            "MYPROJECT_DATABASE": str(self._folder / "db.sqlite3"),
            "MYPROJECT_SMTP_PORT": str(mails.port),
            "MYPROJECT_SECRET_KEY": secrets.token_urlsafe(32),
            "MYPROJECT_DEBUG": "0",
            "MYPROJECT_PAYMENT_RETRY_SECONDS": "2",
            "PYTHONUNBUFFERED": "1",
        }
        self._migrate(env)
        site = self._process(stack, "site", ["serve.py", "--port", str(self._port)], env)
        worker = self._process(
            stack, "worker", ["-m", "sedano", "-A", "myproject", "worker", "-c", "2", "-l", "INFO"], env
        )
        address = site.wait_for_line(r"Serving on (http://\S+)/", timeout=20).group(1)
        worker.wait_for_line(r"\bready\b", timeout=20)
        self._say("site", f"{address}/")
        self._say("mail", f"SMTP on 127.0.0.1:{mails.port}, {SECONDS_PER_MAIL:g} s a mail")
        self._say("worker", "sedano -A myproject worker -c 2")
        return address

    def _migrate(self, env: dict[str, str]) -> None:
        command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        done = subprocess.run(command, cwd=SITE_FOLDER, env=env, capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise DemoFailure(f"`manage.py migrate` failed:\n{done.stdout}{done.stderr}")
        self._say("database", "SQLite, migrated: the site's tables, and the queue's beside them")

    def _process(
        self, stack: ExitStack, name: str, arguments: Sequence[str], env: dict[str, str]
    ) -> RunningProcess:
        process = RunningProcess(
            name, [sys.executable, *arguments], cwd=SITE_FOLDER, env=env, log=self._folder / f"{name}.log"
        )
        self._processes.append(process)
        return stack.enter_context(process)

    # -- the visitor

    def _visit(self, site: str, mails: MailServer) -> list[Job]:
        visitor = Visitor(site)
        deadline = time.monotonic() + PATIENCE
        name = f"ada{secrets.randbelow(10_000)}"
        address = f"{name}@example.com"

        registration = self._register(visitor, name, address)
        report_id = self._ask_for_report(visitor)
        self._pay(visitor)
        report = self._await_report(visitor, report_id, deadline)
        receipt = mails.wait_for("Your payment was received", to=address, timeout=_left(deadline))
        proofs = {
            "send_welcome_email": _welcomed(mails, address, registration, deadline),
            "generate_user_report": ", ".join(f"{key}: {value}" for key, value in report.items()),
            "process_payment": _as_proof(receipt),
        }
        return self._await_jobs(visitor, proofs, deadline)

    def _register(self, visitor: Visitor, name: str, address: str) -> Answer:
        password = secrets.token_urlsafe(12)
        answer = visitor.submit(
            "/register/", username=name, email=address, password1=password, password2=password
        )
        if (answer.status, answer.location) != (302, "/dashboard/"):
            raise DemoFailure(f"Registering answered {answer.status}:\n{answer.text[-2000:]}")
        self._say("visitor", f"registered as {name}; the site answered after {answer.took * 1000:.0f} ms")
        return answer

    def _ask_for_report(self, visitor: Visitor) -> str:
        answer = visitor.submit("/reports/generate/")
        if (answer.status, answer.location) != (302, "/reports/status/"):
            raise DemoFailure(f"Asking for a report answered {answer.status}:\n{answer.text[-2000:]}")
        task_id, state, _ = visitor.report_status()
        self._say("visitor", f"asked for a report ({answer.took * 1000:.0f} ms); it is {state} now")
        return task_id

    def _pay(self, visitor: Visitor) -> None:
        answer = visitor.submit("/payments/", amount="19.90", card_token="tok_visa")
        if (answer.status, answer.location) != (302, "/dashboard/"):
            raise DemoFailure(f"Paying answered {answer.status}:\n{answer.text[-2000:]}")
        self._say("visitor", f"paid 19.90 EUR ({answer.took * 1000:.0f} ms)")

    def _await_report(self, visitor: Visitor, task_id: str, deadline: float) -> dict[str, str]:
        polls = 0
        while True:
            polls += 1
            shown_id, state, report = visitor.report_status()
            if shown_id != task_id:
                raise DemoFailure(f"The status page shows task {shown_id}, not {task_id}.")
            if state in READY_STATES:
                self._say("visitor", f"looked at the status page {polls} times: {state}")
                return report
            if time.monotonic() > deadline:
                raise DemoFailure(f"The report is {state} after {PATIENCE:.0f} s.")
            time.sleep(0.2)

    def _await_jobs(self, visitor: Visitor, proofs: dict[str, str], deadline: float) -> list[Job]:
        while True:
            tasks = {task["name"]: task for task in visitor.tasks()}
            if all(name in tasks and tasks[name]["status"] in READY_STATES for name in proofs):
                break
            if time.monotonic() > deadline:
                states = {name: task["status"] for name, task in tasks.items()}
                raise DemoFailure(f"Not every job is done after {PATIENCE:.0f} s: {states}")
            time.sleep(0.1)
        return [
            Job(
                name=name,
                task_id=tasks[name]["id"],
                state=tasks[name]["status"],
                queue_wait=tasks[name]["queue_wait"],
                run_time=tasks[name]["run_time"],
                proof=proof,
            )
            for name, proof in proofs.items()
        ]

    # -- what is said

    def _say(self, who: str, what: str) -> None:
        self._console.print(f"[bold]{who:>9}[/bold]  {what}", highlight=False)

    def _show_mail(self, mail: ReceivedMail) -> None:
        self._say("mail", _as_proof(mail))

    def _stay(self, site: str) -> None:
        self._console.print(f"\nThe site is at [bold]{site}/[/bold]. Ctrl-C ends it and the worker.\n")
        while all(process.is_running() for process in self._processes):
            time.sleep(0.2)
        ended = next(process for process in self._processes if not process.is_running())
        raise SystemExit(self._failed(f"The {ended.name} has ended."))

    def _failed(self, why: str) -> int:
        self._console.print(f"[red]{why}[/red]", highlight=False)
        for process in self._processes:
            tail = "\n".join(process.output().splitlines()[-40:])
            self._console.rule(f"the {process.name}'s last lines", align="left")
            self._console.print(tail, markup=False, highlight=False)
        return 1


def _left(deadline: float) -> float:
    return max(0.0, deadline - time.monotonic())


def _welcomed(mails: MailServer, address: str, registration: Answer, deadline: float) -> str:
    mail = mails.wait_for("Welcome to Our Platform!", to=address, timeout=_left(deadline))
    if mail is None:
        raise DemoFailure("The welcome mail did not come.")
    if mail.accepted_at <= registration.received_at:
        raise DemoFailure("The site answered only after the mail was sent.")
    later = mail.accepted_at - registration.received_at
    return f"{_as_proof(mail)}, {later:.2f} s after the site's answer"


def _as_proof(mail: ReceivedMail | None) -> str:
    if mail is None:
        return "no mail came"
    return f"mail to {', '.join(mail.recipients)}: {mail.message['subject']!r}"


if __name__ == "__main__":
    sys.exit(main())
