"""What was said between two libraries about a request, in words, and what became of each message."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.about.calls import Call, calls_of
from ill_workflow.mail.sentences import words_of
from ill_workflow.messages.kept import read_kept
from ill_workflow.messages.letter import lines_of
from ill_workflow.outbox import DEAD, DONE, READY, RUNNING, UNCERTAIN, EffectRow
from ill_workflow.partners import Partner
from ill_workflow.requests.models import MessageRow, Request

MOST = 500
#: What becomes of promised work, in words.
FATES = {READY: "waiting", RUNNING: "being sent", DONE: "sent", DEAD: "given up", UNCERTAIN: "uncertain"}
UNSENT = (READY, RUNNING, DEAD, UNCERTAIN)


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
    fate: str  #: waiting, being sent, sent, confirmed, refused, given up, uncertain; received, refused
    outcome: str = ""
    why: str = ""
    effect_id: int | None = None
    id: int | None = None  #: of the message; none: it was never taken in, or not sent yet
    calls: tuple[Call, ...] = ()  #: each try, as it went over the wire
    tries: int = 0  #: how often it was sent, or begun to be
    failed: bool = False  #: it needs a person, who can send it again

    @property
    def arrived(self) -> bool:
        return self.id is not None

    @property
    def as_expected(self) -> bool:
        return self.fate in ("received", "sent", "confirmed")


def thread(
    session: Session, request: Request, work: Sequence[EffectRow], language: str = "en", *, whole: bool = False
) -> list[Said]:
    """The oldest first: what was said and refused, then what waits to be said. Long texts are cut, but for `whole`."""
    calls = calls_of(session, request, whole=whole)
    also = {call.message_id for call in calls if call.message_id}
    rows = sa.select(MessageRow, Partner.name).join(Partner, Partner.id == MessageRow.partner_id)
    mine = sa.or_(MessageRow.request_id == request.id, MessageRow.id.in_(also))
    rows = rows.where(mine, MessageRow.library_id == request.library_id).order_by(MessageRow.id.desc()).limit(MOST)
    effects = {effect.id: effect for effect in work if effect.kind == "send_message"}
    found = list(reversed(session.execute(rows).all()))
    said = [_said(row, name, effects.get(row.effect_id or 0), calls, language) for row, name in found]
    said = sorted(said + _never_taken_in(calls, {row.id for row, _ in found}, language), key=lambda one: one.at)
    sent = {row.effect_id for row, _ in found}
    unsent = [e for e in effects.values() if e.status in UNSENT and e.id not in sent]
    to = {w.payload.get("partner") for w in unsent}
    names = {p.id: p for p in session.scalars(sa.select(Partner).where(Partner.id.in_(to)))}
    return said + [_promised(effect, names, calls, language) for effect in unsent]


def _said(row: MessageRow, partner: str, effect: EffectRow | None, calls: Sequence[Call], language: str) -> Said:
    mine = tuple(c for c in calls if c.message_id == row.id or (row.effect_id and c.effect_id == row.effect_id))
    failed = not row.incoming and effect is not None and effect.status in (DEAD, UNCERTAIN)
    fate, why = _fate_of_message(row)
    if failed and effect is not None:
        fate, why = (fate, why) if fate == "refused" else (FATES[effect.status], effect.last_error or "")
    return Said(
        at=row.at, incoming=row.incoming, partner=partner, kind=row.kind, what=_in_words(row.kind, language),
        lines=lines_of(read_kept(row.content), language), transport=row.transport, fate=fate, outcome=row.outcome,
        why=why, effect_id=row.effect_id, id=row.id, calls=mine, tries=_tries(effect, mine), failed=failed,
    )  # fmt: skip


def _fate_of_message(row: MessageRow) -> tuple[str, str]:
    status, _, rest = row.outcome.partition(" ")
    if status == "ERROR":
        return "refused", rest
    if row.incoming:
        return "received", ""
    return ("confirmed" if status == "OK" else "sent"), ""


def _promised(effect: EffectRow, partners: dict[int, Partner], calls: Sequence[Call], language: str) -> Said:
    partner = partners.get(effect.payload.get("partner") or 0)
    mine = tuple(c for c in calls if c.effect_id == effect.id)
    failed = effect.status in (DEAD, UNCERTAIN)
    refused = effect.status == DEAD and bool(mine) and mine[-1].status == "ERROR"
    return Said(
        at=effect.created_at, incoming=False, partner=partner.name if partner else "", kind=effect.argument,
        what=_in_words(effect.argument, language), lines=(), transport=partner.transport if partner else "",
        fate="refused" if refused else FATES[effect.status], why=effect.last_error or "", effect_id=effect.id,
        calls=mine, tries=_tries(effect, mine), failed=failed,
    )  # fmt: skip


def _never_taken_in(calls: Sequence[Call], known: set[int], language: str) -> list[Said]:
    """What a partner said about this request and did not become a message here: it was refused."""
    return [_without_a_message(call, language) for call in calls if call.incoming and call.message_id not in known]


def _without_a_message(call: Call, language: str) -> Said:
    fate = "refused" if call.outcome == "refused" else "received"
    return Said(
        at=call.at, incoming=True, partner=call.partner, kind=call.what, what=_in_words(call.what, language), lines=(),
        transport="iso18626", fate=fate, outcome=call.error, why=call.error, calls=(call,),
    )  # fmt: skip


def _tries(effect: EffectRow | None, calls: Sequence[Call]) -> int:
    """One that is only promised was tried as often as it was taken up; of old work its calls tell."""
    return max(len(calls), effect.attempts if effect is not None else 0)


def _in_words(kind: str, language: str) -> str:
    words = words_of(language)
    alone = "Note" if kind == "Notification" else kind
    known = words.subjects.get(alone) or words.subjects.get(alone.split(" ")[0]) or words.of_code(alone)
    return known[:1].upper() + known[1:]
