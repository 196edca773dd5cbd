"""Borrow a book for a patron, send the request, and follow what becomes of it: the standard library is enough."""

import json
import os
import uuid
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

HERE = f"{os.environ['ILL_URL']}/api/v1/libraries/{os.environ['LIBRARY']}"


def call(address: str, body: Any = None, key: str = "") -> Any:
    """What is answered; or the sentence in which it was refused."""
    headers = {"Authorization": f"Bearer {os.environ['ILL_TOKEN']}", "Content-Type": "application/json"}
    if key:
        headers["Idempotency-Key"] = key
    data = None if body is None else json.dumps(body).encode()
    try:
        with urlopen(Request(address, data, headers)) as answer:  # noqa: S310
            return json.load(answer)
    except HTTPError as refused:
        raise SystemExit(json.load(refused)["detail"]) from None


begin = call(f"{HERE}/events")["next"]
wanted = {
    "side": "borrowing",
    "fields": {"title": "Emma", "author": "Austen, Jane"},
    "patron": {"barcode": "21234000012345", "name": "Ann Reader"},
    "partners": [os.environ["PARTNER"]],
}
made = call(f"{HERE}/requests", wanted, key=str(uuid.uuid4()))

possible = [action for action in call(f"{HERE}/requests/{made['number']}/actions")["items"] if action["possible"]]
print(made["reference"], "can be:", ", ".join(action["label"] for action in possible))

print(call(f"{HERE}/requests/{made['number']}/actions/submit", {}, key=f"send {made['reference']}")["sentence"])

for line in call(f"{os.environ['ILL_URL']}{begin}")["items"]:
    print(line["reference"], line["label"], line["to_state"])
