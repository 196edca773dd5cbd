"""Copies handed in as files, to be delivered by an action."""

from typing import Annotated

from fastapi import APIRouter, Header, Request
from starlette.concurrency import run_in_threadpool

from ill_workflow import copies
from ill_workflow.errors import IllError
from ill_workflow.web.api.callers import Acting, Here
from ill_workflow.web.api.problems import described
from ill_workflow.web.api.shapes import CopyKept

router = APIRouter(prefix="/libraries/{library}", responses=described(401, 403, 404, 413, 415, 422, 429, 503))
TYPES = ("application/pdf", "image/tiff", "image/jpeg", "image/png")
BODY = {
    "required": True,
    "content": {kind: {"schema": {"type": "string", "contentMediaType": kind}} for kind in TYPES},
}


class _TooLarge(IllError):
    """The file is too large. Name a link instead."""

    status = 413


class _WrongType(IllError):
    """A copy is a PDF, TIFF, JPEG or PNG file."""

    status = 415


@router.post(
    "/copies", operation_id="keep_copy", tags=["Actions"], summary="Hand in a copy", status_code=201,
    openapi_extra={"requestBody": BODY},
)  # fmt: skip
async def keep_copy(
    request: Request, place: Acting, services: Here,
    content_type: Annotated[str, Header(include_in_schema=False)] = "",
) -> CopyKept:  # fmt: skip
    """The file is kept for a while. Name it as the input `file` of `deliver_copy`, and it goes to the partner."""
    # Read only now: whoever has no token fills no memory.
    if content_type.partition(";")[0].strip().lower() not in TYPES:
        raise _WrongType(field="Content-Type")
    found = bytearray()
    async for part in request.stream():
        found += part
        if len(found) > copies.LARGEST:
            raise _TooLarge
    return CopyKept(file=await run_in_threadpool(copies.keep, services.settings.copies, bytes(found)))
