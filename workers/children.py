"""Keeps the programs that belong to a running system alive, and lets none of them outlive it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

from ill_workflow.errors import Unavailable


class ChildDied(Unavailable):
    """A program of the system has ended by itself."""


class Child:
    """One program in a process group of its own; started again when it dies, up to a bound.

    On Linux the kernel kills it when we die (PR_SET_PDEATHSIG). Elsewhere, and with `watched=True`, a small
    Python process stands between: it looks twice a second whether we still live, and kills the group if not.
    Its output goes to `log_path`. With `user` (a name, needs root) it runs as somebody else.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        log_path: Path | None = None,
        *,
        restarts: int = 5,
        within_seconds: float = 60.0,
        stop_signal: signal.Signals = signal.SIGTERM,
        stop_timeout: float = 10.0,
        cwd: Path | None = None,
        user: str | None = None,
        watched: bool | None = None,
    ) -> None:
        self.name = name
        self.argv = list(argv)
        self.env = dict(os.environ if env is None else env)
        self.log_path = log_path
        self.restarts, self.within_seconds = restarts, within_seconds
        self.stop_signal, self.stop_timeout = stop_signal, stop_timeout
        self.cwd, self.user = cwd, user
        self.watched = not sys.platform.startswith("linux") if watched is None else watched
        #: How often it was started again since `start()`.
        self.restarted = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._keeper: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        """Its process id, which is its group's as well; None while it isn't running."""
        return self._process.pid if self._process is not None else None

    @property
    def alive(self) -> bool:
        return self._process is not None

    @property
    def given_up(self) -> bool:
        """Whether it died, and died again, until we stopped trying."""
        return self._keeper is not None and self._ended.is_set() and not self._stopping.is_set()

    def start(self) -> None:
        """Start it; an OSError says that it can't be started at all."""
        if self._keeper is not None:
            raise RuntimeError(f"{self.name} has been started already.")
        started: list[OSError | None] = []
        first = threading.Event()

        def report(trouble: OSError | None) -> None:
            started.append(trouble)
            first.set()

        # The kernel counts the death of the *thread* that forked as the parent's: so each child is forked by a
        # thread that waits for it, whoever calls start().
        self._keeper = threading.Thread(target=self._keep, args=(report,), name=f"keeps {self.name}", daemon=True)
        self._keeper.start()
        first.wait()
        if started[0] is not None:
            raise started[0]

    def ask_to_stop(self) -> None:
        """Ask it to end (SIGTERM), and wait for nothing."""
        self._stopping.set()
        if self._keeper is not None:
            self._signal(self.stop_signal)

    def stop(self, timeout: float | None = None) -> None:
        """Ask it to end (SIGTERM); after `timeout` seconds end it and all its group (SIGKILL)."""
        self._stopping.set()
        if self._keeper is None:
            return
        self._signal(self.stop_signal)
        self._ended.wait(self.stop_timeout if timeout is None else timeout)
        self.kill()

    def kill(self) -> None:
        """End it and its group at once, as `kill -9` does, and do not start it again."""
        self._stopping.set()
        self._signal(signal.SIGKILL)
        if self._keeper is not None:
            self._keeper.join()

    def last_words(self, lines: int = 10) -> str:
        """The end of its log, for an error that a person reads."""
        if self.log_path is None or not self.log_path.exists():
            return ""
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])

    def wait_until(self, ready: Callable[[], bool], *, seconds: float, every: float = 0.02) -> None:
        """Wait until `ready` says so; it raises when the program ends before, or when the time is over."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self._ended.is_set():
                raise ChildDied(f"{self.name} has ended instead of starting.\n{self.last_words()}".rstrip())
            if time.monotonic() > deadline:
                raise ChildDied(f"{self.name} was not ready after {seconds:g} seconds.\n{self.last_words()}".rstrip())
            self._ended.wait(every)

    def _keep(self, report: Callable[[OSError | None], None]) -> None:
        deaths: deque[float] = deque(maxlen=self.restarts + 1)
        try:
            while True:
                try:
                    self._spawn()
                except OSError as trouble:
                    report(trouble)
                    return
                report(None)
                self._wait_for_death()
                deaths.append(time.monotonic())
                often = len(deaths) > self.restarts and deaths[-1] - deaths[0] < self.within_seconds
                # A pause that doubles: 0.1, 0.2, 0.4 … seconds for deaths that follow each other closely.
                recent = sum(1 for at in deaths if deaths[-1] - at < self.within_seconds)
                if self.restarts == 0 or often or self._stopping.wait(min(0.05 * 2**recent, 5.0)):
                    return
                self.restarted += 1
        finally:
            self._ended.set()

    def _spawn(self) -> None:
        argv = [sys.executable, "-m", "workers.children", str(os.getpid()), *self.argv] if self.watched else self.argv
        with contextlib.ExitStack() as files:
            output = files.enter_context(self.log_path.open("ab")) if self.log_path else subprocess.DEVNULL
            process = subprocess.Popen(  # noqa: S603 - our own programs
                argv,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.cwd,
                user=self.user,
                group=_group_of(self.user),
                extra_groups=[] if self.user else None,
                process_group=0,
                preexec_fn=None if self.watched else _dying_with(os.getpid()),
            )
        with self._lock:
            self._process = process
        if self._stopping.is_set():
            self._signal(signal.SIGKILL)

    def _wait_for_death(self) -> None:
        process = self._process
        if process is None:
            return
        if hasattr(os, "waitid"):
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # still ours: the number can't be another's
        else:
            process.wait()
        with self._lock, contextlib.suppress(ProcessLookupError, PermissionError):
            self._process = None
            os.killpg(process.pid, signal.SIGKILL)  # what it may have left behind
        process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with self._lock, contextlib.suppress(ProcessLookupError, PermissionError):
            if self._process is not None:
                os.killpg(self._process.pid, number)


class Children:
    """Programs that were started one after the other and are stopped in the reverse order."""

    def __init__(self) -> None:
        self._children: list[Child] = []

    def start(self, child: Child) -> Child:
        self._children.append(child)
        child.start()
        return child

    def stop(self, timeout: float | None = None) -> None:
        while self._children:
            self._children.pop().stop(timeout)

    def __iter__(self) -> Iterator[Child]:
        return iter(list(self._children))


def _group_of(user: str | None) -> int | None:
    if user is None:
        return None
    import pwd

    return pwd.getpwnam(user).pw_gid


def _dying_with(parent: int) -> Callable[[], None]:
    """What a child does between fork and exec: ask the kernel to be killed when its parent dies."""
    libc = ctypes.CDLL(None, use_errno=True)
    prctl, kill = libc.prctl, int(signal.SIGKILL)

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, kill)
        if os.getppid() != parent:  # it died while we were being born
            os._exit(1)

    return ask


_PR_SET_PDEATHSIG = 1


def _watch(parent: int, argv: Sequence[str]) -> int:
    """Stand between a parent and a program where the kernel offers no such thing (macOS)."""

    def leave_it_to_the_program(number: int, frame: FrameType | None) -> None:
        """The signal has reached the whole group."""

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave_it_to_the_program)
    program = subprocess.Popen(argv)  # noqa: S603 - our own programs
    while True:
        try:
            code = program.wait(0.5)
        except subprocess.TimeoutExpired:
            if os.getppid() != parent:
                os.killpg(0, signal.SIGKILL)
        else:
            return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(_watch(int(sys.argv[1]), sys.argv[2:]))
