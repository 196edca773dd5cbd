"""Partners in the browser: found, looked at, added, changed and suspended."""

import pytest
from lxml import html

from ill_workflow import libraries, partners
from ill_workflow.outbox import EffectRow


@pytest.fixture
def stage(quick_stage):
    return quick_stage


@pytest.fixture
def manager(stage, visiting):
    return visiting(stage)("manager")


def number(stage, code="HILL", at="MAIN"):
    return stage.partner(at, code).id


def shown(page, address):
    """What the form holds as it is shown."""
    form = page.tree(address).xpath("//main//form[.//input[@name='mark']]")[0]
    fields = dict(form.form_values())
    fields["working_days"] = [v for k, v in form.form_values() if k == "working_days"]
    return fields


def saves(page, address, form=None, **changed):
    """Post the form as it was shown, but for what is changed; dots are written as two underscores."""
    given = {name.replace("__", "."): value for name, value in changed.items()}
    fields = {**(form or shown(page, address)), **given}
    return page.submit(address, **{name: value for name, value in fields.items() if name != "csrf"})


def errors(answer):
    return {
        e.get("id").removeprefix("e-"): e.text_content()
        for e in html.fromstring(answer.text).xpath("//p[@class='error'][@id]")
    }


def test_all_that_was_agreed_is_changed_field_by_field(stage, manager):
    address = f"/l/MAIN/partners/{number(stage)}"
    answer = saves(
        manager, address, shipping_address="1 Hill\r\nTown", hub="RIV", terms__loan_days="21", terms__ladder="3 9",
        terms__lost_after_days="never", terms__renews_by_itself="ask", fees__replacement="75", working_days=["0", "1"],
    )  # fmt: skip
    assert answer.status_code == 303, answer.text
    hill = stage.partner("MAIN", "HILL")
    assert hill.terms == {"loan_days": 21, "ladder": [3, 9], "lost_after_days": None, "renews_by_itself": None}
    assert (hill.shipping_address, hill.hub_id) == ("1 Hill\nTown", number(stage, "RIV"))
    assert (hill.fees, hill.working_days, hill.email) == ({"replacement": "75.00"}, "1100000", "ill@hilltop.example")

    saves(manager, address, terms__loan_days="", terms__renews_by_itself="", hub="", fees__replacement="")
    hill = stage.partner("MAIN", "HILL")
    assert (hill.terms, hill.hub_id, hill.fees) == ({"ladder": [3, 9], "lost_after_days": None}, None, {})
    assert "As usual: 28" in manager.text(address)


def test_what_is_wrong_stands_at_its_field(stage, manager):
    address = f"/l/MAIN/partners/{number(stage)}"
    answer = saves(
        manager, address, name="", email="x", terms__loan_days="many", fees__damage="-1", time_zone="Mars/Base",
        billing_address="<script>alert(1)</script>",
    )  # fmt: skip
    assert answer.status_code == 422
    assert errors(answer).keys() == {"name", "email", "terms-loan_days", "fees-damage", "time_zone"}
    assert "<script>alert" not in answer.text
    assert stage.partner("MAIN", "HILL").billing_address == ""
    nested = saves(manager, address, hub="HILL")
    assert (nested.status_code, errors(nested)) == (422, {"hub": "A partner is no hub of itself."})
    local = saves(manager, address, transport="local")
    assert set(errors(local)) == {"library_of_ours"}


@pytest.mark.long
def test_new_terms_are_reckoned_for_what_is_under_way_and_the_page_says_what_that_is(stage, manager):
    loan = stage.borrows(ask=("HILL",))
    stage.lends()
    address = f"/l/MAIN/partners/{number(stage)}"
    page = manager.text(address)
    assert "We borrow from it 1 request under way Request Sent 1" in page
    assert "We lend to it 1 request under way New 1" in page
    links = manager.tree(address).xpath("//a[contains(@href, 'partner=HILL')]/@href")
    assert links == [
        "/l/MAIN/lending?partner=HILL", "/l/MAIN/lending?partner=HILL&status=new",
        "/l/MAIN/borrowing?partner=HILL", "/l/MAIN/borrowing?partner=HILL&status=request_sent",
    ]  # fmt: skip
    saves(manager, address, terms__respond_days="10")
    with stage.db.reading() as session:
        anew = session.query(EffectRow).filter_by(kind="schedule_due_date_check", event_id=None).all()
    assert loan.id in [work.request_id for work in anew]


@pytest.mark.long
def test_a_partner_is_added_suspended_resumed_and_only_a_mistake_is_removed(stage, manager):
    assert saves(manager, "/l/MAIN/partners/new", code="HILL", name="Twin").status_code == 422
    bad = saves(manager, "/l/MAIN/partners/new", code="new one", name="x")
    assert (bad.status_code, set(errors(bad))) == (422, {"code"})
    assert set(errors(saves(manager, "/l/MAIN/partners/new", code="", name="x"))) == {"code"}
    added = saves(manager, "/l/MAIN/partners/new", code="../../A&B", name="<i>Lake</i>", email="ill@lake.example")
    assert added.status_code == 303, errors(added)
    address = added.headers["location"].split("?")[0]
    assert "<i>" not in manager.get(address).text
    assert manager.tree(address).xpath("//a[contains(@href, 'partner=')]/@href")[0] == (
        "/l/MAIN/lending?partner=../../A%26B"
    )

    manager.submit(f"{address}/status", status="suspended")
    assert stage.partner("MAIN", "../../A&B").status == "suspended"
    assert manager.submit(f"{address}/status", status="deleted").status_code == 422
    manager.submit(f"{address}/status", status="active")
    assert stage.partner("MAIN", "../../A&B").status == "active"

    stage.lends()
    refused = manager.submit(f"/l/MAIN/partners/{number(stage)}/remove")
    assert refused.status_code == 409
    assert "Suspend it instead" in refused.text
    assert manager.submit(f"{address}/remove").status_code == 303
    assert manager.get(address).status_code == 404


@pytest.mark.long
def test_many_partners_are_found_page_by_page(stage, manager):
    with stage.db.writing() as session:
        main = libraries.find_library(session, "MAIN")
        for n in range(120):
            partners.add_partner(session, main.id, code=f"P{n:03}", name=f"Place {n}", delivery_code=f"D-{n}")
    seen, address = [], "/l/MAIN/partners?q=place"
    while address:
        page = manager.tree(address)
        seen += page.xpath("//tbody//th/a/text()")
        more = page.xpath("//a[text()='Next page']/@href")
        address = f"/l/MAIN/partners{more[0]}" if more else ""
    assert seen == [f"P{n:03}" for n in range(120)]
    assert manager.tree("/l/MAIN/partners?q=d-77").xpath("//tbody//th/a/text()") == ["P077"]
    assert "No partner fits." in manager.text("/l/MAIN/partners?q=%25_%27%22")
    assert manager.get("/l/MAIN/partners?hub=99999999999999999999&after=%00&status=x").status_code == 200


@pytest.mark.long
def test_an_operator_looks_and_another_library_sees_nothing(stage, visiting, manager):
    operator, other = visiting(stage)("operator"), visiting(stage)("manager", "RIV")
    mine = f"/l/MAIN/partners/{number(stage)}"
    assert "9 Hill Road" in operator.text(mine)
    assert not operator.tree(mine).xpath("//main//form")
    assert operator.get("/l/MAIN/partners/new").status_code == 403
    for address in (mine, f"{mine}/status", f"{mine}/remove", "/l/MAIN/partners/new"):
        assert operator.submit(address, name="x").status_code == 403
        assert other.submit(address.replace("/l/MAIN", "/l/RIV"), name="x").status_code in (404, 422)
    assert other.get(mine.replace("/l/MAIN", "/l/RIV")).status_code == 404
    assert manager.get("/l/MAIN/partners/99999999999999").status_code == 404


def test_two_managers_do_not_write_over_each_other_unseen(stage, manager, visiting):
    second = visiting(stage)("manager")
    address = f"/l/MAIN/partners/{number(stage)}"
    seen = shown(second, address)
    saves(manager, address, terms__loan_days="14")
    answer = saves(second, address, form=seen, terms__renewals="2")
    assert answer.status_code == 409
    assert "Is now: 14" in answer.text
    assert stage.partner("MAIN", "HILL").terms == {"loan_days": 14}


@pytest.mark.long
def test_the_label_is_a_picture(stage, visiting):
    answer = visiting(stage)("operator").get(f"/l/MAIN/partners/{number(stage)}/label.png")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert answer.content.startswith(b"\x89PNG")
