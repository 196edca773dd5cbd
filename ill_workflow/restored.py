"""After a backup was restored: what has been given away since then is not given away a second time."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.libraries import Installation, Library
from ill_workflow.outbox import EffectRow
from ill_workflow.requests.models import Event, MailRow, Slip, SlipBatch

#: How many references are left out: more than a library gives out between two backups.
SKIPPED = 1000
#: The same for numbers of events and promises, by which mails are known; and for those that people know of: a batch of
#: slips names its file by it, and a mail is sent again by it.
SKIPPED_IDS = {Event: 1_000_000, EffectRow: 1_000_000, SlipBatch: SKIPPED, MailRow: SKIPPED}


@dataclass(frozen=True)
class Restored:
    """Until when the database knows what happened, and what lies in the folder of slips that it doesn't know."""

    last_event: datetime | None
    unknown_slips: list[str]


def go_on_after(session: Session, slips: Path) -> Restored:
    """Leave out numbers that may have been given since the backup: references, and what Message-IDs are made of."""
    session.execute(sa.update(Library).values(next_number=Library.next_number + SKIPPED))
    if session.get_bind().dialect.name == "postgresql":
        for table, skipped in SKIPPED_IDS.items():
            sequence = sa.func.pg_get_serial_sequence(table.__tablename__, "id")
            session.execute(sa.select(sa.func.setval(sequence, sa.func.nextval(sequence) + skipped)))
    else:
        # There numbers can't be left out, and so the mails get another name.
        session.execute(sa.update(Installation).values(identity=secrets.token_hex(4)))
    known = set(session.scalars(sa.select(Slip.file)))
    return Restored(
        last_event=session.scalar(sa.select(sa.func.max(Event.at))),
        unknown_slips=sorted(name for name in _files(slips) if name not in known),
    )


def _files(folder: Path) -> Iterator[str]:
    return (path.relative_to(folder).as_posix() for path in folder.rglob("*.pdf") if path.is_file())
