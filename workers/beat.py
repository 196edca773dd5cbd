"""Beat's scheduler: Celery's own, which also leaves a sign that it ticks."""

from pathlib import Path
from typing import Any

from celery.beat import PersistentScheduler

#: Seconds between two looks at the clock, at most: after a few times as many beat is known to be stuck.
TICK = 5.0


class Scheduler(PersistentScheduler):
    """Touches a file beside its schedule, `<schedule>.ticks`, whenever it has looked at the clock."""

    def tick(self, *args: Any, **options: Any) -> float:
        pause: float = super().tick(*args, **options)
        Path(f"{self.schedule_filename}.ticks").touch()  # type: ignore[attr-defined]
        return min(pause, TICK)
