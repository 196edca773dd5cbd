"""What went over the wire, as text: each message with the answer to it, for whoever has to find out what went wrong."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from ill_workflow.db import Base, UTCDateTime


class Exchange(Base):
    """One call and its answer. Secrets and patrons are masked before it is written down; it is purged after a while.

    A call that was refused before anybody knew whose it was has no library, and is shown to operators alone.
    """

    __tablename__ = "exchange"
    __table_args__ = (
        sa.Index(None, "request_id", "id"), sa.Index(None, "library_id", "id"), sa.Index(None, "partner_id", "id"),
        sa.Index(None, "effect_id"), sa.Index(None, "message_id"), sa.Index(None, "at"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    library_id: Mapped[int | None] = mapped_column(sa.ForeignKey("library.id"))
    partner_id: Mapped[int | None] = mapped_column(sa.ForeignKey("partner.id"))
    request_id: Mapped[int | None] = mapped_column(sa.ForeignKey("request.id"))
    message_id: Mapped[int | None] = mapped_column(sa.ForeignKey("message.id"))  #: what was taken in, or was sent
    effect_id: Mapped[int | None] = mapped_column(sa.ForeignKey("effect.id"))  #: the promise that it kept
    incoming: Mapped[bool]
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    peer: Mapped[str] = mapped_column(sa.String(300), default="")  #: from which address, or to which URL
    said: Mapped[str] = mapped_column(sa.Text)  #: the message as it stood on the wire, masked
    answered: Mapped[str] = mapped_column(sa.Text, default="")  #: the confirmation, masked
    http_status: Mapped[int | None]  #: none: no answer came
    took_ms: Mapped[int | None]
    forgiven: Mapped[list[str]] = mapped_column(sa.JSON, default=list)  #: what was wrong with it, and was understood
    trouble: Mapped[str] = mapped_column(sa.Text, default="")  #: why it was refused, or did not get through


class PatronOfPartner(Base):
    """What a partner has told us of its patron, apart from all that is shown and logged."""

    __tablename__ = "patron_of_partner"

    request_id: Mapped[int] = mapped_column(sa.ForeignKey("request.id"), primary_key=True)
    content: Mapped[dict[str, Any]] = mapped_column(sa.JSON)  #: a `patronInfo`
    at: Mapped[datetime] = mapped_column(UTCDateTime)
