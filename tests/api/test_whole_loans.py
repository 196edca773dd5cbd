"""Other systems borrow and lend by REST, as staff do on the pages."""

from ill_workflow import copies

AT = "libraries/MAIN"
BOOK = {"title": "Emma", "author": "Austen, Jane", "isbn": "978-0-14-143951-8"}
READER = {"barcode": "21234000012345", "name": "Ann Reader", "email": "ann@readers.example"}


def act(system, request, trigger, **body):
    return system.does(f"{AT}/requests/{request['number']}/actions/{trigger}", body)


def test_a_discovery_page_borrows_a_book_from_a_branch(quick_stage, catalogue):
    new = {"side": "borrowing", "fields": BOOK, "patron": READER, "partners": ["RIV"]}
    answer = catalogue.post(f"{AT}/requests", new, key="basket 7")
    assert answer.status_code == 201
    made = answer.json()
    assert answer.headers["location"] == made["href"]
    assert (made["side"], made["state"]) == ("borrowing", "created")

    assert act(catalogue, made, "submit")["to_state"] == "request_sent"
    quick_stage.work()
    lent = quick_stage.request("RIV", made["reference"])
    lent.does("ship", condition_checked=True, item_barcode="31234000551187", due_date="2026-03-16")

    shown = catalogue.told(made["href"])
    assert (shown["state_label"], shown["lender_due"], shown["item_barcode"]) == (
        "Shipped", "2026-03-16", "31234000551187",
    )  # fmt: skip
    assert shown["patron"] == READER["barcode"]
    assert READER["email"] not in str(shown)

    looked = catalogue.does(f"{AT}/scans", {"code": made["reference"], "look": True})
    assert (looked["done"], looked["checklist"]["title"]) == (False, "Emma")
    scanned = catalogue.does(f"{AT}/scans", {"code": made["reference"], "checked": True})
    assert (scanned["done"], scanned["outcome"]["to_state"]) == (True, "received")
    history = catalogue.told(f"{made['href']}/history")["items"]
    assert [line["trigger"] for line in history] == ["create", "submit", "partner_shipped", "receive"]
    assert history[-1]["who"] == "Catalogue"
    quick_stage.work()
    mails = catalogue.told(f"{made['href']}/mails")["items"]
    assert (mails[0]["to"], mails[0]["letter"], mails[0]["fate"]) == ("patron", "ready_for_pickup", "sent")
    assert READER["email"] not in str(mails)


def test_a_partners_system_asks_and_gets_an_answer(quick_stage, catalogue):
    new = {"side": "lending", "partner": "HILL", "partner_request_id": "H-9", "fields": BOOK, "note": "Soon, please."}
    made = catalogue.does(f"{AT}/requests", new)
    assert (made["state"], made["side"]) == ("new", "lending")

    refused = catalogue.does(
        f"{made['href']}/actions/reject", {"inputs": {"reason": "NotOnShelf"}, "version": made["version"]}
    )
    assert refused["to_state"] == "rejected"
    quick_stage.work()

    assert [m["what"] for m in catalogue.told(f"{made['href']}/messages")["items"]] == ["Unfilled"]
    assert catalogue.does(f"{made['href']}/notes", {"note": "It is in repair."})["label"] == "Internal Note"


def test_what_is_done_is_taken_back_once(quick_stage, catalogue):
    loan = quick_stage.lends()
    here = f"{AT}/requests/{loan.id}"
    catalogue.does(f"{here}/actions/print_slip", {})
    assert catalogue.told(f"{here}/actions")["undo"]["label"] == "Print Slip"

    first = catalogue.does(f"{here}/undo", key="oops")
    again = catalogue.does(f"{here}/undo", key="oops")

    assert (first["label"], first["to_state"], first["repeated"]) == ("Undo Print Slip", "new", False)
    assert again == {**first, "repeated": True}
    assert loan.state == "new"


def test_money_is_for_managers(quick_stage, catalogue):
    loan = quick_stage.lends()
    here = f"{AT}/requests/{loan.id}"
    catalogue.does(f"{here}/actions/ship", {"inputs": {"condition_checked": True, "item_barcode": "3123"}})
    catalogue.does(f"{here}/actions/mark_lost", {})
    assert catalogue.told(f"{here}/fees")["open"] == [{"currency": "USD", "amount": "105.00"}]

    paid = catalogue.does(f"{here}/actions/record_payment", {"inputs": {"amount": "105.00"}})

    assert paid["label"] == "Record Payment"
    fees = catalogue.told(f"{here}/fees")
    assert fees["open"] == []
    assert [line["sign"] for line in fees["lines"]] == ["charge", "charge", "payment"]


def test_a_slip_is_had_as_a_pdf_once_it_is_drawn(quick_stage, catalogue):
    loan = quick_stage.lends()
    catalogue.does(f"{AT}/requests/{loan.id}/actions/print_slip", {})
    (slip,) = catalogue.told(f"{AT}/requests/{loan.id}/slips")["items"]
    assert not slip["ready"]
    early = catalogue.get(slip["href"])
    assert (early.status_code, early.json()["detail"]) == (409, "The slip is not drawn yet. Ask again in a moment.")

    quick_stage.work()

    pdf = catalogue.get(slip["href"])
    assert (pdf.status_code, pdf.headers["content-type"]) == (200, "application/pdf")
    assert pdf.content.startswith(b"%PDF-")


def test_what_staff_heard_by_phone_is_recorded_as_the_partners_word(quick_stage, catalogue):
    request = quick_stage.borrows(ask=("HILL",))
    here = f"{AT}/requests/{request.id}"
    refused = catalogue.post(f"{here}/actions/partner_will_supply", {})
    assert refused.status_code == 409
    assert "the partner, or staff who say how they were told" in refused.json()["detail"]

    told = catalogue.does(f"{here}/actions/partner_will_supply", {"told_by": "phone"})

    assert told["to_state"] == "will_supply"
    assert catalogue.told(f"{here}/history")["items"][-1]["told_by"] == "phone"


def test_every_action_is_listed_with_its_schema_and_the_reason_why_not(quick_stage, catalogue):
    loan = quick_stage.lends()
    listed = catalogue.told(f"{AT}/requests/{loan.id}/actions")
    found = {action["trigger"]: action for action in listed["items"]}

    assert listed["items"][0]["primary"]
    assert found["ship"]["inputs"]["required"] == ["condition_checked", "item_barcode"]
    assert found["check_in"]["possible"] is False
    assert found["check_in"]["why_not"].startswith("Scan In is possible while it is")
    answer = catalogue.post(found["check_in"]["href"], {})
    assert answer.status_code == 409
    assert found["check_in"]["why_not"] in answer.json()["detail"]


def test_a_copy_is_handed_in_as_a_file_and_delivered(quick_stage, catalogue):
    asked = quick_stage.lends(service="copy")
    scan = b"%PDF-1.7 an article"
    kept = catalogue._send("POST", f"{AT}/copies", content=scan, headers={"Content-Type": "application/pdf"})
    assert kept.status_code == 201

    done = catalogue.does(f"{AT}/requests/{asked.id}/actions/deliver_copy", {"inputs": kept.json()})
    quick_stage.work()

    assert done["to_state"] == "delivered"
    (mail,) = quick_stage.mailer.mails_to("ill@hilltop.example")
    assert scan in [attachment.content for attachment in mail.attachments]
    for content, kind, status in (
        (scan, "text/html", 415), (b"<html>", "application/pdf", 422), (scan, "application/json", 415),
        (scan + b" " * copies.LARGEST, "application/pdf", 413),
    ):  # fmt: skip
        refused = catalogue._send("POST", f"{AT}/copies", content=content, headers={"Content-Type": kind})
        assert refused.status_code == status
        assert refused.headers["content-type"] == "application/problem+json"
