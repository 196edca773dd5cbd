"""All about one request: as data for programs, and as pages for people."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.about.history import UNSAID
from ill_workflow.about.whole import whole
from ill_workflow.accounts import Account
from ill_workflow.bootstrap import Services
from ill_workflow.cli.output import line, show
from ill_workflow.mail.sent import fate_of
from ill_workflow.outbox import EffectRow
from ill_workflow.requests.by import By
from ill_workflow.requests.choices import Choice, choices
from ill_workflow.requests.models import MailRow, Notice, Request

FACTS = (
    "author", "isbn", "issn", "service", "partner", "partner_request_id", "patron", "need_by", "lender_due",
    "patron_due", "return_by", "item_barcode", "temporary_barcode", "piece_count", "call_number", "location",
    "carrier", "tracking", "conditions",
)  # fmt: skip


def all_about(session: Session, request: Request, services: Services, account: Account) -> dict[str, Any]:
    """Codes, ISO times with their offset, amounts by currency."""
    zone, found = request.library.zone, whole(session, request, clock=services.clock)

    def local(at: datetime) -> str:
        return at.astimezone(zone).isoformat(timespec="seconds")

    notices = session.scalars(sa.select(Notice).where(Notice.request_id == request.id).order_by(Notice.id)).all()
    mails = session.scalars(sa.select(MailRow).where(MailRow.id.in_([n.mail_id for n in notices if n.mail_id])))
    fates = {mail.id: fate_of(session, mail).word for mail in mails}
    possible = [c for c in choices(session, request, by=By.staff(account), clock=services.clock) if c.possible]
    facts = {name: getattr(request, name) for name in FACTS if name not in ("partner", "patron")}
    return {
        "reference": request.reference,
        "side": request.side,
        "state": request.state,
        "state_label": found.state_label,
        "standing": [str(phrase) for phrase in found.standing],
        "version": request.version,
        "title": request.title,
        **facts,
        "partner": request.partner.name if request.partner else None,
        "patron": request.patron.barcode if request.patron else None,
        "due_assumed": request.due_assumed,
        "pieces": [{"barcode": p.barcode, "back": p.back, "where": str(p.where)} for p in found.places if p.named],
        "fees": found.balances,
        "ledger": [
            {
                "at": local(e.at), "sign": e.sign, "kind": e.kind, "amount": e.amount, "currency": e.currency,
                "provisional": e.provisional, "note": e.note,
            }
            for e in found.ledger
        ],
        "history": [
            {
                "at": local(e.at), "trigger": e.trigger, "label": e.label, "who": e.who, "told_by": e.told_by,
                "from": e.source, "to": e.dest, "said": e.inputs,
            }
            for e in found.history
        ],
        "messages": [
            {
                "at": local(m.at), "way": "in" if m.incoming else "out", "what": m.kind, "fate": m.fate,
                "outcome": m.outcome,
            }
            for m in found.thread
            if m.arrived
        ],
        "notices": [
            {
                "at": local(n.at), "to": n.to, "occasion": n.occasion, "subject": n.subject, "address": n.address,
                "message_id": n.message_id, "mail": n.mail_id, "fate": fates.get(n.mail_id or 0, "sent"),
            }
            for n in notices
        ],
        "circulation": [
            {"call": e.argument, "status": e.status, "answer": e.answer} for e in found.work if e.kind == "circulation"
        ],
        "slips": [str(services.settings.slips / s.file) for s in reversed(found.papers) if s.file],
        "timers": [{"what": t.name, "at": local(t.at), "means": str(t.phrase)} for t in found.ahead],
        "linked": [{"reference": o.reference, "state": o.state, "before": o.before, "how": o.how} for o in found.links],
        "waiting": [
            {
                "id": e.id, "what": f"{e.kind} {e.argument}".strip(), "status": e.status,
                "why": e.last_error or _gathering(e, local),
            }
            for e in found.waiting
        ],
        "actions": [_action(choice) for choice in possible if not choice.must_be_told],
        "partner_may_say": [_action(choice) for choice in possible if choice.must_be_told],
    }  # fmt: skip


def print_all(found: dict[str, Any]) -> None:
    line(f"{found['reference']} ({found['side']}): {found['state_label']}")
    for sentence in found["standing"]:
        line(f"  {sentence}")
    line(f"  title: {found['title']}")
    for name in FACTS:
        if found[name]:
            value = ", ".join(found[name]) if isinstance(found[name], list) else found[name]
            assumed = " (assumed)" if name == "lender_due" and found["due_assumed"] else ""
            line(f"  {name.replace('_', ' ')}: {value}{assumed}")
    for piece in found["pieces"]:
        line(f"  piece: {piece['barcode']} ({'back' if piece['back'] else piece['where']})")
    for other in found["linked"]:
        line(f"  {'follows' if other['before'] else 'followed by'}: {other['reference']} ({other['how']})")
    if found["fees"]:
        line("  fees open: " + " and ".join(f"{a:.2f} {c}" for c, a in found["fees"].items()))
    history = [
        {
            "at": _short(e["at"]), "what": e["label"], "who": e["who"], "told by": e["told_by"], "to": e["to"],
            "said": _said(e["said"]),
        }
        for e in found["history"]
    ]  # fmt: skip
    notices = [
        {
            "at": _short(n["at"]), "to": n["to"], "subject": n["subject"],
            "mail": n["mail"], "fate": n["fate"],
        }
        for n in found["notices"]
    ]  # fmt: skip
    ledger = [{**entry, "at": _short(entry["at"])} for entry in found["ledger"]]
    messages = [{**m, "at": _short(m["at"])} for m in found["messages"]]
    timers_ = [{"what": t["what"], "at": _short(t["at"])} for t in found["timers"]]
    parts = {
        "History": history, "Messages": messages, "Notices": notices, "Fees": ledger,
        "Circulation": found["circulation"], "Timers": timers_, "Waiting": found["waiting"],
    }  # fmt: skip
    for title, rows in parts.items():
        if rows:
            line(f"\n{title}")
            show(rows, as_json=False)
    for path in found["slips"]:
        line(f"\nSlip: {path}")
    _print_actions("What can be done", found["actions"])
    _print_actions("What the partner may say (with --told-by phone, mail or paper)", found["partner_may_say"])


def _print_actions(title: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        line(f"\n{title}")
        for row in rows:
            inputs = " ".join(n["name"] if n["required"] else f"[{n['name']}]" for n in row["needs"])
            line(f"  {row['trigger']:<28}{row['label']}{f': {inputs}' if inputs else ''}")


def _action(choice: Choice) -> dict[str, Any]:
    row = choice.action
    needs = [{"name": n.name, "label": n.label, "type": n.type, "required": n.required} for n in row.needs]
    return {"trigger": row.trigger, "label": row.label, "needs": needs}


def _gathering(effect: EffectRow, local: Callable[[datetime], str]) -> str | None:
    if effect.reader is None or effect.attempts:
        return None
    return f"waits for other notices to the same reader until {_short(local(effect.available_at))}"


def _said(inputs: dict[str, Any]) -> str:
    words = []
    for name, value in inputs.items():
        if name in UNSAID or value in (None, "", [], {}):
            continue
        if isinstance(value, dict):
            value = "; ".join(f"{k} = {v}" for k, v in value.items())
        words.append(f"{name.replace('_', ' ')}: {', '.join(value) if isinstance(value, list) else value}")
    return "; ".join(words)


def _short(at: str) -> str:
    return at[:16].replace("T", " ")
