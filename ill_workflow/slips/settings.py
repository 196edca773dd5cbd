"""How the slips of a library look, by its own settings: papers, sheets, texts, a logo."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import get_args

from sqlalchemy.orm import Session

from ill_workflow import typed
from ill_workflow.errors import BadInput, NotFound
from ill_workflow.libraries import Library, Logo
from ill_workflow.outbox import insert_new
from ill_workflow.slips.batches import SHEETS as SHEET_PAPERS
from ill_workflow.slips.content import PAPERS, Layout
from ill_workflow.slips.logo import check_logo

PULL_LIST = "pull_list"
DEFAULT_PAPER = "letter"
#: What each paper setting is for.
PAPER_FIELDS = {f"{layout}_paper": layout for layout in (*get_args(Layout), PULL_LIST)}
FIELDS = (*PAPER_FIELDS, "per_sheet", "duplex", "slip_texts")
SHEETS = (1, 4, 6)  #: how many slips one sheet can hold
MOST_TEXTS, LONGEST_TEXT = 6, 200


def change(session: Session, library: Library, given: Mapping[str, str]) -> None:
    """Change settings as they were typed; an empty paper is Letter again. Raises BadInput naming the field."""
    papers = dict(library.papers)
    for field, value in given.items():
        if field in PAPER_FIELDS:
            papers[PAPER_FIELDS[field]] = read_paper(value or DEFAULT_PAPER, field)
        elif field == "per_sheet":
            library.per_sheet = read_per_sheet(value)
        elif field == "duplex":
            library.duplex = _yes_or_no(field, value)
        elif field == "slip_texts":
            library.slip_texts = _texts(value)
        else:
            raise BadInput(f"There is no setting {field!r}. Known: {', '.join(FIELDS)}.", field=field)
    library.papers = papers
    session.flush()


def in_force(library: Library) -> dict[str, object]:
    """The settings as they are now, by the names under which they are changed."""
    papers = {field: library.papers.get(layout, DEFAULT_PAPER) for field, layout in PAPER_FIELDS.items()}
    return {**papers, "per_sheet": library.per_sheet, "duplex": library.duplex, "slip_texts": library.slip_texts}


def tried(session: Session, library: Library, given: Mapping[str, str], logo: str | None) -> Library:
    """A stand-in for the library with settings that are only tried, and nothing else. Raises BadInput."""
    stand_in = Library(
        papers=dict(library.papers), per_sheet=library.per_sheet, duplex=library.duplex, slip_texts=library.slip_texts,
        logo=logo,
    )  # fmt: skip
    change(session, stand_in, given)
    return stand_in


def set_logo(session: Session, library: Library, content: bytes | None, now: datetime) -> None:
    """Print this picture on the slips that are promised from now on; None takes it away. Raises BadInput."""
    library.logo = None if content is None else keep_logo(session, library, content, now)
    session.flush()


def keep_logo(session: Session, library: Library, content: bytes, now: datetime) -> str:
    """Keep a picture, to be looked at before it is printed; by what it is known. Raises BadInput."""
    check_logo(content)
    digest = hashlib.sha256(content).hexdigest()
    row = {"library_id": library.id, "digest": digest, "content": content, "at": now}
    insert_new(session, Logo, [row], Logo.digest)
    return digest


def use_logo(session: Session, library: Library, digest: str | None) -> None:
    """Print a picture that is kept already, or none. Raises NotFound."""
    if digest is not None and session.get(Logo, (library.id, digest)) is None:
        raise NotFound("There is no such logo of this library.", field="logo")
    library.logo = digest
    session.flush()


def sheet_of(library: Library) -> str:
    """The paper on which several slips are put: the first of its slips' papers that holds them."""
    papers = (library.papers.get(layout, DEFAULT_PAPER) for layout in get_args(Layout))
    return next((paper for paper in papers if paper in SHEET_PAPERS), DEFAULT_PAPER)


def read_paper(value: str, field: str = "paper") -> str:
    if value not in PAPERS:
        raise BadInput(f"{value[:20]!r} is no paper. Choose {', '.join(PAPERS)}.", field=field)
    return value


def read_per_sheet(value: str | int) -> int:
    if str(value) not in map(str, SHEETS):
        raise BadInput(f"A sheet holds {', '.join(map(str, SHEETS))} slips, not {str(value)[:20]}.", field="per_sheet")
    return int(value)


def _yes_or_no(field: str, value: str) -> bool:
    if value not in ("yes", "no"):
        raise BadInput(f"{field} is yes or no.", field=field)
    return value == "yes"


def _texts(value: str) -> str:
    lines = [line.strip() for line in value.splitlines() if line.strip()]
    if len(lines) > MOST_TEXTS:
        raise BadInput(f"slip_texts has {len(lines)} lines; {MOST_TEXTS} are the most.", field="slip_texts")
    for line in lines:
        typed.check_line("slip_texts", line, LONGEST_TEXT)
    return "\n".join(lines)
