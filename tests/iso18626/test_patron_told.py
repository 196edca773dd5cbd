"""What a partner is told of a patron: what was agreed, no more, and by no other way."""

import pytest
import sqlalchemy as sa

from ill_workflow.iso18626.editions import Edition
from ill_workflow.iso18626.masking import mask
from ill_workflow.iso18626.writing import write
from ill_workflow.messages.content import PatronInfo
from ill_workflow.messages.kept import to_dict
from ill_workflow.messages.transports import compose
from ill_workflow.outbox import Claimed, EffectRow

NAME, BARCODE, MAIL = "Ann Reader", "21234000012345", "ann@readers.example"


def agrees(stage, patron):
    wire = {"address": "https://127.0.0.1:9/", "patron": patron}
    stage.changes("MAIN", "HILL", transport="iso18626", wire=wire)


def composed(stage, argument="Request"):
    """What is sent for the last promise of this message."""
    with stage.db.reading() as session:
        row = session.scalars(
            sa.select(EffectRow)
            .where(EffectRow.kind == "send_message", EffectRow.argument == argument)
            .order_by(EffectRow.id.desc())
        ).first()
        claimed = Claimed(
            row.id, row.kind, row.argument, row.destination, row.library_id, row.request_id, row.event_id, row.payload,
            1, 0, "", stage.clock.now(),
        )  # fmt: skip
        return row.payload, compose(session, claimed).message


@pytest.mark.parametrize("edition", list(Edition))
@pytest.mark.parametrize(
    ("patron", "told", "untold"),
    [
        ("nothing", None, (NAME, "Reader", BARCODE, MAIL)),
        ("id", PatronInfo(patronId=BARCODE), (NAME, "Reader", MAIL)),
        ("name", PatronInfo(surname=NAME), (BARCODE, MAIL)),
    ],
)
def test_a_partner_learns_of_a_patron_what_was_agreed(quick_stage, patron, told, untold, edition):
    agrees(quick_stage, patron)
    quick_stage.borrows(ask=("HILL",))
    payload, message = composed(quick_stage)

    assert message.patronInfo == told
    said = write(message, edition).decode()
    assert not any(word in said for word in untold)
    assert "patronInfo" in said or told is None
    for kept in (str(payload), str(to_dict(message)), mask(said)):
        assert not any(word in kept for word in (NAME, BARCODE, MAIL)), "neither promised nor kept nor logged"


def test_only_a_request_speaks_of_a_patron_and_only_over_iso_18626(quick_stage):
    agrees(quick_stage, "name")
    loan = quick_stage.borrows(ask=("HILL",))
    loan.hears("Loaned", due="2026-03-01")
    loan.does("receive", condition_checked=True)
    _, received = composed(quick_stage, "Received")
    assert NAME not in write(received, Edition.Y2021).decode()

    quick_stage.changes("MAIN", "HILL", transport="email")
    _, message = composed(quick_stage)
    assert message.patronInfo is None


def test_a_request_without_a_patron_or_a_name_says_nothing(quick_stage):
    agrees(quick_stage, "name")
    loan = quick_stage.borrows(ask=("HILL",))
    with quick_stage.db.writing() as session:
        session.execute(sa.text("UPDATE patron SET name = ''"))
    assert composed(quick_stage)[1].patronInfo is None
    with quick_stage.db.writing() as session:
        session.execute(sa.text("UPDATE request SET patron_id = NULL WHERE id = :id"), {"id": loan.id})
    agrees(quick_stage, "id")
    assert composed(quick_stage)[1].patronInfo is None
