"""A library's own templates: looked over when they are saved, kept in versions, and never a reason for a lost mail."""

import pytest

from ill_workflow.errors import BadInput, NotFound
from ill_workflow.libraries import find_library
from ill_workflow.mail import own
from ill_workflow.mail.checking import LONGEST_TEMPLATE, check_template, values_for
from ill_workflow.mail.own import LetterTemplate
from ill_workflow.requests.models import MailRow

ANN = "ann@readers.example"


@pytest.fixture
def stage(quick_stage):
    return quick_stage


def saved(stage, name, source, *, language="en", at="MAIN"):
    with stage.db.writing() as session:
        account = stage.account(session, "manager", at)
        library = find_library(session, at)
        return own.save(session, library, name, language, source, account=account, at=stage.clock.now()).version


def refused(name, source, language="en"):
    with pytest.raises(BadInput) as refusal:
        check_template(name, language, source)
    assert refusal.value.field == "template"
    return refusal.value.message


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("S\n\nDear {{ patronname }}", 3, "no value “patronname”. Did you mean patron_name? Known: amount, author,"),
        ("S\n\n{% if level > 7 %}{{ nowhere }}{% endif %}x", 3, "no value “nowhere”"),
        ("S\n\n{{ sentense or 'x' }}", 3, "Did you mean sentence?"),
        ("S\n\n\n{{ title | uper }}", 4, "no filter “uper”. Did you mean upper?"),
        ("S\n\n{{ title is evenn }}", 3, "no test “evenn”. Did you mean even?"),
        ("S\n{% if title %}\nx", 3, "Unexpected end of template"),
        ("S\n\n{{ title", 3, "unexpected end of template"),
        ("S\n\n{% for", 3, "unexpected 'end of template'"),
        ("S\n\n{{ title.__class__ }}", 3, "“title” has no part “__class__”"),
        ("S\n\n{{ ''.__class__.__mro__ }}", 3, "has no part"),
        ("S\n\n{{ notices }}", 3, "no value “notices”"),
        ("S\n\n{% for i in range(10**9) %}x{% endfor %}", 3, "repeats only what is a list: conditions"),
        ("S\n\n{{ 'x' * 1000000000 }}", 3, "can't do this: Mul"),
        ("S\n\n{{ 10 ** 10 ** 10 }}", 3, "can't do this: Pow"),
        ("S\n\n{{ '%0999999999d' % 1 }}", 3, "can't do this: Mod"),
        ("S\n\n{{ 1 / 0 }}", 3, "can't do this: Div"),
        ("S\n\n{{ title.format() }}", 3, "can't do this: Call"),
        ("S\n\n{{ title[99] }}", 3, "can't do this: Getitem"),
        ("S\n\n{% set x = title ~ title %}{{ x }}", 3, "can't do this: Assign"),
        ("S\n\n{% include 'x' %}", 3, "can't do this: Include"),
        ("S\n\n{% macro m() %}{% endmacro %}x", 3, "can't do this: Macro"),
        ("S\n\n{% if due_date < return_by %}x{% endif %}y", 3, "compare with a number"),
        ("S\n\n{% if due_date > 3 %}x{% endif %}y", 3, "fails for some letters"),
        ("S\n\n{{ due_date | length }}", 3, "fails for some letters"),
        ("S\n\n{% if level > 99 %}{{ level | join }}{% endif %}y", 3, "'int' object is not iterable"),
        ("S\n\n{% if level in title %}x{% endif %}y", 3, "fails for some letters"),
        ("S\n\n{{ (title if title else level) | join }}", 3, "'int' object is not iterable"),
        ("S\n\n{{ (title or level) | join }}", 3, "'int' object is not iterable"),
        ("S\n\n{{ title | default(level, true) | join }}", 3, "'int' object is not iterable"),
        ("S\n\n{{ (level if title else due_date) > 1 }}x", 3, "fails for some letters"),
        ("S\n\n{{ " + " ~ ".join(["(title or level)"] * 9) + " }}", 3, "too much to choose from"),
        ("S\n\n{{ title | day }}", 3, "is not a day"),
        ("S\n\n{{ 'x' if level > 1 }}y", 3, "needs its “else”"),
    ],
)  # fmt: skip
def test_what_would_fail_when_it_is_sent_is_refused_with_its_line(source, line, words):
    message = refused("shipped", source)
    assert message.startswith(f"Line {line}: ")
    assert words in message


@pytest.mark.parametrize(
    "source",
    [
        "", "only a subject", "{{ author }}\n\nx", "S\n\n{{ reason }}", "S\n\nx\x00y", "S\n\nx\ud800",
        "S\n\n" + "x" * LONGEST_TEMPLATE,
        "S\n\n" + "{% if level %}" * 500 + "x" + "{% endif %}" * 500, "S\n\n{{ " + "not " * 5000 + "title }}",
        "S\n\n{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    ],
)  # fmt: skip
def test_what_is_no_letter_at_all_is_refused(source):
    assert refused("shipped", source)


def test_loops_that_grow_with_each_other_are_refused():
    inner = "{% for a in notices %}{% for b in notices %}x{% endfor %}{% endfor %}"
    assert "loop inside of a loop" in refused("patron_digest", f"S\n\n{inner}")
    assert "has no part “nothing”" in refused(
        "patron_digest", "S\n\n{% for n in notices %}{{ n.nothing }}{% endfor %}x"
    )


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("shipped", "{{ title | upper }}\n\n{% if author %}{{ author }}{% else %}-{% endif %} {{ sentence }}"),
        (
            "overdue",
            "S {{ level }}\n\n{% if level > 1 and due_date %}{{ due_date | day }}{% endif %}x{{ due_date | day }}",
        ),
        ("patron_digest", "S\n\n{% for n in notices %}{{ loop.index }}/{{ loop.length }} {{ n.subject }}{% endfor %}"),
        ("partner_loaned", "S {{ about }}\n\n{% for label, value in lines %}{{ label }}{{ value }}{% endfor %}."),
        ("alert_overdue", "S\n\n{{ 'late' if occasion == 'overdue' else occasion }} {{ note | default('') }}"),
        ("ready", "S\n\n{% raw %}{{ this is text }}{% endraw %}{# and this is nothing #}"),
    ],
)
def test_what_a_letter_needs_is_allowed(name, source):
    check_template(name, "de", source)


def test_each_letter_says_which_values_it_has():
    assert "notices" in values_for("alert_digest")
    assert "lines" in values_for("partner_loaned")
    assert not {"notices", "lines"} & set(values_for("shipped"))


def test_a_library_writes_in_its_own_words_and_others_in_ours(stage):
    saved(stage, "request_sent", "Asked for {{ title }}\n\nHello {{ patron_name }}!")
    stage.borrows()
    stage.borrows(at="RIV", ask=("MAIN",))
    mine, theirs = stage.mailer.mails_to(ANN)
    assert (mine.subject, mine.text) == ("Asked for Pride and Prejudice", "Hello Ann Reader!\n")
    assert theirs.subject == "We have asked for “Pride and Prejudice”"


def test_an_alert_is_changed_without_changing_the_others(stage):
    saved(stage, "alert_new_request", "Please look: {{ title }}\n\n{{ sentence }}")
    lent = stage.lends()
    lent.does("will_supply")
    stage.waits_until("2026-02-06")
    subjects = stage.mails("ill@main.example")
    assert subjects[0] == "Please look: Pride and Prejudice"
    assert all(subject.startswith(f"{lent.reference}: ") for subject in subjects[1:])
    assert len(subjects) > 1


def test_versions_stay_and_the_latest_is_used(stage):
    assert saved(stage, "shipped", "One\n\nx") == 1
    assert saved(stage, "shipped", "Two\n\nx") == 2
    assert saved(stage, "shipped", "Two\n\nx") == 2, "the same again is no new version"
    assert saved(stage, "shipped", "Eins\n\nx", language="de") == 1, "each language has its own"
    with stage.db.writing() as session:
        library, manager = find_library(session, "MAIN"), stage.account(session, "manager", "MAIN")
        again = own.reset(session, library, "shipped", "en", account=manager, at=stage.clock.now())
        assert (again.version, again.source, again.who) == (3, None, "manager-MAIN")
        with pytest.raises(NotFound):
            own.reset(session, library, "shipped", "en", account=manager, at=stage.clock.now())
        kept = own.versions(session, library.id, "shipped", "en")
        assert [row.source for row in kept] == [None, "Two\n\nx", "One\n\nx"]
        assert [(t.name, t.language) for t in own.own_templates(session, library.id)] == [("shipped", "de")]


def test_what_is_refused_is_not_kept(stage):
    with pytest.raises(BadInput):
        saved(stage, "shipped", "S\n\n{{ nowhere }}")
    with pytest.raises(BadInput, match="no letter"):
        saved(stage, "shiped", "S\n\nx")
    with pytest.raises(BadInput, match="no language"):
        saved(stage, "shipped", "S\n\nx", language="fr")
    with stage.db.reading() as session:
        assert session.query(LetterTemplate).count() == 0


def test_a_template_that_a_later_program_does_not_know_keeps_no_mail_from_leaving(stage):
    saved(stage, "request_sent", "Mine\n\nx")
    with stage.db.writing() as session:
        session.query(LetterTemplate).one().source = "Mine\n\n{{ a_value_of_old }}"
    loan = stage.borrows()
    (mail,) = stage.mailer.mails_to(ANN)
    assert mail.subject == "We have asked for “Pride and Prejudice”"
    with stage.db.reading() as session:
        row = session.query(MailRow).filter(MailRow.request_id == loan.id, MailRow.reader == "patron").one()
        assert row.template_version is None
        assert "Version 1 of the library's own template was not used" in row.remark
        assert "a_value_of_old" in row.remark
        assert "a_value_of_old" in own.trouble_with(session.query(LetterTemplate).one())
