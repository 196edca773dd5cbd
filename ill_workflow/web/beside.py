"""What takes long to draw is drawn beside the pages: few at a time, so that threads are left for everything else."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial, wraps
from typing import TypeVar

Answer = TypeVar("Answer")

#: Each is hard work for a processor; more at a time would be ready no sooner.
AT_ONCE = 4
_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="beside")


def beside_the_pages(endpoint: Callable[..., Answer]) -> Callable[..., Awaitable[Answer]]:
    """The endpoint; it waits for its turn without holding any of the threads in which pages are made."""

    @wraps(endpoint)
    async def in_turn(*given: object, **named: object) -> Answer:
        # The language of whoever asks goes along.
        call = partial(copy_context().run, endpoint, *given, **named)
        return await asyncio.get_running_loop().run_in_executor(_threads, call)

    return in_turn
