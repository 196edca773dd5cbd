"""How a library's slips look: checked when it is set, and kept by what was promised."""

from io import BytesIO

import pytest
import sqlalchemy as sa
from PIL import Image

from ill_workflow import libraries
from ill_workflow.errors import BadInput
from ill_workflow.libraries import Logo
from ill_workflow.outbox import EffectRow
from ill_workflow.slips import making, settings


def picture(colour: str = "black", kind: str = "PNG") -> bytes:
    file = BytesIO()
    Image.new("RGB", (40, 20), colour).save(file, kind)
    return file.getvalue()


class Library:
    def __init__(self, stage) -> None:
        self.stage = stage

    def sets(self, **given: str) -> None:
        with self.stage.db.writing() as session:
            settings.change(session, libraries.find_library(session, "MAIN"), given)

    def has_the_logo(self, content: bytes | None) -> None:
        with self.stage.db.writing() as session:
            library = libraries.find_library(session, "MAIN")
            settings.set_logo(session, library, content, self.stage.clock.now())

    def in_force(self):
        with self.stage.db.reading() as session:
            return settings.in_force(libraries.find_library(session, "MAIN"))


@pytest.fixture
def library(quick_stage):
    return Library(quick_stage)


@pytest.fixture
def drawn(monkeypatch):
    """What workers were about to draw, in their order."""
    found, draw = [], making.draw

    def remember(contents):
        found.append(contents[0])
        return draw(contents)

    monkeypatch.setattr(making, "draw", remember)
    return found


def test_a_library_says_how_its_slips_look(library, drawn):
    library.sets(routing_paper="a4", duplex="yes", slip_texts="Open 9 to 5\n\n  Thank you \n", per_sheet="4")
    library.has_the_logo(picture())
    library.stage.lends().does("print_slip")
    (content, *_) = drawn
    assert (content.paper, content.duplex, content.texts) == ("a4", True, ("Open 9 to 5", "Thank you"))
    assert content.logo == picture()
    assert library.in_force()["per_sheet"] == 4
    library.sets(routing_paper="", slip_texts="", duplex="no")
    assert (library.in_force()["routing_paper"], library.in_force()["slip_texts"]) == ("letter", "")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"routing_paper": "legal"}, "Choose letter, a4, a5, 4x6, roll80"),
        ({"pull_list_paper": "A4"}, "is no paper"),
        ({"per_sheet": "2"}, "A sheet holds 1, 4, 6"),
        ({"per_sheet": "-4"}, "A sheet holds"),
        ({"duplex": "maybe"}, "yes or no"),
        ({"slip_texts": "\n".join("abcdefg")}, "6 are the most"),
        ({"slip_texts": "x" * 201}, "200 are the most"),
        ({"slip_texts": "a\x07b"}, "control characters"),
        ({"strap_paper": "a4"}, "There is no setting"),
    ],
)
def test_a_wrong_setting_is_refused_by_name_and_changes_nothing(library, given, sentence):
    before = library.in_force()
    with pytest.raises(BadInput, match=sentence) as refusal:
        library.sets(**given)
    assert refusal.value.field == next(iter(given))
    assert library.in_force() == before


@pytest.mark.parametrize("content", [b"", b"no picture", picture()[:40], b"<svg/>", b"\x00" * 600_000])
def test_what_is_no_logo_is_refused(library, content):
    with pytest.raises(BadInput) as refusal:
        library.has_the_logo(content)
    assert refusal.value.field == "logo"


def test_a_second_attempt_draws_what_was_promised_whatever_has_been_set_since(library, drawn):
    stage = library.stage
    library.sets(routing_paper="a5", slip_texts="Spring")
    library.has_the_logo(picture("black"))
    lent = stage.lends()
    lent.does("print_slip")
    (file,) = stage.services.settings.slips.glob(f"{lent.reference}-routing-*.pdf")
    first = file.read_bytes()
    file.unlink()

    library.sets(routing_paper="a4", slip_texts="Summer", duplex="yes")
    library.has_the_logo(picture("white"))
    with stage.db.writing() as session:
        session.execute(sa.update(EffectRow).where(EffectRow.kind == "generate_slip").values(status="ready"))
    stage.work()

    assert file.read_bytes() == first
    assert drawn[-1] == drawn[0]
    lent.does("print_slip")
    assert (drawn[-1].paper, drawn[-1].texts, drawn[-1].logo) == ("a4", ("Summer",), picture("white"))


def test_a_logo_that_was_taken_away_is_on_no_new_slip(library, drawn):
    library.has_the_logo(picture())
    library.has_the_logo(picture())
    library.has_the_logo(None)
    library.stage.lends().does("print_slip")
    assert drawn[0].logo is None
    with library.stage.db.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Logo)) == 1, "what was promised with it has it yet"


def test_what_was_promised_before_there_were_settings_looks_as_it_would_now(library, drawn):
    stage = library.stage
    stage.work, work = (lambda: None), stage.work
    stage.lends().does("print_slip")
    with stage.db.writing() as session:
        for row in session.scalars(sa.select(EffectRow).where(EffectRow.kind.in_(["generate_slip", "email_slip"]))):
            row.payload = {name: value for name, value in row.payload.items() if name != "look"}
            row.payload["request"].pop("piece_count")
    library.sets(routing_paper="a4")
    work()
    assert [content.paper for content in drawn] == ["a4"]
