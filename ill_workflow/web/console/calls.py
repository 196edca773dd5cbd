"""What went over the wire, for whoever has to find out why a partner and we do not understand each other."""

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from ill_workflow.about.calls import MOST_LISTED, OUTCOMES, find_call, list_calls
from ill_workflow.errors import NotFound
from ill_workflow.partners import find_partner, list_partners
from ill_workflow.web.navigation import N_
from ill_workflow.web.pages import render
from ill_workflow.web.visitor import Here, Signed
from ill_workflow.web.words import _

router = APIRouter(prefix="/l/{library}/operations/calls")

TONES = {N_("well"): "good", N_("refused"): "bad", N_("not confirmed"): "warn"}
MOST_PARTNERS = 500


@router.get("")
def listed(
    request: Request, visitor: Signed, services: Here, partner: str = "", outcome: str = "", whose: str = "",
    before: str = "",
) -> HTMLResponse:  # fmt: skip
    """The latest calls of the library; or those of which nobody could tell whose they were, which all may see."""
    asked = {"partner": partner.strip()[:64], "outcome": outcome if outcome in OUTCOMES else "", "whose": whose}
    behind = int(before) if before.isascii() and before.isdigit() and len(before) < 10 else None
    wrong = ""
    with services.db.reading() as session:
        chosen = None
        if asked["partner"] and whose != "nobody":
            try:
                chosen = find_partner(session, visitor.library.id, asked["partner"]).id
            except NotFound:
                wrong, chosen = _("There is no such partner in your list."), 0
        found = list_calls(
            session, library_id=visitor.library.id, nobodys=whose == "nobody", partner_id=chosen,
            outcome=asked["outcome"], before=behind, most=MOST_LISTED + 1,
        )  # fmt: skip
        every = list_partners(session, visitor.library.id, most=MOST_PARTNERS)
        partners = [(p.code, p.name) for p in every if p.transport == "iso18626" or p.code == asked["partner"]]
    more = "?" + urlencode({**asked, "before": found[MOST_LISTED - 1].id}) if len(found) > MOST_LISTED else ""
    return render(
        request, "calls.html", visitor, calls=found[:MOST_LISTED], asked=asked, more=more, wrong=wrong, tones=TONES,
        partners=partners, zone=visitor.library.zone,
    )  # fmt: skip


@router.get("/{number}")
def look(request: Request, number: int, visitor: Signed, services: Here) -> HTMLResponse:
    """One call with its answer, in full."""
    with services.db.reading() as session:
        try:
            call = find_call(session, number, library_ids=[visitor.library.id])
        except NotFound:
            raise NotFound(_("There is no such call at this library, or it is kept no longer.")) from None
    return render(request, "call.html", visitor, call=call, tones=TONES, zone=visitor.library.zone)
