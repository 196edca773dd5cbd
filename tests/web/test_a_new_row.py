"""A new row of a table is a button, a form, an action of the programs and a word of the command line, all by itself."""

import json
import sys

import pytest

from ill_workflow import cli
from state_machines.lending import LENDING
from tests.plugins.new_row import NEW_ROW, added
from tests.web.test_one_request import at, fill


@pytest.fixture
def lent(quick_stage):
    with added(LENDING, NEW_ROW):
        yield quick_stage.lends()


@pytest.fixture
def page(quick_stage, visiting):
    return visiting(quick_stage)("operator", "MAIN")


def test_it_is_a_button_where_it_is_possible_and_grey_where_not(lent, page):
    (button,) = page.tree(at(lent)).xpath("//a[normalize-space()='Inspect Binding']")
    assert button.get("href") == f"{at(lent)}/actions/inspect_binding"
    lent.does("reject", reason="NotOnShelf")
    (grey,) = page.tree(at(lent)).xpath("//button[@aria-disabled='true'][normalize-space()='Inspect Binding']")
    (why,) = page.tree(at(lent)).xpath(f"//*[@id='{grey.get('aria-describedby')}']")
    assert why.text_content().startswith("Inspect Binding is possible while it is New, Conditional")


def test_it_is_a_form_with_a_field_for_each_input(lent, page):
    form = page.tree(f"{at(lent)}/actions/inspect_binding")
    assert form.xpath("//input[@name='finding']/@type") == ["text"]
    assert form.xpath("//input[@name='finding']/@maxlength") == ["50"]
    assert form.xpath("//label[@for='in-finding']")[0].text_content() == "Finding required"
    assert form.xpath("//input[@name='looked_on']/@type") == ["date"]
    assert form.xpath("//input[@name='looked_on']/@min") == ["2026-02-02"]
    assert form.xpath("//select[@name='grade']/option/@value") == ["", "good", "worn"]

    wrong = fill(page, lent, "inspect_binding", finding="loose", looked_on="2026-01-01", grade="worn")
    assert (wrong.status_code, 'id="error-looked_on"' in wrong.text, 'value="loose"' in wrong.text) == (422, True, True)

    done = fill(page, lent, "inspect_binding", finding="loose", looked_on="2026-02-03", grade="worn")
    assert done.status_code == 303
    assert lent.history[-1] == "inspect_binding"
    text = page.text(done.headers["location"])
    assert "Inspect Binding. It is New now." in text
    assert "Finding: loose Looked on: Feb 3, 2026 Grade: worn" in text


def test_it_is_a_word_of_the_command_line(lent, quick_stage, monkeypatch, capsys):
    def ill(*words):
        monkeypatch.setattr(sys, "argv", ["ill", *words])
        monkeypatch.setenv("ILL_AS", "operator-MAIN")
        monkeypatch.setenv("ILL_LIBRARY", "MAIN")
        doors = cli.Doors(
            settings=quick_stage.services.settings, services=lambda: quick_stage.services, up=None, demo=None
        )
        with pytest.raises(SystemExit) as ended:
            cli.run(doors)
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    assert "`inspect_binding` (Inspect Binding)" in ill("lifecycles", "lending")[1]
    shown = json.loads(ill("request", "show", lent.reference, "--json")[1])
    (row,) = [row for row in shown["actions"] if row["trigger"] == "inspect_binding"]
    assert [(need["name"], need["required"]) for need in row["needs"]] == [
        ("finding", True), ("looked_on", True), ("grade", False),
    ]  # fmt: skip
    code, _, err = ill("act", lent.reference, "inspect_binding", "finding=loose")
    assert (code, "needs: Looked on" in err) == (2, True) or "needs: Looked on" in err
    code, out, err = ill("act", lent.reference, "inspect_binding", "finding=loose", "looked_on=2026-02-03")
    assert (code, err) == (0, "")
    assert f"{lent.reference}: Inspect Binding. It is New now." in out
