"""Scan In Items: one field for a person with an item in one hand, and a large answer."""

import json
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session

from ill_workflow.about.whole import LARGEST_ID
from ill_workflow.bootstrap import Services
from ill_workflow.errors import NotFound
from ill_workflow.requests import packing_table
from ill_workflow.requests.models import Slip
from ill_workflow.requests.packing_table import Answer, Option, Question
from ill_workflow.slips.batches import How
from ill_workflow.slips.printing import Chosen, print_chosen, safe_name
from ill_workflow.slips.reference_barcode import MODULE, bars, modules
from ill_workflow.web.navigation import N_
from ill_workflow.web.pages import is_fragment, render
from ill_workflow.web.visitor import Here, Posted, Signed, Visitor
from ill_workflow.web.words import _

router = APIRouter(prefix="/l/{library}/scan")

#: Signs, drawn as lines in a square of 24: no colour alone says what an answer is.
TICK, CROSS, DASH = ("M5 13l5 5L20 6",), ("M6 6l12 12", "M18 6L6 18"), ("M5 12h14",)
ASK = ("M8.5 8.5a3.7 3.7 0 1 1 5.4 3.3c-1.3.8-1.9 1.4-1.9 3", "M12 19v.1")
AGAIN, BACK = ("M19 12a7 7 0 1 1-2-5", "M19 3v4h-4"), ("M4 9h10a5 5 0 0 1 0 10H8", "M8 5L4 9l4 4")
SHEET = ("M6 3h9l4 4v14H6z", "M9 12h7", "M9 16h7")
#: How each kind of answer looks: its tone, its sign and its word.
LOOKS = {
    "done": ("good", TICK, "Done"),
    "again": ("busy", AGAIN, "Scanned a moment ago"),
    "asks": ("warn", ASK, "Question"),
    "refused": ("bad", CROSS, "Not possible"),
    "unknown": ("bad", CROSS, "Unknown code"),
    "undone": ("busy", BACK, "Taken back"),
    "left": ("calm", DASH, "Left as it is"),
    "print": ("calm", SHEET, "Slip"),
}
PLACES = {
    "shelf": "Back to the shelf", "hold_shelf": "Hold shelf", "return_to": N_("RETURN TO"), "ship_to": N_("SHIP TO"),
    "aside": "Put it aside",
}  # fmt: skip
SLIPS = {
    "routing": "Lending slip",
    "shipping": "Shipping label",
    "book_strap": "Book strap",
    "return_slip": "Return slip",
}
#: What the printed codes are for.
CODES = (
    (packing_table.YES, N_("Yes, or Enter: confirm")),
    (packing_table.NO, N_("No: leave it")),
    (packing_table.NUMBERS[0], "The first answer"),
    (packing_table.NUMBERS[1], "The second answer"),
    (packing_table.NUMBERS[2], "The third answer"),
    (packing_table.UNDO, "Take the last scan back"),
    (packing_table.PRINT, "Print the slip of the last scan"),
)
LONGEST_QUESTION, MOST_LEFT = 20_000, 30


@router.get("")
def page(request: Request, visitor: Signed, services: Here) -> HTMLResponse:
    return _shown(request, visitor, services, None, ())


@router.post("")
def scan(request: Request, visitor: Signed, services: Here, form: Posted) -> HTMLResponse:
    """One code; or an answer to the question that the page brings along."""
    code = next((str(value) for value in form.getlist("code") if value), "")
    question, key = _question(str(form.get("question", ""))), str(form.get("key", ""))[:64] or None
    left = [str(value)[:64] for value in form.getlist("left")][:MOST_LEFT]
    answer = packing_table.take(
        services.db, visitor.library, code, question, by=visitor.by(), clock=services.clock, key=key
    )
    return _shown(request, visitor, services, answer, _still_left(left, answer))


@router.post("/undo/{event_id}")
def take_back(request: Request, visitor: Signed, services: Here, form: Posted, event_id: int) -> HTMLResponse:
    key, left = str(form.get("key", ""))[:64] or None, [str(value)[:64] for value in form.getlist("left")][:MOST_LEFT]
    if (question := _question(str(form.get("question", "")))) is not None:
        left = list(dict.fromkeys([*left, question.code]))
    answer = packing_table.take_back(
        services.db,
        visitor.library,
        event_id if 0 < event_id < LARGEST_ID else 0,
        by=visitor.by(),
        clock=services.clock,
        key=key,
    )
    return _shown(request, visitor, services, answer, left)


@router.get("/codes")
def codes(request: Request, visitor: Signed) -> HTMLResponse:
    """A sheet to be printed and put up at the table: answers for those who have no keyboard at hand."""
    drawn = [
        {"code": code, "words": words, "bars": bars(code), "modules": len(modules(code)),
         "width": f"{len(modules(code)) * MODULE:.2f}mm"}
        for code, words in CODES
    ]  # fmt: skip
    return render(request, "scan_codes.html", visitor, codes=drawn)


@router.get("/slips/{slip_id}")
def slip(request: Request, visitor: Signed, services: Here, slip_id: int) -> HTMLResponse:
    """Whether a promised slip has been drawn, asked for until it is."""
    with services.db.reading() as session:
        found = _slip(session, visitor, slip_id)
        shown = packing_table.PromisedSlip(found.id, found.layout, bool(found.file))
    return render(request, "scan_slip.html", visitor, slip=shown, slip_names=SLIPS)


@router.post("/slips/{slip_id}")
def print_slip(visitor: Signed, services: Here, slip_id: int) -> Response:
    """The slip as a PDF, which counts as printed from now on. One that was printed before comes as it was drawn."""
    with services.db.reading() as session:
        found = _slip(session, visitor, slip_id)
        name, drawn = f"{safe_name(SLIPS.get(found.layout, found.layout))}-{found.id}.pdf", found.file
        waits = found.printed_at is None
    pdf = _printed(services, visitor, slip_id, name) if waits else None
    if pdf is None and drawn:
        pdf = (services.settings.slips / drawn).read_bytes()
    if pdf is None:
        raise NotFound(_("This slip has not been drawn yet."))
    return Response(pdf, media_type="application/pdf", headers={"Content-Disposition": f'inline; filename="{name}"'})


def _printed(services: Services, visitor: Visitor, slip_id: int, name: str) -> bytes | None:
    """What was drawn for printing now; None where somebody else has just taken it."""
    services.settings.slips.mkdir(parents=True, exist_ok=True)
    file: Path = services.settings.slips / f"printed-{name}"
    chosen, account = Chosen(waiting=[slip_id]), visitor.account
    printed = print_chosen(services.db, services.clock, account, visitor.library, chosen, file, How())
    return file.read_bytes() if printed.slips else None


def _slip(session: Session, visitor: Visitor, slip_id: int) -> Slip:
    here = sa.select(Slip).where(Slip.id == slip_id, Slip.library_id == visitor.library.id)
    found = session.scalar(here) if slip_id < 2**31 else None
    if found is None:
        raise NotFound(_("There is no such slip."))
    return found


def _shown(
    request: Request, visitor: Visitor, services: Services, answer: Answer | None, left: Sequence[str]
) -> HTMLResponse:
    with services.db.reading() as session:
        lines = packing_table.todays_scans(session, visitor.library, visitor.account, services.clock)
    tone, sign, word = _look(answer) if answer else ("", (), "")
    template = "scan_parts.html" if is_fragment(request) else "scan.html"
    return render(
        request, template, visitor, answer=answer, tone=tone, sign=sign, word=word, lines=lines, left=left,
        question=_as_text(answer.question) if answer and answer.question else "", key=secrets.token_urlsafe(12),
        places=PLACES, slip_names=SLIPS, base=f"/l/{visitor.library.code}",
    )  # fmt: skip


def _look(answer: Answer) -> tuple[str, tuple[str, ...], str]:
    tone, sign, word = LOOKS[answer.kind]
    if answer.kind == "done" and answer.label:
        return tone, sign, answer.label
    if answer.kind == "asks" and answer.checklist:
        return tone, sign, "Look it over"
    if answer.kind == "asks" and answer.question and answer.question.wants_item:
        return tone, sign, "Now the item"
    return tone, sign, word


def _still_left(left: Sequence[str], answer: Answer) -> list[str]:
    """The codes with which nothing was done: of which the question was left open, or that nobody knows."""
    settled = {answer.code, answer.reference} if answer.kind in ("done", "again", "asks") else set()
    open_now = [answer.left] if answer.left else []
    if answer.kind in ("unknown", "left", "refused") and answer.code and answer.question is None:
        open_now.append(answer.code[:64])
    return [code for code in dict.fromkeys([*left, *open_now]) if code not in settled][-MOST_LEFT:]


def _as_text(question: Question) -> str:
    """A question as the page keeps it until the next scan."""
    return json.dumps({
        "code": question.code, "options": [[option.label, dict(option.how)] for option in question.options],
        "wants_item": question.wants_item, "how": dict(question.how), "is_checklist": question.is_checklist,
    })  # fmt: skip


def _question(text: str) -> Question | None:
    """The question that the page brings back; what isn't one is none."""
    if not text or len(text) > LONGEST_QUESTION:
        return None
    try:
        told = json.loads(text)
        options = tuple(Option(str(label), _how(how)) for label, how in told["options"])
        return Question(
            str(told["code"]), options, told["wants_item"] is True, _how(told["how"]), told["is_checklist"] is True
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _how(told: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(told[name]) for name in packing_table.ANSWERS if name in told}
