"""Copies that are delivered as files: kept for a while under a name that nobody guesses, and gone after that."""

import hashlib
import re
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ill_workflow.clock import machine_now
from ill_workflow.config import Settings
from ill_workflow.errors import BadInput, Refused
from ill_workflow.slips.storage import write

LARGEST = 25 * 1024 * 1024  #: bytes; most mail servers take no more
#: How the files begin that may be delivered, and what they are called.
KINDS = {b"%PDF-": "pdf", b"II*\x00": "tif", b"MM\x00*": "tif", b"\xff\xd8\xff": "jpg", b"\x89PNG\r\n": "png"}
#: How a message between branches names a copy that is kept here.
SCHEME = "ill-copy:"
_NAME = re.compile(r"[0-9a-f]{32}\.(pdf|tif|jpg|png)")
#: What is left of one where whoever kept it was killed over it.
_UNFINISHED = re.compile(r"\.[0-9a-f]{32}\.(pdf|tif|jpg|png)\..*\.part")


def keep(folder: Path, content: bytes, *, owner: str = "") -> str:
    """Keep a copy; the name by which `deliver_copy` is told of it. Raises BadInput for what is no document.

    The same content of the same `owner`, a secret of whoever brings it, is kept once.
    """
    kind = next((name for beginning, name in KINDS.items() if content.startswith(beginning)), None)
    if kind is None:
        raise BadInput("A copy is a PDF, TIFF, JPEG or PNG file.", field="file")
    if len(content) > LARGEST:
        raise BadInput(f"The file has {len(content)} bytes; {LARGEST} are the most. Name a link instead.", field="file")
    unguessable = hashlib.sha256(owner.encode() + content).hexdigest()[:32] if owner else secrets.token_hex(16)
    name = f"{unguessable}.{kind}"
    write(folder / name, content)
    return name


def read(folder: Path, name: str) -> bytes:
    """The copy of that name. Raises BadInput where it was never here, or is kept no longer."""
    if not _NAME.fullmatch(name) or not (folder / name).exists():
        raise BadInput("There is no such copy here, or it is kept no longer.", field="file")
    return (folder / name).read_bytes()


def kept_until(folder: Path, name: str, days: int) -> datetime | None:
    """Until when a copy is kept; none: it was never here, or is kept no longer."""
    if not _NAME.fullmatch(name):
        return None
    try:
        kept = datetime.fromtimestamp((folder / name).stat().st_mtime, UTC)
    except OSError:
        return None
    until = kept + timedelta(days=days)
    return until if until > machine_now() else None


def link_of_copy(settings: Settings, name: str) -> str:
    """Where a partner of another installation gets a copy. Raises Refused where we have no address for others."""
    if not settings.web_url:
        raise Refused(
            "The copy is a file, and partners can't fetch it: this installation has no public address. "
            "Set ILL_WEB_URL and send it again, or deliver a link instead.",
            field="file",
        )
    return f"{settings.web_address}/copies/{name}"


def subtype(name: str) -> tuple[str, str]:
    """What kind of file it is, for a mail."""
    return {"pdf": ("application", "pdf"), "tif": ("image", "tiff"), "jpg": ("image", "jpeg")}.get(
        name.rpartition(".")[2], ("image", "png")
    )


def forget(folder: Path, before: datetime) -> int:
    """Remove the copies that were kept before an instant, and what was never finished; how many."""
    kept = [path for path in folder.glob("*.*") if _NAME.fullmatch(path.name) or _UNFINISHED.fullmatch(path.name)]
    old = [path for path in kept if path.stat().st_mtime < before.timestamp()]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)
