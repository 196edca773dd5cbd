"""A digest that a worker dies with is the same mail when another one sends it."""

import pytest
import sqlalchemy as sa

from ill_workflow.libraries import Library
from ill_workflow.outbox import EffectRow
from ill_workflow.requests.models import MailRow, Notice

pytestmark = pytest.mark.live

READER = "reader@readers.example"


@pytest.mark.brokers("valkey")
def test_a_worker_killed_in_the_middle_of_a_digest(installation):
    with installation.services.db.writing() as session:
        session.execute(sa.update(Library).values(digest_minutes=60))
    loans = [installation.borrows() for _ in range(3)]
    installation.gate.touch()
    first = installation.worker()
    with installation.services.db.writing() as session:
        waits = EffectRow.reader.startswith("patron") & (EffectRow.status == "ready")
        oldest = sa.select(sa.func.min(EffectRow.id)).where(waits).scalar_subquery()
        session.execute(
            sa.update(EffectRow).where(EffectRow.id == oldest).values(available_at=EffectRow.created_at),
            execution_options={"synchronize_session": False},
        )
    installation.wait(lambda: installation.message_ids(READER))

    first.kill()
    installation.gate.unlink()
    installation.worker()

    installation.wait(lambda: all(installation.is_done(loan) for loan in loans))
    mails = [mail for mail in installation.catcher.messages() if READER in str(mail["To"])]
    assert len({mail["Message-ID"] for mail in mails}) == 1, "a repeat can be recognised"
    assert len({mail.get_body(("plain",)).get_content() for mail in mails}) == 1, "and says the same"
    assert mails[0]["Subject"] == "3 messages about your interlibrary loans"
    with installation.services.db.reading() as session:
        (row,) = session.query(MailRow).filter(MailRow.reader == "patron")
        assert row.fate == "sent"
        assert session.query(Notice).filter(Notice.mail_id == row.id).count() == 3
