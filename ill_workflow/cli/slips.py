"""Commands about slips: what to fetch, printing many at once, printing again, looking at them."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, cast

import sqlalchemy as sa
import typer
from sqlalchemy.orm import Session

from ill_workflow.bootstrap import Services
from ill_workflow.cli import completing
from ill_workflow.cli.output import As, AsJson, At, examples, say, show
from ill_workflow.cli.progress import progress
from ill_workflow.cli.requests import Reference, Side, request_of, who_and_where
from ill_workflow.errors import BadInput, Refused
from ill_workflow.libraries import Library
from ill_workflow.requests.models import Request, Slip, SlipBatch
from ill_workflow.slips import Paper, batches, fetching, printing, render, settings
from ill_workflow.slips.batches import How, Left, Printed
from ill_workflow.slips.contact_sheet import contact_sheet
from ill_workflow.slips.making import contents_of
from ill_workflow.slips.papers import cell_of
from ill_workflow.slips.preview import as_png
from ill_workflow.slips.pull_list import render_pull_list

slip_app = typer.Typer(
    help="Slips: the pull list, printing many at once, printing again, previews.", no_args_is_help=True
)
MOST_DPI = 600

OfLayout = Annotated[
    str | None,
    typer.Option(
        "--layout", metavar="LAYOUT", help="routing, shipping, book_strap or return_slip.",
        autocompletion=completing.layouts,
    ),
]  # fmt: skip
PerSheet = Annotated[
    int | None,
    typer.Option(metavar="NUMBER", help="Slips on one sheet: 1, 4 or 6. Without it: the library's setting per_sheet."),
]
OnPaper = Annotated[
    str | None,
    typer.Option("--paper", metavar="PAPER", help="letter, a4, a5, 4x6 or roll80. Without it: as the library has set."),
]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="The file to write.")]
Location = Annotated[
    str | None, typer.Option(metavar="PLACE", help="Only what stands at locations that begin like this.")
]

PRINT = examples(
    "ill slip print XPX-1001 XPX-1002 --out slips.pdf",
    "ill slip print --all-unprinted --per-sheet 4",
    'ill slip print --new --location "Main stacks"',
)


def register(app: typer.Typer, panel: str) -> None:
    app.add_typer(slip_app, name="slip", rich_help_panel=panel)


@slip_app.command("list")
def list_slips(
    context: typer.Context,
    unprinted: Annotated[bool, typer.Option("--unprinted", help="Only those that nobody has printed yet.")] = False,
    layout: OfLayout = None,
    library: At = None, acts: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """The slips of a library, the latest first (200 at most): which have been printed, when and by whom."""
    _check_layout(layout)
    with context.obj.services().db.reading() as session:
        _, place = who_and_where(session, acts, library)
        if unprinted:
            slips: Sequence[Slip] = batches.unprinted(session, place, layout=layout)[::-1]
        else:
            # What was undone before anybody printed it waits for nobody.
            known = Slip.printed_at.is_not(None) | ~batches.undone()
            mine = sa.select(Slip).where(Slip.library_id == place.id, known).order_by(Slip.id.desc()).limit(200)
            slips = session.scalars(mine.where(Slip.layout == layout) if layout else mine).all()
        references = _by_id(session, Request, {s.request_id for s in slips})
        printers = _by_id(session, SlipBatch, {s.batch_id for s in slips if s.batch_id})
        shown = [
            {
                "reference": references[s.request_id].reference, "layout": s.layout, "promised": _local(place, s.at),
                "printed": _local(place, s.printed_at),
                "by": printers[s.batch_id].who if s.batch_id and s.printed_at else None,
                "batch": s.batch_id if s.printed_at else None,
            }
            for s in slips
        ]  # fmt: skip
    show(shown, as_json=as_json, empty="Every slip has been printed." if unprinted else "No slips yet.")


@slip_app.command("batches")
def list_batches(context: typer.Context, library: At = None, acts: As = None, as_json: AsJson = False) -> None:
    """What was printed together, the latest first; `ill slip reprint` prints one of these once more."""
    with context.obj.services().db.reading() as session:
        _, place = who_and_where(session, acts, library)
        found = batches.printed_batches(session, place, most=100)
        shown = [
            {
                "batch": b.id, "printed": _local(place, b.printed_at), "by": b.who, "slips": number,
                "per sheet": b.per_sheet, "file": b.file,
            }
            for b, number in found
        ]  # fmt: skip
    show(shown, as_json=as_json, empty="Nothing was printed yet.")


@slip_app.command("print", epilog=PRINT)
def print_slips(
    context: typer.Context,
    reference: Annotated[list[str] | None,
        typer.Argument(
            metavar="REFERENCE", help="Requests, such as XPX-1001 XPX-1002.", autocompletion=completing.references
        )] = None,
    all_unprinted: Annotated[
        bool, typer.Option("--all-unprinted", help="All slips that nobody has printed yet.")
    ] = False,
    new: Annotated[
        bool, typer.Option("--new", help="Print Slip for all that is on the pull list, and their slips.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Also what has been printed already.")] = False,
    layout: OfLayout = None,
    location: Location = None,
    per_sheet: PerSheet = None, paper: OnPaper = None, out: Out = None,
    library: At = None, side: Side = None, acts: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Print slips into one PDF, in the order of the shelves, and mark them as printed.

    They are marked only when the file is safely written. Printing changes no request, but with --new.
    """
    if (bool(reference), all_unprinted, new).count(True) != 1:
        raise BadInput("Name requests, or say --all-unprinted, or --new.", field="reference")
    if location and not new:
        raise BadInput("--location goes with --new.", field="location")
    if side and not reference:
        raise BadInput("--side goes with requests that are named; of one kind of slips: --layout", field="side")
    if again and not reference:
        raise BadInput("--again goes with requests that are named; a whole batch: ill slip reprint", field="again")
    if new and layout:
        raise BadInput("--new prints routing slips.", field="layout")
    _check_layout(layout)
    services: Services = context.obj.services()
    db, clock = services.db, services.clock
    with db.reading() as session:
        account, place = who_and_where(session, acts, library)
        how = _how(place, per_sheet, paper)
        things = fetching.to_fetch(session, place, location=location) if new else []
        chosen = printing.all_waiting(session, place, layout) if all_unprinted else printing.Chosen()
        for named in reference or ():
            chosen.add(printing.choose(session, place, request_of(session, place, named, side), layout, again=again))
    with progress() as tick:
        if new:
            printed = printing.print_new(db, clock, account, place, things, out, how, tick)
        else:
            printed = printing.print_chosen(db, clock, account, place, chosen, out, how, tick, again=again)
    _tell(printed, as_json=as_json)
    if len(chosen.waiting) >= batches.MOST:
        print(f"These were the {batches.MOST} oldest. Print again for the next ones.", file=sys.stderr)


@slip_app.command("reprint", epilog=examples("ill slip reprint 12 --out again.pdf"))
def reprint(
    context: typer.Context,
    batch: Annotated[int,
        typer.Argument(
            metavar="NUMBER", help="The number of the batch; `ill slip batches` lists them."
        )],
    per_sheet: PerSheet = None, paper: OnPaper = None, out: Out = None,
    library: At = None, acts: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Print an earlier batch once more: its slips as they are now. Changes nothing."""
    services: Services = context.obj.services()
    with services.db.reading() as session:
        account, place = who_and_where(session, acts, library)
        earlier, wanted = batches.of_batch(session, place, batch)
        how = _how(place, per_sheet if per_sheet is not None else earlier.per_sheet, paper or earlier.paper)
    file = (out or Path(f"slips-{place.code}-batch-{batch}.pdf")).absolute()
    with progress() as tick:
        printed = batches.draw_again(services.db, services.clock, account, wanted, file, how, tick)
    _tell(printed, as_json=as_json)


@slip_app.command("pull-list", epilog=examples("ill slip pull-list --out fetch.pdf --slips slips.pdf"))
def pull_list(
    context: typer.Context,
    location: Location = None,
    slips: Annotated[
        Path | None,
            typer.Option(
                metavar="FILE", help="Take Print Slip on all of them, too, and write their slips into this file."
            )
    ] = None,
    per_sheet: PerSheet = None, paper: OnPaper = None, out: Out = None,
    library: At = None, acts: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """What has to be fetched, as a PDF in the order of the shelves: requests to lend that have no slip yet."""
    services: Services = context.obj.services()
    with services.db.reading() as session:
        account, place = who_and_where(session, acts, library)
        how = _how(place, per_sheet, None)
        sheet = settings.read_paper(paper or place.papers.get(settings.PULL_LIST, settings.DEFAULT_PAPER))
        things = fetching.to_fetch(session, place, location=location)
    file = (out or Path(f"pull-list-{place.code}.pdf")).absolute()
    if slips:
        batches.check_file(slips)
        if slips.resolve() == file.resolve():
            raise BadInput("The slips need another file than the list.", field="slips")
    lines = [thing.line for thing in things]
    if lines:
        now = services.clock.now().astimezone(place.zone)
        by = account.full_name or account.name
        batches.keep_file(file, render_pull_list(place.name, now, by, lines, paper=cast(Paper, sheet)))
    printed = None
    if slips and things:
        with progress() as tick:
            printed = printing.print_new(services.db, services.clock, account, place, things, slips, how, tick)
    where = f" at {location}" if location else ""
    sentence = f"{len(lines)} to fetch{where}: {file}" if lines else f"Nothing has to be fetched{where}."
    if printed:
        sentence += "\n" + _words(printed)
    data = {
        "file": str(file) if lines else None,
        "lines": [{"reference": n.reference, "location": n.location, "call_number": n.call_number} for n in lines],
        "slips": _data(printed) if printed else None,
    }
    say(sentence, data, as_json=as_json)
    _complain(printed.left if printed else [], as_json=as_json)


@slip_app.command("preview", epilog=examples("ill slip preview XPX-1001 --layout book_strap"))
def preview(
    context: typer.Context, reference: Reference,
    layout: OfLayout = None,
    out: Out = None,
    dpi: Annotated[int, typer.Option(metavar="DPI", help="Dots per inch, 30 to 600.")] = 150,
    piece: Annotated[int, typer.Option(metavar="NUMBER", help="Which of several pieces.")] = 1,
    library: At = None, side: Side = None, acts: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """A slip as a picture (PNG), to look at. Changes nothing, and marks nothing as printed."""
    _check_layout(layout)
    if not 30 <= dpi <= MOST_DPI:
        raise BadInput(f"A preview has 30 to {MOST_DPI} dots per inch.", field="dpi")
    services: Services = context.obj.services()
    with services.db.reading() as session:
        account, place = who_and_where(session, acts, library)
        request = request_of(session, place, reference, side)
        chosen = printing.layout_of(request, layout) or printing.LAYOUTS_OF[request.side][0]
        contents = contents_of(session, request, chosen, services.clock, account)
    if not 1 <= piece <= len(contents):
        many = "one slip" if len(contents) == 1 else f"{len(contents)} slips"
        raise BadInput(f"{request.reference} has {many} of this layout.", field="piece")
    file = (out or Path(f"{printing.safe_name(request.reference)}-{chosen}.png")).absolute()
    batches.keep_file(file, as_png(render(contents[piece - 1]), dpi=dpi))
    say(str(file), {"file": str(file), "layout": chosen, "pieces": len(contents)}, as_json=as_json)


@slip_app.command("contact-sheet")
def draw_contact_sheet(out: Out = None, as_json: AsJson = False) -> None:
    """All slips on all papers, small, on one picture (PNG): what can be had, at a glance."""
    file = (out or Path("slips.png")).absolute()
    batches.keep_file(file, contact_sheet())
    say(str(file), {"file": str(file)}, as_json=as_json)


@slip_app.command("settings")
def show_settings(context: typer.Context, library: At = None, acts: As = None, as_json: AsJson = False) -> None:
    """How the slips of a library look now; `ill library change` and `ill library logo` change it."""
    with context.obj.services().db.reading() as session:
        _, place = who_and_where(session, acts, library)
        found = {**settings.in_force(place), "logo": place.logo}
    if as_json:
        say("", found, as_json=True)
        return
    found["logo"] = "yes" if found["logo"] else "none"
    found["duplex"] = "yes" if found["duplex"] else "no"
    found["slip_texts"] = str(found["slip_texts"]).replace("\n", " / ") or "none"
    for name, value in found.items():
        print(f"{name}: {value}")


def _tell(printed: Printed, *, as_json: bool) -> None:
    """What is in the file, and what is not and why; that nothing is in it is a refusal where something was named."""
    if not printed.slips and printed.left:
        raise Refused("\n".join(f"{_of(one)}: {one.why}" for one in printed.left), field="reference")
    if not printed.slips:
        say("Nothing waits to be printed.", _data(printed), as_json=as_json)
        return
    say(_words(printed), _data(printed), as_json=as_json)
    _complain(printed.left, as_json=as_json)


def _words(printed: Printed) -> str:
    if not printed.slips:
        return "No slip was printed."
    count = len(printed.slips)
    which = f" (batch {printed.batch})" if printed.batch else ""
    return f"{count} slip{'' if count == 1 else 's'}{which}: {printed.file}"


def _data(printed: Printed) -> dict[str, Any]:
    return {
        "file": str(printed.file) if printed.file else None,
        "batch": printed.batch,
        "slips": [{"reference": r, "layout": layout, "pieces": pieces} for r, layout, pieces in printed.slips],
        "refused": [{"reference": one.reference, "layout": one.layout, "why": one.why} for one in printed.left],
    }


def _complain(left: Sequence[Left], *, as_json: bool) -> None:
    if not as_json:
        for one in left:
            print(f"{_of(one)}: {one.why}", file=sys.stderr)


def _of(one: Left) -> str:
    return f"{one.reference}, {one.layout.replace('_', ' ')}"


def _how(place: Library, per_sheet: int | None, paper: str | None) -> How:
    """What was said, else what the library has set; several to a sheet, said now, are on a sheet whatever is set."""
    sheets = place.per_sheet if per_sheet is None else settings.read_per_sheet(per_sheet)
    if paper is not None:
        chosen = settings.read_paper(paper)
        how = How(sheets if per_sheet or chosen in batches.SHEETS else 1, chosen)
        cell_of(cast(Paper, chosen), how.per_sheet)  # refused before anything is done
        return how
    return How(sheets, settings.sheet_of(place) if per_sheet and sheets > 1 else None)


def _check_layout(layout: str | None) -> None:
    if layout is not None and layout not in printing.LAYOUTS:
        raise BadInput(f"{layout[:40]!r} is no layout. Choose {', '.join(printing.LAYOUTS)}.", field="layout")


def _by_id(session: Session, table: Any, numbers: set[int]) -> dict[int, Any]:
    return {row.id: row for row in session.scalars(sa.select(table).where(table.id.in_(numbers)))}


def _local(place: Library, at: Any) -> str | None:
    return f"{at.astimezone(place.zone):%Y-%m-%d %H:%M}" if at else None
