"""The slips of a request: whether they are drawn, and whether somebody has them on paper."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.requests.models import Event, Request, Slip, SlipBatch


@dataclass(frozen=True)
class Paper:
    """A slip. `file` is empty while no worker has drawn it."""

    id: int
    layout: str
    at: datetime
    file: str
    printed_at: datetime | None
    printed_by: str
    undone: bool


def papers(session: Session, request: Request) -> list[Paper]:
    """The latest first."""
    undo = sa.orm.aliased(Event)
    undone = sa.exists().where(undo.undoes_id == Slip.event_id)
    rows = sa.select(Slip, SlipBatch.who, undone).outerjoin(SlipBatch, SlipBatch.id == Slip.batch_id)
    found = session.execute(rows.where(Slip.request_id == request.id).order_by(Slip.id.desc()))
    return [
        Paper(slip.id, slip.layout, slip.at, slip.file, slip.printed_at, (who or "") if slip.printed_at else "", gone)
        for slip, who, gone in found
    ]
