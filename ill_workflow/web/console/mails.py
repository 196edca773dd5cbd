"""The mails of a library as they were sent, what became of each, and sending one again."""

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from ill_workflow.errors import BadInput
from ill_workflow.mail import sent
from ill_workflow.mail.letters import LETTERS
from ill_workflow.requests.models import references
from ill_workflow.web.chosen import request_by
from ill_workflow.web.console.letters import label_of
from ill_workflow.web.navigation import N_
from ill_workflow.web.pages import render
from ill_workflow.web.visitor import Here, Posted, Signed
from ill_workflow.web.words import _

router = APIRouter(prefix="/l/{library}/letters/sent")

ON_ONE_PAGE = 50
TONES = {
    N_("sent"): "good", N_("waiting"): "busy", N_("uncertain"): "warn", N_("refused"): "bad", N_("given up"): "bad",
    N_("withdrawn"): "calm", N_("skipped"): "calm", N_("no address"): "warn",
}  # fmt: skip


@router.get("")
def listed(
    request: Request, visitor: Signed, services: Here, failed: str = "", letter: str = "", reference: str = "",
    to: str = "", before: str = "",
) -> Response:  # fmt: skip
    """All mails, the latest first."""
    asked = {"failed": failed, "letter": letter, "reference": reference.strip(), "to": to.strip()[:254]}
    behind = int(before) if before.isascii() and before.isdigit() and len(before) < 10 else None
    wrong = ""
    with services.db.reading() as session:
        about = None
        if asked["reference"]:
            try:
                about = request_by(session, visitor.library, asked["reference"]).id
            except BadInput as unknown:
                wrong, about = unknown.message, 0
        found = sent.sent_mails(
            session, visitor.library.id, request_id=about, to=asked["to"], failed=failed == "yes",
            name=letter if letter in LETTERS else "", before=behind, most=ON_ONE_PAGE + 1,
        )  # fmt: skip
        names = references(session, [row.request_id for row, _fate in found if row.request_id])
    more = ""
    if len(found) > ON_ONE_PAGE:
        more = "?" + urlencode({**asked, "before": found[ON_ONE_PAGE - 1][0].id})
    lines = [(row, fate, label_of(row.name)) for row, fate in found[:ON_ONE_PAGE]]
    return render(
        request, "mails.html", visitor, lines=lines, names=names, asked=asked, more=more, wrong=wrong, tones=TONES,
        letters=[(name, label_of(name)) for name in LETTERS], zone=visitor.library.zone,
    )  # fmt: skip


@router.get("/{number}")
def look(request: Request, number: int, visitor: Signed, services: Here, done: str = "") -> Response:
    """A mail as it was written, and what became of it."""
    said = {
        "again": _("This is sent again now."), "already": _("It is being sent again already."),
    }  # fmt: skip
    with services.db.reading() as session:
        row = sent.find_mail(session, visitor.library.id, number)
        fate, told = sent.fate_of(session, row), sent.told_by(session, row)
        about = {notice.request_id for notice in told if notice.request_id} | (
            {row.request_id} if row.request_id else set()
        )
        names = references(session, about)
    return render(
        request, "mail.html", visitor, row=row, fate=fate, label=label_of(row.name), names=names,
        tone=TONES.get(fate.word, "calm"), done=said.get(done, ""), zone=visitor.library.zone,
    )  # fmt: skip


@router.post("/{number}/resend")
def resend(number: int, visitor: Signed, services: Here, form: Posted) -> Response:
    """Send the same text again, to the address that its reader has now."""
    with services.db.writing() as session:
        row = sent.find_mail(session, visitor.library.id, number)
        again = sent.resend(session, row, account=visitor.account, clock=services.clock, house=services.house)
    done = "already" if again.repeated else "again"
    return RedirectResponse(f"/l/{visitor.library.code}/letters/sent/{again.mail.id}?done={done}", status_code=303)
