"""What two libraries promised to say to each other, what they said, and what was heard: each once, and no more."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.outbox import WITHDRAWN, EffectRow
from ill_workflow.partners import Partner
from ill_workflow.requests.models import MessageRow, Request

#: A message as both ends know it, whatever an edition makes of its words: which of the three, id of the request, time.
Said = tuple[str, str, datetime]
_ANSWERS = {"Renew": "RenewResponse", "Cancel": "CancelResponse"}


@dataclass
class Conversation:
    """Of all libraries that are looked at."""

    promised: Counter[Said] = field(default_factory=Counter)
    said: Counter[Said] = field(default_factory=Counter)
    heard: Counter[Said] = field(default_factory=Counter)
    words: dict[Said, str] = field(default_factory=dict)  #: what was said, but for the time

    def listen(self, session: Session) -> None:
        """Add what a database knows."""
        mailed = sa.select(Partner.id).where(Partner.transport == "email")
        rows = sa.select(EffectRow, Request).join(Request, Request.id == EffectRow.request_id)
        rows = rows.where(EffectRow.kind == "send_message", EffectRow.status != WITHDRAWN)
        others = set(session.scalars(mailed))
        for effect, request in session.execute(rows):
            if effect.payload["partner"] not in others:
                self.promised[_promised(effect, request)] += 1
        for row in session.scalars(sa.select(MessageRow).where(MessageRow.transport != "email")):
            said = _said(row.content)
            if row.incoming:
                self.heard[said] += 1
            else:
                self.said[said] += 1
                self.words[said] = _words(row.content)

    def has_come_to_an_end(self, *, all_arrives: bool = True, in_order: bool = True) -> None:
        """What was said was heard, once. Where not all arrives, what was given up may have come all the same."""
        assert self.heard <= self.promised, f"heard twice, or never said: {self.heard - self.promised}"
        lost = [said for said in self.said if said not in self.heard and not self._repeats(said, in_order)]
        assert not lost, f"said, and never heard: {lost}"
        if all_arrives:
            assert self.said == self.promised, f"promised, and not said: {self.promised - self.said}"

    def _repeats(self, said: Said, in_order: bool) -> bool:
        """Who says the same once more, and nothing in between, may not have been heard a second time.

        Where no order is kept, what was said in between may have come afterwards.
        """
        same = [o for o in self.heard if o[:2] == said[:2] and self.words.get(o) == self.words[said]]
        if not in_order:
            return bool(same)
        between = [o[2] for o in self.heard if o not in same and (o[:2] == said[:2] or self._answers(o, said))]
        return any(not any(min(o[2], said[2]) < at < max(o[2], said[2]) for at in between) for o in same)

    def _answers(self, other: Said, said: Said) -> bool:
        """Whether it answers what may be asked again then."""
        asks = json.loads(self.words[said]).get("action")
        told = json.loads(self.words.get(other, "{}")).get("messageInfo", {})
        return asks in _ANSWERS and other[1] == said[1] and told.get("reasonForMessage") == _ANSWERS[asks]


def listen_to(sessions: Sequence[Session]) -> Conversation:
    conversation = Conversation()
    for session in sessions:
        conversation.listen(session)
    return conversation


def _promised(effect: EffectRow, request: Request) -> Said:
    payload, told = effect.payload, effect.payload["request"]
    at = datetime.fromisoformat(payload["at"])
    if request.side == "lending":
        return "messageInfo", told["partner_request_id"] or told["reference"], at
    kind = "bibliographicInfo" if effect.argument in ("Request", "Retry") else "action"
    return kind, payload["wire_id"] or told["reference"], at


def _said(content: dict[str, Any]) -> Said:
    header = content["header"]
    kind = next((part for part in ("bibliographicInfo", "messageInfo") if part in content), "action")
    return kind, header["requestingAgencyRequestId"], datetime.fromisoformat(header["timestamp"])


def _words(content: dict[str, Any]) -> str:
    header = {name: value for name, value in content["header"].items() if name != "timestamp"}
    return json.dumps({**content, "header": header}, sort_keys=True)
