"""The naive way: the ORM commits the new state, then four tasks are sent, and each records that it ran."""

from sqlalchemy.orm import Mapped, Session, declarative_base, mapped_column

Base = declarative_base()


class NaiveRequest(Base):
    __tablename__ = "naive_request"
    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str]


class NaiveDone(Base):
    __tablename__ = "naive_done"
    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int]


def print_slip(engine, tasks, request_id):
    with Session(engine) as session:
        session.get(NaiveRequest, request_id).state = "being_processed"
        session.commit()
    for task in tasks:
        task.delay(request_id)


def effect(engine, request_id):
    with Session(engine) as session:
        session.add(NaiveDone(request_id=request_id))
        session.commit()
