"""Bad input: each is answered with the field and what to do, and nothing changes."""

import pytest
import sqlalchemy as sa

from ill_workflow import accounts, libraries, partners, patrons
from ill_workflow.db import Base
from ill_workflow.errors import BadInput, IllError, NotFound, Refused
from ill_workflow.requests import actions
from ill_workflow.requests.by import By


@pytest.fixture
def stage(quick_stage):
    return quick_stage


def contents(stage):
    """Everything that stands in the database."""
    with stage.db.reading() as session:
        return {
            table.name: sorted(str(tuple(row)) for row in session.execute(sa.select(table)))
            for table in Base.metadata.sorted_tables
        }


def refused(stage, field, deed, kind=BadInput):
    before = contents(stage)
    with pytest.raises(kind) as refusal:
        deed()
    assert refusal.value.field == field
    assert refusal.value.message.endswith((".", "?")), refusal.value.message
    assert len(refusal.value.message) < 2000
    assert contents(stage) == before
    return refusal.value.message


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"isbn": "9780141439519"}, "isbn", "check digit"),
        ({"issn": "1234-5678"}, "issn", "check digit"),
        ({"title": ""}, "title", "needs a title"),
        ({"title": "   "}, "title", "needs a title"),
        ({"title": "x" * 10_000_000}, "title", "10000000 characters"),
        ({"title": "a\nBcc: b@c.example"}, "title", "control character"),
        ({"title": "half \ud800"}, "title", "control character"),
        ({"title": "nul \x00"}, "title", "control character"),
        ({"title": 7}, "title", "is a text"),
        ({"publisher": "a\r\nb"}, "publisher", "control character"),
        ({"colour": "red"}, "colour", "no field"),
        ({"state": "completed"}, "state", "no field"),
        ({"need_by": "2020-01-01"}, "need_by", "in the past"),
        ({"need_by": "tomorrow"}, "need_by", "2026-03-01"),
        ({"need_by": "2026-02-30"}, "need_by", "is a day"),
    ],
)
def test_fields_of_a_new_request(stage, fields, field, words):
    assert words in refused(stage, field, lambda: stage.borrows(**{"title": "Emma", **fields}, send=False))


def test_an_unknown_partner_a_partner_twice_a_suspended_one(stage):
    assert "Known: HILL, RIV" in refused(stage, "partner", lambda: stage.borrows(ask=("NOPE",)), NotFound)
    assert "twice" in refused(stage, "partner", lambda: stage.borrows(ask=("RIV", "RIV")))
    with stage.db.writing() as session:
        partners.change_partner(session, partners.find_partner(session, 1, "RIV"), status="suspended")
    assert "suspended" in refused(stage, "partner", lambda: stage.borrows(ask=("RIV",)))


@pytest.mark.parametrize(
    ("trigger", "inputs", "field", "words"),
    [
        ("ship", {"item_barcode": "312"}, "condition_checked", "Condition checked"),
        ("ship", {"condition_checked": "no", "item_barcode": "312"}, "condition_checked", "look the item over"),
        ("ship", {"condition_checked": "perhaps", "item_barcode": "312"}, "condition_checked", "yes or no"),
        ("ship", {"condition_checked": True}, "item_barcode", "Item barcode"),
        ("ship", {"condition_checked": True, "item_barcode": "x" * 65}, "item_barcode", "64 are the most"),
        ("ship", {"condition_checked": True, "item_barcode": "1", "colour": "red"}, "colour", "knows no field"),
        ("ship", {"condition_checked": True, "item_barcode": "1", "due_date": "2026-01-01"}, "due_date", "in the past"),
        ("ship", {"condition_checked": True, "item_barcode": "1", "due_date": "1 March"}, "due_date", "2026-03-01"),
        ("ship", {"condition_checked": True, "item_barcode": "1", "tracking": "a\nb"}, "tracking", "control"),
        ("add_condition", {"condition": "x", "cost": "-5"}, "cost", "negative"),
        ("add_condition", {"condition": "x", "cost": "NaN"}, "cost", "negative"),
        ("add_condition", {"condition": "x", "cost": "1.234"}, "cost", "two decimals"),
        ("add_condition", {"condition": "x", "cost": "1e99"}, "cost", "at most"),
        ("add_condition", {"condition": "x", "cost": "twelve"}, "cost", "an amount"),
        ("amend", {"changes": {"isbn": "123"}}, "isbn", "not an ISBN"),
        ("amend", {"changes": "title"}, "changes", "fields with their values"),
        ("amend", {"changes": {"need_by": "2020-01-01"}}, "need_by", "in the past"),
        ("amend", {"changes": {"title": " "}}, "title", "needs a title"),
        ("amend", {"changes": {"call_number": "x" * 201}}, "call_number", "200 are the most"),
        (
            "ship",
            {"condition_checked": True, "item_barcode": "1", "tracking": "x" * 129},
            "tracking",
            "128 are the most",
        ),
        ("ship", {"condition_checked": True, "item_barcode": "1", "carrier": "x" * 65}, "carrier", "64 are the most"),
        ("record_availability", {"reason": "x" * 201}, "reason", "200 are the most"),
        ("record_availability", {"found": True, "location": "x" * 201}, "location", "200 are the most"),
        ("fly", {}, "trigger", "no action 'fly'"),
    ],
)
def test_inputs_of_an_action(stage, trigger, inputs, field, words):
    lent = stage.lends()
    assert words in refused(stage, field, lambda: lent.does(trigger, **inputs))


def test_an_action_that_is_not_possible_now(stage):
    lent = stage.lends()
    words = refused(stage, "trigger", lambda: lent.does("check_in"), Refused)
    assert words.startswith("XPX-1001 is New." if lent.reference == "XPX-1001" else f"{lent.reference} is New.")
    assert "Scan In is possible while it is" in words
    assert "What can be done: Print Slip" in words


def test_a_manager_names_no_day_in_the_past(stage):
    loan = stage.borrows()
    refused(stage, "due_date", lambda: loan.does("partner_shipped", told_by="mail", due_date="2026-01-15"))
    loan.hears("Loaned", due="2026-01-15")
    assert str(loan.lender_due) == "2026-01-15", "what a partner's own message says stands"
    refused(stage, "due_date", lambda: loan.does("change_due_date", by="manager", due_date="2026-01-20"))


def test_a_note_to_a_partner_that_nobody_has_chosen(stage):
    loan = stage.borrows(ask=(), send=False)
    assert "sent to no partner yet" in refused(
        stage, "to_partner", lambda: loan.notes("Hello?", to_partner=True), Refused
    )


def test_told_by_whom_and_with_what_key(stage):
    lent = stage.lends()
    refused(stage, "told_by", lambda: lent.does("partner_received", told_by="pigeon"))
    refused(stage, "key", lambda: lent.does("will_supply", key="k" * 201))
    refused(stage, "key", lambda: lent.does("will_supply", key=""))


def test_codes_that_nothing_has(stage):
    lent = stage.lends()
    assert "has the code" in refused(stage, "code", lambda: lent.scanned("99999"), NotFound)
    refused(stage, "code", lambda: lent.scanned(" "))
    refused(stage, "code", lambda: lent.scanned("x" * 1000))


def test_money_that_is_not_owed(stage):
    lent = stage.lends()
    lent.does("ship", condition_checked=True, item_barcode="312")
    lent.does("mark_lost")
    assert "105.00 USD is open" in refused(
        stage, "amount", lambda: lent.does("record_payment", by="manager", amount="105.01")
    )
    refused(stage, "amount", lambda: lent.does("record_payment", by="manager", amount="0"))
    refused(stage, "amount", lambda: lent.does("waive_fee", by="manager", amount="-1"))


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("terms", {"terms": {"loan_days": -1}}),
        ("terms", {"terms": {"loan_days": "many"}}),
        ("terms", {"terms": {"ladder": [7, 3]}}),
        ("terms", {"terms": {"colour": 1}}),
        ("terms", {"terms": {"completes_itself": "yes"}}),
        ("fees", {"fees": {"replacement": "-1.00"}}),
        ("fees", {"fees": {"replacement": "much"}}),
        ("fees", {"fees": {"tea": "1.00"}}),
        ("delivery_method", {"delivery_method": "pigeon"}),
        ("transport", {"transport": "fax"}),
        ("status", {"status": "asleep"}),
        ("working_days", {"working_days": "0000000"}),
        ("working_days", {"working_days": "weekdays"}),
        ("time_zone", {"time_zone": "Mars/Olympus"}),
        ("email", {"email": "ill@a.example\nBcc: b@c.example"}),
        ("email", {"email": "nobody"}),
        ("delivery_code", {"delivery_code": "x" * 33}),
        ("shipping_address", {"shipping_address": "x" * 1001}),
        ("currency", {"currency": "dollars"}),
    ],
)
def test_partners(stage, field, given):
    def deed():
        with stage.db.writing() as session:
            partners.add_partner(session, 1, code="NEW", name="New", **given)

    refused(stage, field, deed)


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("code", {"code": "A B"}),
        ("code", {"code": "MAIN"}),
        ("name", {"name": " "}),
        ("time_zone", {"time_zone": "Mars/Olympus"}),
        ("time_zone", {"time_zone": "../etc/passwd"}),
        ("prefix", {"prefix": "Ü"}),
        ("name", {"name": "Main\nBcc: x@y.example"}),
        ("name", {"name": "x" * 201}),
        ("email", {"email": "not an address"}),
        ("reply_to", {"reply_to": "a@b\r\nX: y"}),
        ("currency", {"currency": "usd"}),
        ("prefix", {"prefix": "TOOLONGAPREFIX"}),
    ],
)
def test_libraries(stage, field, given):
    def deed():
        with stage.db.writing() as session:
            libraries.add_library(session, **{"code": "N", "name": "N", "time_zone": "UTC", "prefix": "N", **given})

    refused(stage, field, deed)


def test_accounts_patrons_services(stage):
    def new(deed):
        def do():
            with stage.db.writing() as session:
                deed(session)

        return do

    refused(stage, "name", new(lambda s: accounts.add_account(s, "a b")))
    refused(stage, "name", new(lambda s: accounts.add_account(s, "nobody")))
    refused(stage, "role", new(lambda s: accounts.grant(s, accounts.find_account(s, "nobody"), 1, "king")))
    refused(stage, "as", new(lambda s: accounts.find_account(s, "who")), IllError)
    refused(stage, "patron", new(lambda s: patrons.remember_patron(s, 1, " ")))
    refused(stage, "service", lambda: stage.borrows(service="gift"))


def test_notes(stage):
    lent = stage.lends()

    def note(text):
        with stage.db.writing() as session:
            by = By.staff(stage.account(session, "operator", "MAIN"))
            request = actions.locked(session, lent.id)
            actions.annotate(session, request, text, by=by, clock=stage.clock, to_partner=True)
        stage.work()

    refused(stage, "note", lambda: note(""))
    refused(stage, "note", lambda: note("x" * 2001))
    note("Two\nlines.")
    assert lent.said == ["Notification"]
    with stage.db.reading() as session, pytest.raises(NotFound):
        actions.locked(session, 4711)
