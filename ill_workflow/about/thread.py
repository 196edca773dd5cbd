"""What was said between two libraries about a request, in words, and what became of each message."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.mail.sentences import words_of
from ill_workflow.messages.content import read_kept
from ill_workflow.messages.letter import lines_of
from ill_workflow.outbox import DEAD, DONE, READY, RUNNING, UNCERTAIN, EffectRow
from ill_workflow.partners import Partner
from ill_workflow.requests.models import MessageRow, Request

MOST = 500
#: What becomes of promised work, in words.
FATES = {READY: "waiting", RUNNING: "being sent", DONE: "sent", DEAD: "given up", UNCERTAIN: "uncertain"}


@dataclass(frozen=True)
class Said:
    """A message: to the partner or from it, in words. One that is only promised has no content yet."""

    at: datetime
    incoming: bool
    partner: str
    kind: str  #: by the word of the standard
    what: str  #: in plain words
    lines: tuple[tuple[str, str], ...]
    transport: str
    fate: str
    outcome: str = ""
    why: str = ""
    effect_id: int | None = None

    @property
    def arrived(self) -> bool:
        return self.fate in ("received", "sent")

    @property
    def failed(self) -> bool:
        return self.fate in ("given up", "uncertain")


def thread(session: Session, request: Request, work: Sequence[EffectRow], language: str = "en") -> list[Said]:
    """The oldest first: what was said, then what waits to be said."""
    rows = sa.select(MessageRow, Partner.name).join(Partner, Partner.id == MessageRow.partner_id)
    mine = rows.where(MessageRow.request_id == request.id).order_by(MessageRow.id.desc()).limit(MOST)
    said = [_said(row, name, language) for row, name in reversed(session.execute(mine).all())]
    unsent = [w for w in work if w.kind == "send_message" and w.status in (READY, RUNNING, DEAD, UNCERTAIN)]
    to = {w.payload.get("partner") for w in unsent}
    names = {p.id: p.name for p in session.scalars(sa.select(Partner).where(Partner.id.in_(to)))}
    return said + [_promised(effect, names, language) for effect in unsent]


def _said(row: MessageRow, partner: str, language: str) -> Said:
    return Said(
        at=row.at, incoming=row.incoming, partner=partner, kind=row.kind, what=_in_words(row.kind, language),
        lines=lines_of(read_kept(row.content), language), transport=row.transport,
        fate="received" if row.incoming else "sent", outcome=row.outcome, effect_id=row.effect_id,
    )  # fmt: skip


def _promised(effect: EffectRow, names: dict[int, str], language: str) -> Said:
    partner = names.get(effect.payload.get("partner") or 0, "")
    return Said(
        at=effect.created_at, incoming=False, partner=partner, kind=effect.argument,
        what=_in_words(effect.argument, language), lines=(), transport="", fate=FATES[effect.status],
        why=effect.last_error or "", effect_id=effect.id,
    )  # fmt: skip


def _in_words(kind: str, language: str) -> str:
    words = words_of(language)
    alone = "Note" if kind == "Notification" else kind
    known = words.subjects.get(alone) or words.subjects.get(alone.split(" ")[0]) or words.of_code(alone)
    return known[:1].upper() + known[1:]
