"""The page of a partner that speaks ISO 18626: what was agreed, what is usual, and what both sides show each other."""

import pytest
from lxml import html

from ill_workflow.partner_secrets import ours, secrets_of
from tests.plugins.speaking import opens

ADDRESS = "https://ill.hill.example/iso18626"


@pytest.fixture
def stage(quick_stage):
    return quick_stage


@pytest.fixture
def manager(stage, visiting):
    return visiting(stage)("manager")


@pytest.fixture
def page(stage):
    return f"/l/MAIN/partners/{stage.partner('MAIN', 'HILL').id}"


def saves(visitor, page, **changed):
    form = visitor.tree(page).xpath("//main//form[.//input[@name='mark']]")[0]
    fields = dict(form.form_values())
    fields["working_days"] = [value for name, value in form.form_values() if name == "working_days"]
    given = {name.replace("__", "."): value for name, value in changed.items()}
    return visitor.submit(page, **{n: v for n, v in {**fields, **given}.items() if n != "csrf"})


def errors(answer):
    return {e.get("id").removeprefix("e-") for e in html.fromstring(answer.text).xpath("//p[@class='error'][@id]")}


def test_what_is_usual_follows_the_system_and_what_was_changed_here_is_told(stage, manager, page):
    assert errors(saves(manager, page, transport="iso18626")) == {"wire-address"}
    assert errors(saves(manager, page, wire__address="http://x.example/")) == {"wire-address"}
    assert errors(saves(manager, page, wire__peer_addresses="nowhere")) == {"wire-peer_addresses"}
    saved = saves(
        manager, page, transport="iso18626", wire__address=ADDRESS, wire__vendor="reshare", wire__id_suffix="no"
    )
    assert saved.status_code == 303
    assert stage.partner("MAIN", "HILL").wire == {"address": ADDRESS, "vendor": "reshare", "id_suffix": False}

    said = manager.tree(page).xpath("//details/dl/*")
    rows = {
        dt.text_content(): " ".join(dd.text_content().split()) for dt, dd in zip(said[::2], said[1::2], strict=True)
    }
    assert rows["Write ReShare's marks"].startswith("Yes As usual: It reads conditions")
    assert rows["Adds a suffix to ids"] == "No Agreed here"
    assert rows["System"].startswith("ReShare")
    assert "/iso18626/MAIN" in manager.text(page)

    saves(manager, page, wire__vendor="", wire__id_suffix="")
    assert stage.partner("MAIN", "HILL").wire == {"address": ADDRESS}


def test_a_secret_is_made_up_shown_once_and_replaced_without_a_gap(stage, manager, page):
    stage.changes("MAIN", "HILL", transport="iso18626", wire={"address": ADDRESS, "shows_itself": "token"})
    assert "none is set" in manager.text(page)
    made = manager.submit(f"{page}/secrets", name="token", do="new")
    shown = html.fromstring(made.text).xpath("string(//code[@class='secret'])")
    hill = stage.partner("MAIN", "HILL")
    with stage.db.reading() as session:
        assert opens(session, hill, "token", shown)
    assert "no-store" in made.headers["cache-control"]
    assert shown not in manager.get(page).text
    assert "none is set" not in manager.text(page)

    manager.submit(f"{page}/secrets", name="token", do="new", keep="yes")
    with stage.db.reading() as session:
        assert opens(session, hill, "token", shown)
    assert "The former one still opens" in manager.text(page)
    manager.submit(f"{page}/secrets", name="token", do="end")
    with stage.db.reading() as session:
        assert not opens(session, hill, "token", shown)


def test_what_the_partner_gave_us_is_typed_and_never_shown(stage, manager, page):
    stage.changes("MAIN", "HILL", transport="iso18626", wire={"address": ADDRESS})
    assert manager.submit(f"{page}/secrets", name="our_token", do="set", value="given-to-us").status_code == 303
    hill = stage.partner("MAIN", "HILL")
    with stage.db.reading() as session:
        assert ours(session, hill, "our_token") == "given-to-us"
    assert "given-to-us" not in manager.get(page).text
    for name, do, value in (("our_token", "set", "two words"), ("passport", "new", ""), ("our_code", "new", "")):
        refused = manager.submit(f"{page}/secrets", name=name, do=do, value=value)
        assert refused.status_code == 422
        assert "two words" not in refused.text
    manager.submit(f"{page}/secrets", name="our_token", do="remove")
    with stage.db.reading() as session:
        assert secrets_of(session, hill.id) == frozenset()


def test_operators_look_and_see_no_secrets_and_other_partners_have_none_of_this(stage, visiting, page):
    operator = visiting(stage)("operator")
    assert "ISO 18626" not in operator.text(page)
    stage.changes("MAIN", "HILL", transport="iso18626", wire={"address": ADDRESS})
    assert ADDRESS in operator.text(page)
    assert not operator.tree(page).xpath("//main//form")
    assert operator.submit(f"{page}/secrets", name="token", do="new").status_code == 403
    with stage.db.reading() as session:
        assert secrets_of(session, stage.partner("MAIN", "HILL").id) == frozenset()


def test_a_manager_changes_no_secret_of_another_librarys_partner(stage, visiting):
    theirs = stage.partner("RIV", "HILL")
    manager = visiting(stage)("manager")
    answer = manager.submit(f"/l/MAIN/partners/{theirs.id}/secrets", name="token", do="new")
    assert answer.status_code == 404
    with stage.db.reading() as session:
        assert secrets_of(session, theirs.id) == frozenset()
