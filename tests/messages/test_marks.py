"""Notes with marks, and item ids in all the forms in which systems write them."""

import pytest

from ill_workflow.messages.addresses import split
from ill_workflow.messages.item_ids import read_item_id
from ill_workflow.messages.marks import LOOKED_AT, Note, Piece, multiple_items, read_note, return_to


@pytest.mark.parametrize(
    ("note", "meant"),
    [
        ("Handle with care.#seq:12#", Note("Handle with care.")),
        ("#lastSeq:3##seq:4#", Note("")),
        ("#ReShareAddLoanCondition# Reading room only #seq:2#", Note("Reading room only", ("conditionAdded",))),
        ("#ReShareLoanConditionAgreeResponse#", Note("", ("conditionAccepted",))),
        ("#ReShareSupplierAwaitingConditionConfirmation#", Note("", ("conditionAwaited",))),
        ("#ReShareSupplierConditionsAssumedAgreed#", Note("", ("conditionsAgreed",))),
        ("#ReShareUpdatedField-volume# 3", Note("volume: 3", changed=("volume",))),
        ("#ReShareSomethingNew# Hello", Note("Hello")),
        ("#RETURN_TO#\nBranch B\n2 River Road\n#RT_END# Thanks", Note("Thanks", return_to="Branch B\n2 River Road")),
        (
            "#MultipleItems#\n311|PR 1|Vol. 1\n312|PR 2\n\n#MultipleItemsEnd#",
            Note("", pieces=(Piece("311", "PR 1", "Vol. 1"), Piece("312", "PR 2"))),
        ),
        (
            "Enjoy\nItems: #ill:items#\n311\n3,1#2\n#ill:itemsEnd#\nLoan conditions: #ill:conditions#\nA, b\n"
            "#ill:conditionsEnd#",
            Note("Enjoy", pieces=(Piece("311"), Piece("3,1#2")), conditions=("A, b",)),
        ),
        ("Items: #ill:items#\nnever ended", Note("Items:\nnever ended")),
        ("Supplier: DE-6", Note("Supplier: DE-6", supplier="DE-6")),
        ("#RETURN_TO#\nnever ended", Note("never ended")),
        ("Shelf #3#, and #RENEW# as well", Note("Shelf #3#, and #RENEW# as well")),
        ("#ill:lost# The item is lost.", Note("The item is lost.", ("lost",))),
        ("First line\nSecond  line", Note("First line\nSecond line")),
    ],
)  # fmt: skip
def test_marks_are_told_from_what_people_write(note, meant):
    assert read_note(note) == meant


@pytest.mark.parametrize("endless", ["#RETURN_TO#", "#MultipleItems#", "\n", "Supplier: "])
def test_a_note_without_end_is_read_as_far_as_anybody_would(endless):
    note = read_note("#ill:lost#" + endless * 90_000)

    assert (note.words, len(note.text) <= LOOKED_AT) == (("lost",), True)


def test_what_we_write_for_reshare_is_read_as_it_was_meant():
    pieces = (Piece("311", "PR|1", "One"), Piece("312", "PR2", "Two #RT_END#"))
    note = "\n".join(("Hello", multiple_items(pieces), return_to(("Main", "1 #RT_END# Street"))))
    read = read_note(note)
    assert [piece.barcode for piece in read.pieces] == ["311", "312"]
    assert read.pieces[0].call_number == "PR 1"
    assert (read.text, read.return_to.splitlines()[0]) == ("Hello", "Main")
    assert "RT_END" in read.return_to, "what people write ends no mark"
    assert multiple_items(pieces[:1]) == return_to(()) == ""


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("31234000551187", Piece("31234000551187")),
        ("Vol. 2##PR 4034##312", Piece("312", "PR 4034", "Vol. 2")),
        ("Vol. 2##312", Piece("312", "", "Vol. 2")),
        ("Vol. 2##PR 4034##", Piece("", "PR 4034", "Vol. 2")),
        ("312,PR 4034,Emma, a novel", Piece("312", "PR 4034", "Emma, a novel")),
        ("multivol:Vol. 2,PR 4034,312", Piece("312", "PR 4034", "Vol. 2")),
        ("multivol:Vol. 2,312", Piece("312", "", "Vol. 2")),
        ("multivol:Vol. 2##PR##312", Piece("312", "PR", "Vol. 2")),
        ("multivol:312", Piece("312")),
        ("", Piece("")),
        ("A title, and no barcode", Piece("A title, and no barcode")),
    ],
)
def test_item_ids_are_read_in_every_form(text, meant):
    assert read_item_id(text) == meant


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("400 State Street\nChicago, IL 60605", ("400 State Street", "", "Chicago", "IL", "60605", "")),
        ("Loans\n4 State\nChicago, IL 60605-1234\nUSA", ("Loans", "4 State", "Chicago", "IL", "60605-1234", "USA")),
        ("Jungiusstr. 6\nD-20355 Hamburg\nGermany", ("Jungiusstr. 6", "", "Hamburg", "", "D-20355", "Germany")),
        ("Malet Street\nLondon WC1E 7HU", ("Malet Street", "", "London", "", "WC1E 7HU", "")),
        ("3459 McTavish\nMontreal, QC H3A 0C9\nCanada", ("3459 McTavish", "", "Montreal", "QC", "H3A 0C9", "Canada")),
        ("1 Hill\nBehind the church", ("1 Hill", "Behind the church", "", "", "", "")),
        ("The Inn", ("The Inn", "", "", "", "", "")),
    ],
)  # fmt: skip
def test_an_address_is_split_where_its_parts_are_known(text, parts):
    found = split(text)
    told = (found.line1, found.line2, found.locality, found.region, found.postalCode, found.country)
    assert told == parts
    assert split(" \n ") is None
