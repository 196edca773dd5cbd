"""Whether the console is well, for whoever watches machines. Tells nothing else."""

import sqlalchemy as sa
from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from sqlalchemy.exc import SQLAlchemyError

from ill_workflow.web.visitor import Here

router = APIRouter()


@router.get("/healthz")
def healthz(services: Here) -> PlainTextResponse:
    try:
        with services.db.reading() as session:
            session.execute(sa.text("SELECT 1"))
    except SQLAlchemyError:
        return PlainTextResponse("the database does not answer\n", status_code=503)
    return PlainTextResponse("well\n")
