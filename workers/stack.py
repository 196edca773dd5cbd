"""Runs everything that belongs to an installation as child processes, and the demo on top of it."""

import base64
import fcntl
import json
import os
import secrets
import shlex
import shutil
import signal
import socket
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from ill_workflow import runtime
from ill_workflow.bootstrap import Services, start
from ill_workflow.clock import machine_now
from ill_workflow.config import Settings
from ill_workflow.demo import ELSEWHERE, MORNING, NEIGHBOUR, PEOPLE, TWELVE, Play, make_neighbour, make_world
from ill_workflow.errors import BadInput
from ill_workflow.migrations import migrate
from ill_workflow.signing_in import somebody_has_a_password
from workers.address import shown
from workers.app import DOORS, QUEUES
from workers.bell import CeleryBell
from workers.broker import BrokerBusy, app_of, find_broker
from workers.children import Child, Children
from workers.flower import HEALTH as FLOWER_HEALTH
from workers.flower import OPTIONS as flower_options
from workers.ports import free_port, is_open

#: Seconds that a program gets to end by itself: what it leaves undone is taken up by the next.
ENDING = 5.0
CATCHER = "mail catcher"
#: How many workers there are: two for promised work, one for commands.
WORKERS = 3
#: What tells a demo's folder from any other.
MARK = "made-by-a-demo"
REPORT = Path("demo-report.json")
#: Seconds between two lines of a demo that somebody watches.
PACE = 0.4
#: Seconds that the programs get to come up.
STARTING = 60.0


class Stack:
    """The broker, three workers, beat, Flower and the console of one installation, and for the demo a mail catcher."""

    def __init__(self, settings: Settings, *, catch_mail: bool, tell: Callable[[str], None]) -> None:
        self.settings, self._tell = settings, tell
        self._children = Children()
        self._broker = find_broker(settings)
        self._catch_mail = catch_mail
        self.flower_port = self.web_port = 0
        # Flower answers to the console alone, which asks who looks.
        self._flower_login = f"console:{secrets.token_urlsafe(24)}"

    @property
    def console(self) -> str:
        """Where people find the console."""
        if self.settings.web_url and self.web_port == self.settings.web_port:
            return self.settings.web_address
        return self._console_here

    @property
    def flower(self) -> str:
        """Where people find Flower."""
        return f"{self.console}/flower/"

    def start(self) -> Settings:
        """Start everything and wait until it answers; the settings under which it runs."""
        self._broker.start()
        settings = self.settings.model_copy(update={"broker_url": self._broker.celery_url})
        if self._catch_mail:
            port = self._start_catcher(settings.smtp_port)
            settings = settings.model_copy(update={"smtp_host": "127.0.0.1", "smtp_port": port})
        self.settings = settings
        migrate(settings.url)
        return settings

    def start_workers(self) -> None:
        celery = [sys.executable, "-m", "celery", "-A", "workers.main:celery_app"]
        data = self.settings.data
        effects = ",".join(queue for queue in QUEUES if queue != DOORS)
        # Commands of other systems have a worker of their own: no mail server that hangs can stand in their way.
        for name, queues in (("worker-1", effects), ("worker-2", effects), ("doors", DOORS)):
            host = f"ill-{name}-{os.getpid()}@{socket.gethostname()}"
            self._child(name, [*celery, "worker", f"--hostname={host}", f"--queues={queues}", "--loglevel=INFO"])
        self._child("beat", [*celery, "beat", f"--schedule={data / 'beat'}", "--pidfile=", "--loglevel=INFO"])
        self.flower_port = free_port(0)  # the console alone has to find it
        flower = self._child(
            "flower",
            [*celery, "flower", "--address=127.0.0.1", f"--port={self.flower_port}", *flower_options],
            FLOWER_BASIC_AUTH=self._flower_login,
        )
        web = self._start_web()
        flower.wait_until(self._workers_are_there, seconds=STARTING, every=0.2)  # whoever starts needs the machine
        flower.wait_until(lambda: self._fetch(self._flower_here + FLOWER_HEALTH) is not None, seconds=STARTING)
        web.wait_until(lambda: self._fetch(self._console_here + "/healthz") is not None, seconds=STARTING)

    def start_neighbour(self, services: Services, password: str) -> Services:
        """Another installation, without a broker, with a library that talks ISO 18626 with ours; its services."""
        port = free_port(0)
        own = self.settings.model_copy(
            update={
                "data": self.settings.data / "neighbour", "broker_url": None, "web_port": port, "sweep_seconds": 0.1,
                "mail_domain": "neighbour.localhost",
            }
        )  # fmt: skip
        own.make_room()
        migrate(own.url)
        here = f"http://127.0.0.1:{port}"
        make_neighbour(
            start(own), services, address=f"{here}/iso18626", our_address=f"{self._console_here}/iso18626/MAIN",
            password=password,
        )  # fmt: skip
        child = self._child("neighbour", [sys.executable, "-m", "workers.alone"], settings=own)
        child.wait_until(lambda: self._fetch(f"{here}/healthz") is not None, seconds=STARTING)
        return start(own)

    def tasks(self) -> dict[str, Any]:
        """The Celery tasks as Flower's API lists them."""
        found = self._fetch(f"{self._flower_here}/flower/api/tasks?limit=10000", login=self._flower_login)
        return json.loads(found) if found else {}

    def stop(self) -> None:
        # All at once, but for the mail server: until the workers have ended somebody may have to take their mail.
        for child in self._children:
            if child.name != CATCHER:
                child.ask_to_stop()
        self._children.stop()
        self._broker.stop()

    def dead(self) -> list[str]:
        """Programs that died and were given up."""
        return [child.name for child in self._children if child.given_up]

    def _start_web(self) -> Child:
        wanted = self.settings.web_port
        self.web_port = free_port(wanted)
        if self.web_port != wanted and wanted:
            self._tell(f"Port {wanted} is taken: the console is on {self.web_port}.")
        return self._child(
            "web",
            [sys.executable, "-m", "workers.web", f"--port={self.web_port}"],
            ILL_WEB_PORT=str(self.web_port),
            ILL_FLOWER_URL=self._flower_here,
            ILL_FLOWER_LOGIN=self._flower_login,
        )

    def _start_catcher(self, wanted: int) -> int:
        """A mail server that keeps all mails in a folder, on the port where mail was to go if that can be had."""
        folder = self.settings.data / "mails"
        port = free_port(0 if self.settings.is_default("smtp_port") else wanted)
        if port != wanted and not self.settings.is_default("smtp_port"):
            self._tell(
                f"Port {wanted} is taken: mail is caught on {port}. Set ILL_SMTP_PORT={port} for other commands."
            )
        catcher = self._child(
            CATCHER, [sys.executable, "-m", "workers.catcher", "--folder", str(folder), "--port", str(port)]
        )
        catcher.wait_until(lambda: is_open(port), seconds=STARTING)
        return port

    def _child(self, name: str, argv: list[str], settings: Settings | None = None, **env: str) -> Child:
        logs = self.settings.data / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        surroundings = {**os.environ, **_environment(settings or self.settings), **env}
        child = Child(name, argv, surroundings, logs / f"{name}.log", stop_timeout=ENDING)
        return self._children.start(child)

    def _workers_are_there(self) -> bool:
        with _looking_into(self.settings) as session:
            beats = runtime.beats(session, machine_now() - timedelta(seconds=STARTING))
        return sum(f"-{os.getpid()}@" in beat.worker for beat in beats) >= WORKERS

    @property
    def _console_here(self) -> str:
        host = self.settings.web_host
        host = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - every address is this one, too
        return f"http://{f'[{host}]' if ':' in host else host}:{self.web_port}"

    @property
    def _flower_here(self) -> str:
        return f"http://127.0.0.1:{self.flower_port}"

    def _fetch(self, address: str, *, login: str = "") -> bytes | None:
        asked = urllib.request.Request(address)  # noqa: S310 - our own programs
        if login:
            asked.add_header("Authorization", f"Basic {base64.b64encode(login.encode()).decode()}")
        try:
            with urllib.request.urlopen(asked, timeout=5) as answer:  # noqa: S310
                return bytes(answer.read())
        except OSError:
            return None


def up(settings: Settings, catch_mail: bool = False) -> int:
    """`ill up`: everything, until Ctrl-C."""
    settings.make_room()
    stack = Stack(settings, catch_mail=catch_mail, tell=print)
    with _until_asked() as asked:
        try:
            started = stack.start()
            stack.start_workers()
            print(f"Console: {stack.console}\nFlower: {stack.flower}")
            print(f"Broker: {shown(started.broker_url or '')}\nData: {settings.data.resolve()}")
            if not _somebody_has_a_password(started):
                print("Nobody can sign in at the console yet. Give people a password: ill account password NAME")
            if catch_mail:
                print(f"Mails are caught in {settings.data.resolve() / 'mails'}, on port {started.smtp_port}.")
            elif (mail := start(started).mailer.check()) != "ok":
                print(f"{mail} What is to be mailed waits.", file=sys.stderr)
            print("Ctrl-C ends it.", flush=True)
            while not asked.wait(1.0):
                if dead := stack.dead():
                    print(f"{', '.join(dead)} died again and again. See {settings.data / 'logs'}.", file=sys.stderr)
                    return 1
        finally:
            stack.stop()
    return 0


def demo(settings: Settings, once: bool) -> int:
    """`ill demo`: thirteen loans before your eyes; then it stays up until Ctrl-C, or ends at once."""
    settings.make_room()
    with _alone(settings.data):
        return _demo(settings, once)


def _demo(settings: Settings, once: bool) -> int:
    folder = settings.data / "demo"
    _make_room(folder)
    REPORT.unlink(missing_ok=True)
    own = settings.model_copy(
        update={
            "data": folder, "database_url": None, "mail_domain": "demo.localhost", "smtp_user": None,
            "smtp_tls": "none", "web_host": "127.0.0.1", "web_url": None, "web_hosts": "", "private_partners": True,
        }
    )  # fmt: skip
    tell: Callable[[str], None] = lambda line: print(line, flush=True)  # noqa: E731
    stack = Stack(own, catch_mail=True, tell=tell)
    with _until_asked() as asked:
        try:
            tell("Starting: broker, mail catcher, workers, beat, Flower, console …")
            services = _services(stack.start())
            password = "-".join(secrets.token_hex(2) for _ in range(3))
            make_world(services, password)
            services = _services(stack.settings)  # now it knows that it is a demo, and obeys the turned clock
            stack.start_workers()
            neighbour = stack.start_neighbour(services, password)
            sign_in = _how_to_sign_in(stack, neighbour, password)
            tell(f"\n{sign_in}")
            code = _play(stack, services, neighbour, asked, once, tell)
            if not once:
                tell(f"\n{sign_in}\n\nEverything stays up until Ctrl-C.")
                asked.wait()
            return code
        finally:
            stack.stop()
    return 130 if once else 0  # who asked a demo to end got what they asked for


def _play(
    stack: Stack, services: Services, neighbour: Services, asked: threading.Event, once: bool,
    tell: Callable[[str], None],
) -> int:  # fmt: skip
    app = app_of(stack.settings)
    turns = iter(range(1_000_000))

    def nudge() -> None:
        app.send_task("ill.fire_timers", kwargs={"slot": f"turned {next(turns)}"}, ignore_result=True)

    def rest(seconds: float) -> None:
        # The signal's own exception may have been raised where Python can only ignore it.
        if asked.wait(seconds):
            raise _Asked

    # Fast enough for a test, slow enough for eyes.
    play = Play(services, tell, nudge, pause=0.0 if once else PACE, rest=rest)
    play.elsewhere = {NEIGHBOUR: neighbour}
    # Who lets it end by itself signs in nowhere.
    play.all((*TWELVE, *ELSEWHERE, *(() if once else MORNING)))
    report = {**play.report(), "console": stack.console, "flower": stack.flower, "tasks": stack.tasks()}
    try:
        REPORT.write_text(json.dumps(report, indent=2, ensure_ascii=False), encoding="utf-8")
    except OSError as trouble:
        raise BadInput(f"{REPORT.resolve()} can't be written: {trouble.strerror}.", field="demo-report.json") from None
    wrong = [story.name for story in play.stories if story.went_wrong]
    tell(f"\nSlips (PDF)  {stack.settings.slips}\nMails        {stack.settings.data / 'mails'}")
    tell(f"Report       {REPORT.resolve()}")
    if once:
        if wrong:
            tell(f"\nWent wrong: {', '.join(wrong)}")
        return 1 if wrong else 0
    ours = [loan for story in play.stories for loan in story.references if loan.startswith("XPX-")]
    _say_what_to_try(stack, f"XPX-{1001 + len(ours)}", tell)
    return 0


def _how_to_sign_in(stack: Stack, neighbour: Services, password: str) -> str:
    lines = [f"Console      {stack.console}", f"Password     {password}   (of all of them, in this demo)"]
    people = [
        f"{'Sign in as' if name == PEOPLE[0][0] else '':<13}{name:<6}{role}, {where}" for name, role, where in PEOPLE
    ]
    elsewhere = f"Neighbour    {neighbour.settings.web_address}   lena  operator, Lakeside College"
    return "\n".join([*lines, *people, elsewhere])


def _say_what_to_try(stack: Stack, new: str, tell: Callable[[str], None]) -> None:
    data, ill = shlex.quote(str(stack.settings.data.resolve())), shlex.quote(str(Path(sys.executable).parent / "ill"))
    tell(
        f"""Flower       {stack.flower}
Broker       {shown(stack.settings.broker_url or "")}

Commands to try, in another terminal
  export ILL_DATA={data} ILL_SMTP_PORT={stack.settings.smtp_port} ILL_AS=ann
  {ill} request list
  {ill} request show XPX-1001
  {ill} request new --title "Persuasion" isbn=9780141439686 --patron 21234000012345 --partner RIV
  {ill} act {new} submit
  {ill} act {new} ship condition_checked=yes item_barcode=31234000600012 --as rita
  {ill} scan {new} --checked
  {ill} doctor"""
    )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two demos in one folder would take each other's database away. Raises BrokerBusy for the second."""
    with (folder / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BrokerBusy(f"A demo runs already on {folder}. Stop it first, or use another ILL_DATA.") from None
        yield


def _make_room(folder: Path) -> None:
    """Remove the demo of last time. Raises BadInput rather than remove what no demo made."""
    mark = folder / MARK
    if folder.exists() and any(folder.iterdir()) and not mark.exists():
        raise BadInput(f"{folder} holds files that no demo made. Choose another ILL_DATA.", field="ILL_DATA")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    mark.write_text("A demo made this folder, and the next one removes it.\n", encoding="utf-8")


def _services(settings: Settings) -> Services:
    return start(settings, CeleryBell(app_of(settings), settings.bell_bound))


@contextmanager
def _looking_into(settings: Settings) -> Iterator[Any]:
    """A look into the database of an installation."""
    services = start(settings)
    try:
        with services.db.reading() as session:
            yield session
    finally:
        services.db.engine.dispose()


def _somebody_has_a_password(settings: Settings) -> bool:
    with _looking_into(settings) as session:
        return somebody_has_a_password(session)


def _environment(settings: Settings) -> dict[str, str]:
    """The same settings for the children."""
    given = settings.model_dump(exclude_none=True, exclude={"as_"})
    return {
        f"ILL_{name.upper()}": str(value.resolve() if isinstance(value, Path) else value)
        for name, value in given.items()
    }


@contextmanager
def _until_asked() -> Iterator[threading.Event]:
    """Ctrl-C and SIGTERM set the event; a second one ends the hard way."""
    asked = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        raise _Asked

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    except _Asked:
        print("\nEnding …", flush=True)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Asked(BaseException):
    """Somebody wants us to end."""
