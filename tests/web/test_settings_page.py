"""The settings of a library in the browser: who may, what is kept, and what two managers change at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from lxml import html

from ill_workflow import libraries
from ill_workflow.outbox import EffectRow


@pytest.fixture
def stage(quick_stage):
    return quick_stage


@pytest.fixture
def manager(stage, visiting):
    return visiting(stage)("manager")


def library(stage, code="MAIN"):
    with stage.db.reading() as session:
        return libraries.find_library(session, code)


def typed(page, at="/l/MAIN/settings"):
    """What the form holds as it is shown."""
    return dict(page.tree(at).xpath("//main//form[@method='post']")[0].form_values())


def week(digits="1111100"):
    return [str(n) for n, digit in enumerate(digits) if digit == "1"]


def saves(page, at="/l/MAIN/settings", form=None, **changed):
    """Post the form as it was shown, but for what is changed."""
    values = {"working_days": week(), **(form or typed(page, at)), **changed}
    values["working_days"] = changed.get("working_days", week())
    return page.submit(at, **{k: v for k, v in values.items() if k != "csrf"})


def errors(answer):
    return {
        e.get("id").removeprefix("e-"): e.text_content()
        for e in html.fromstring(answer.text).xpath("//p[@class='error'][@id]")
    }


def test_a_manager_changes_what_was_typed_and_nothing_else(stage, manager):
    before = library(stage)
    answer = saves(
        manager, name="Main Branch", address="1 Elm Street\r\nChicago", transit_after_days="never", reply_to=""
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/l/MAIN/settings?done=saved")
    now = library(stage)
    assert (now.name, now.address, now.transit_after_days) == ("Main Branch", "1 Elm Street\nChicago", None)
    assert (now.email, now.working_days, now.papers) == (before.email, before.working_days, before.papers)
    assert "Saved." in manager.text(answer.headers["location"])


def test_what_is_wrong_is_told_at_its_field_and_what_was_typed_stays(stage, manager):
    answer = saves(manager, name="", claim_days="soon", email="nobody", working_days=[], delivery_code="<b>X")
    assert answer.status_code == 422
    found = errors(answer)
    assert found.keys() == {"name", "claim_days", "email", "working_days"}
    assert found["claim_days"] == "Days to claim damage is a whole number."
    assert 'value="&lt;b&gt;X"' in answer.text
    assert "<b>X" not in answer.text
    assert 'value="soon"' in answer.text
    assert library(stage).name == "Main Library"


@pytest.mark.long
def test_nothing_gets_into_a_header_by_the_address_for_answers(stage, manager):
    smuggled = "a@b.example\r\nBcc: evil@e.example"
    for reply_to in (smuggled, "Evil <a@b.example>", "a@b.example\u2028x", "x" * 300 + "@b.example"):
        answer = saves(manager, reply_to=reply_to)
        assert (answer.status_code, set(errors(answer))) == (422, {"reply_to"})
    assert library(stage).reply_to == ""


@pytest.mark.long
def test_what_two_managers_change_at_once_is_not_written_over_unseen(stage, visiting):
    first, second = visiting(stage)("manager"), visiting(stage)("manager")
    seen = typed(second)
    saves(first, name="Main Branch", claim_days="10")

    answer = saves(second, form=seen, delivery_code="CHI-02")

    assert answer.status_code == 409
    assert "Is now: Main Branch" in answer.text
    assert 'value="CHI-02"' in answer.text
    assert library(stage).delivery_code == "MAIN"
    shown = dict(html.fromstring(answer.text).xpath("//main//form[@method='post']")[0].form_values())
    assert saves(second, form=shown).status_code == 303
    assert (library(stage).name, library(stage).delivery_code) == ("Main Library", "CHI-02"), "knowingly, now"


def test_an_operator_looks_and_changes_nothing(stage, visiting):
    operator = visiting(stage)("operator")
    assert "ill@main.example" in operator.text("/l/MAIN/settings")
    assert not operator.tree("/l/MAIN/settings").xpath("//main//form")
    assert operator.submit("/l/MAIN/settings", name="Mine").status_code == 403
    assert operator.get("/l/RIV/settings").status_code == 403
    assert visiting(stage)("manager", "RIV").submit("/l/MAIN/settings", name="Mine").status_code == 403
    assert library(stage).name == "Main Library"


@pytest.mark.long
def test_what_is_reckoned_in_days_is_reckoned_anew(stage, manager):
    loan = stage.borrows(ask=("HILL",))
    saves(manager, digest_minutes="5")
    saves(manager, transit_after_days="4")
    with stage.db.reading() as session:
        anew = session.query(EffectRow).filter_by(kind="schedule_due_date_check", event_id=None).all()
    assert [work.request_id for work in anew] == [loan.id]


def test_lending_is_suspended_for_a_while_which_ends_by_itself(stage, manager, visiting):
    stage.clock.turn(stage.clock.now())
    saves(manager, lending_suspended_from="2026-02-03", lending_suspended_until="2026-02-05")
    operator = visiting(stage)("operator")
    assert "Lending is suspended" not in operator.text("/l/MAIN/partners")
    assert stage.lends().state == "new"

    stage.waits_until("2026-02-03")
    assert "Lending is suspended until Feb 5, 2026" in operator.text("/l/MAIN/partners")
    refused = stage.lends(partner_id="H-78")
    assert (refused.state, refused.said) == ("rejected", ["Unfilled"])

    stage.waits_until("2026-02-06")
    assert "Lending is suspended" not in operator.text("/l/MAIN/partners")
    assert stage.lends(partner_id="H-79").state == "new"


@pytest.mark.long
def test_a_while_that_is_none_is_refused(stage, manager):
    for given in (
        {"lending_suspended_until": "2026-02-01"},
        {"lending_suspended_until": "tomorrow"},
        {"lending_suspended_from": "2026-03-01"},
        {"lending_suspended_from": "2026-03-02", "lending_suspended_until": "2026-03-01"},
        {"lending_suspended": "yes", "lending_suspended_until": "2026-03-01"},
    ):
        answer = saves(manager, **given)
        assert (answer.status_code, set(errors(answer))) == (422, {"lending_suspended_until"}), given
    assert not library(stage).lends_nothing(stage.clock.now().date())


def test_a_new_setting_is_a_field_of_the_form(stage, manager, monkeypatch):
    from ill_workflow.lists import library_list
    from ill_workflow.lists.sheet import Column
    from ill_workflow.web.console import settings

    column = Column("duplex", "yes where it is so.")
    monkeypatch.setattr(settings, "FORM", settings.EntryForm((column,), {"duplex": library_list.yes_or_no}, {}))
    (field,) = manager.tree("/l/MAIN/settings").xpath("//main//form//select")
    assert (field.get("name"), field.value_options) == ("duplex", ["no", "yes"])


@pytest.mark.long
def test_of_two_who_save_at_once_one_is_told(bare_stage, visiting):
    sit_down = visiting(bare_stage)
    people = [sit_down("manager") for _ in range(4)]
    seen = typed(people[0])
    with ThreadPoolExecutor(4) as pool:
        names = [f"Main {n}" for n in range(4)]
        answers = list(
            pool.map(lambda pair: saves(pair[0], form=seen, name=pair[1]).status_code, zip(people, names, strict=True))
        )
    assert sorted(answers) == [303, 409, 409, 409]
    assert library(bare_stage).name == names[answers.index(303)]
