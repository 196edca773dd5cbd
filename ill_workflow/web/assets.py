"""Style sheets and scripts: ours, and htmx as its package brings it. Each address changes with its content."""

import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

from ill_workflow.errors import NotFound

OURS = Path(__file__).parent / "static"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png"}

router = APIRouter()


@router.get("/static/{digest}/{name}")
def asset(digest: str, name: str) -> FileResponse:
    known = _known().get(name)
    if known is None:
        raise NotFound("There is no such file.")
    path, now = known
    kept = "public, max-age=31536000, immutable" if digest == now else "no-cache"
    return FileResponse(path, media_type=TYPES[path.suffix], headers={"Cache-Control": kept})


def address(name: str) -> str:
    """The address of a style sheet or script."""
    return f"/static/{_known()[name][1]}/{name}"


@cache
def _known() -> dict[str, tuple[Path, str]]:
    ours = {path.name: path for path in OURS.iterdir() if path.suffix in TYPES}
    htmx = Path(str(files("js_lib_htmx"))) / "static" / "htmx"
    theirs = {"htmx.js": htmx / "htmx.min.js"}
    return {name: (path, hashlib.sha256(path.read_bytes()).hexdigest()[:16]) for name, path in (ours | theirs).items()}
