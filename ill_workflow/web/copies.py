"""Copies that partners fetch: whoever has the address gets the file, for as long as it is kept."""

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response

from ill_workflow import copies
from ill_workflow.errors import NotFound
from ill_workflow.web.visitor import Here
from ill_workflow.web.words import _

router = APIRouter()

#: The file is saved and not shown; if a browser shows it all the same, nothing in it can do anything here.
HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


@router.api_route("/copies/{name}", methods=["GET", "HEAD"])
def copy(name: str, services: Here) -> Response:
    """A copy by its unguessable name; no more is asked of whoever comes."""
    settings = services.settings
    if copies.kept_until(settings.copies, name, settings.copy_days) is None:
        raise NotFound(_("There is no such copy here, or it is kept no longer. Ask the library that sent the link."))
    return FileResponse(
        settings.copies / name, media_type="/".join(copies.subtype(name)), headers=HEADERS,
        filename=f"copy.{name.rpartition('.')[2]}", content_disposition_type="attachment",
    )  # fmt: skip
