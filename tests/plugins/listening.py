"""A page that listens to what others do, without a browser."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from typing import Any

import httpx

from ill_workflow.web.live import CHANGED
from tests.plugins.waiting import eventually


class Listening:
    """A page that listens, and remembers what it was told: (what, content, number)."""

    def __init__(self, console: str, token: str, address: str, headers: dict[str, str] | None = None) -> None:
        self.told: list[tuple[str | None, Any, str | None]] = []
        self.status: int | None = None
        self.ended = False
        accepts = {"Accept": "text/event-stream"}
        self._client = httpx.Client(base_url=console, cookies={"ill": token}, headers=accepts, timeout=None)
        self._thread = threading.Thread(target=self._listen, args=(address, headers or {}), daemon=True)
        self._thread.start()
        eventually(lambda: self.status is not None and (self.ended or self.told))

    def _listen(self, address: str, headers: dict[str, str]) -> None:
        try:
            with self._client.stream("GET", address, headers=headers) as answer:
                self._socket = answer.extensions["network_stream"].get_extra_info("socket")
                self.status = answer.status_code
                part: dict[str, str] = {}
                for line in answer.iter_lines():
                    name, _, value = line.partition(": ")
                    if line and name:
                        part[name] = value
                    elif part:
                        self.told.append((part.get("event"), json.loads(part.get("data", "{}")), part.get("id")))
                        part = {}
        except httpx.HTTPError:
            pass
        self.status = self.status or 0
        self.ended = True

    def of(self, what: str) -> list[Any]:
        return [content for event, content, _ in self.told if event == what]

    def heard(self, *references: str) -> bool:
        """Whether it was told of just these, in this order."""
        return [news["reference"] for news in self.of(CHANGED) if news["what"] == "history"] == list(references)

    def leaves(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(120)
        self._client.close()
