"""Slips by mail: to whoever printed them, all that were printed at once in one mail."""

from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.accounts import Account
from ill_workflow.mail import own
from ill_workflow.mail.sending import Draft, Post, deliver, mail_of, send_as_one
from ill_workflow.mail.values import values_of
from ill_workflow.outbox import Claimed, Finish, Outside, Permanent
from ill_workflow.requests.models import Request, Slip
from ill_workflow.slips.making import make_slip


def email_slips(post: Post, claims: Sequence[Claimed]) -> Finish | Outside:
    """Mail slips to the staff member who printed them; makes those that aren't there yet."""
    first = claims[0]
    if (number := mail_of(post.db, first)) is not None:
        return deliver(post, first, number)
    with post.db.reading() as session:
        account = session.get(Account, first.payload["account"] or 0)
    if account is None:
        raise Permanent("Nobody is known who printed it.")
    slips = {claimed.id: _slip_of(post, claimed) for claimed in claims}

    def write(session: Session, told: Sequence[Claimed]) -> Draft:
        for claimed in told:
            _, record = slips[claimed.id]
            if record:
                record(session)
        request = session.get_one(Request, first.request_id)
        library, name = request.library, "slips" if len(told) > 1 else "slip"
        requests = [claimed.payload["request"] for claimed in told]
        values = replace(
            values_of(told[0], library, request.partner, language=library.language),
            lines=tuple((t["reference"], t["title"]) for t in requests),
        )
        files = [slips[claimed.id][0] for claimed in told]
        attached = tuple({"name": file, "folder": "slips", "file": file} for file in files)
        written = own.write(session, library, name, library.language, values)
        return Draft("slip", account.id, name, account.email, written, attached)

    return send_as_one(post, claims, write)


def _slip_of(post: Post, claimed: Claimed) -> tuple[str, Finish | None]:
    """The file of a slip; where it is made only now, that is to be recorded."""
    with post.db.reading() as session:
        mine = sa.select(Slip.file).where(Slip.event_id == claimed.event_id, Slip.layout == claimed.argument)
        made = session.scalar(mine)
    if not made or not (post.slips / made).exists():
        return make_slip(post.db, post.slips, claimed)
    return made, None
