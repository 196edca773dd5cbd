"""What is written down of a call: enough to find out what went wrong, and nothing that shows who calls."""

from datetime import UTC, datetime

import sqlalchemy as sa

from ill_workflow.iso18626.masking import mask
from ill_workflow.messages.exchanges import MOST_KEPT, Exchange, remember_exchange

AT = datetime(2026, 2, 2, 15, 0, tzinfo=UTC)


def test_a_call_is_kept_without_what_is_secret(bare_stage):
    with bare_stage.db.writing() as session:
        remember_exchange(
            session, incoming=False, said=b"<m><securityCode>open sesame</securityCode></m>", answered=b"", at=AT,
            peer="https://user:word@lender.example/iso18626?token=open", http_status=401, took_ms=12, mask=mask,
            trouble="401: Bearer open-sesame-2 is not known", forgiven=["no\0 namespace"],
        )  # fmt: skip

    kept = the_only_one(bare_stage)
    assert "open" not in f"{kept.said}{kept.peer}{kept.trouble}"
    assert kept.peer == "https://lender.example/iso18626"
    assert (kept.http_status, kept.took_ms, kept.forgiven) == (401, 12, ["no  namespace"])


def test_no_more_is_kept_than_somebody_would_read(bare_stage):
    said = b"<m><note>" + b"a lot to say. " * 20_000 + b"</note></m>"
    with bare_stage.db.writing() as session:
        remember_exchange(session, incoming=True, said=said, answered=b"\0\xff", at=AT, peer="::1", mask=mask)

    kept = the_only_one(bare_stage)
    assert len(kept.said) < MOST_KEPT + 100
    assert kept.said.endswith(f"cut here: the whole had {len(said)} bytes.")


def the_only_one(stage) -> Exchange:
    with stage.db.reading() as session:
        return session.scalars(sa.select(Exchange)).one()
