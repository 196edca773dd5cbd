"""Each worker's own look into the database, about once a second: with the broker gone or wiped, work goes on."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from ill_workflow import outbox, runtime
from ill_workflow.bootstrap import HANDLERS, Services
from ill_workflow.clock import machine_now
from workers import jobs
from workers.drain import CALLS, take_back_abandoned, work_off

_log = logging.getLogger(__name__)

#: How long a promise may wait for the task that was rung for it.
PATIENCE = timedelta(seconds=2)
#: Seconds between two signs of life.
HEARTBEAT = 5.0
#: How many work off the same kind at once: behind a partner that answers slowly, the others' messages go on.
SEVERAL = {"send_message": 4}


class Sweep:
    """A thread that looks for work that nobody took up, and a few that do it: of most kinds, one at a time."""

    def __init__(self, services: Callable[[], Services], worker: str, patience: timedelta = PATIENCE) -> None:
        """`patience`: how long work is left to a task; nothing where there are none."""
        self._get_services, self._worker, self._patience = services, worker, patience
        self._ready: Services | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweep", daemon=True)
        most = len(HANDLERS) + len(jobs.JOBS) + sum(SEVERAL.values())
        self._pool = ThreadPoolExecutor(most, thread_name_prefix="sweep")
        self._busy = Counter[str]()
        self._lock = threading.Lock()
        self._last_beat = 0.0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def wait_for_its_end(self, seconds: float = 2.0) -> None:
        """Until it has said goodbye, if the database lets it."""
        self._thread.join(seconds)

    @property
    def _services(self) -> Services:
        """Obtained when the database is there: a worker may be up before it."""
        if self._ready is None:
            self._ready = self._get_services()
        return self._ready

    def look(self) -> None:
        """One look: whatever waits is begun, kind by kind."""
        self._give_sign_of_life()
        if not self._services.settings.sweep:
            return
        take_back_abandoned(self._services)
        with self._services.db.reading() as session:
            kinds = outbox.kinds_to_do(session, HANDLERS, self._patience)
        for kind in kinds:
            self._begin(kind, lambda kind=kind: work_off(self._services, kind, patience=self._patience, calls=CALLS))
        for name in jobs.JOBS:
            self._begin(f"job {name}", lambda name=name: jobs.run(self._services, name))

    def _run(self) -> None:
        pause = 1.0
        while not self._stop.wait(pause):
            try:
                self.look()
                pause = self._services.settings.sweep_seconds
            except Exception as trouble:  # the database may be away for a while
                _log.warning("the sweep could not look: %s", trouble)
        self._say_goodbye()

    def _begin(self, name: str, work: object) -> None:
        with self._lock:
            if self._busy[name] >= SEVERAL.get(name, 1) or self._stop.is_set():
                return
            self._busy[name] += 1
        self._pool.submit(self._do, name, work)

    def _do(self, name: str, work: object) -> None:
        try:
            work()  # type: ignore[operator]
        except Exception as trouble:
            _log.warning("the sweep of %s failed: %s", name, trouble)
        finally:
            with self._lock:
                self._busy[name] -= 1

    def _say_goodbye(self) -> None:
        """Who looks for this worker shall know at once that it has ended."""
        try:
            with self._services.db.writing() as session:
                runtime.leave(session, self._worker)
        except Exception as trouble:
            _log.warning("no goodbye could be said: %s", trouble)

    def _give_sign_of_life(self) -> None:
        if time.monotonic() - self._last_beat < HEARTBEAT:
            return
        with self._services.db.writing() as session:
            info = {"sweep": self._services.settings.sweep, "bell": self._services.bell.health()}
            runtime.beat(session, self._worker, machine_now(), info)
        self._last_beat = time.monotonic()
