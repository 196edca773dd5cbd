"""Print Slip mails the slip to whoever printed it; several at once are one mail."""

from ill_workflow.requests import actions
from ill_workflow.requests.by import By

ANN, MAX = "operator-MAIN@MAIN.example", "manager-MAIN@MAIN.example"


def print_at_once(stage, halves, role="operator"):
    """Printed before any worker looks."""
    with stage.db.writing() as session:
        by = By.staff(stage.account(session, role, "MAIN"))
        for half in halves:
            actions.perform(session, actions.locked(session, half.id), "print_slip", by=by, clock=stage.clock)


def test_one_slip_is_one_mail(stage):
    lent = stage.lends()
    lent.does("print_slip")
    (mail,) = stage.mailer.mails_to(ANN)
    assert mail.subject == f"Slip for {lent.reference}: Pride and Prejudice"
    assert [a.content[:4] for a in mail.attachments] == [b"%PDF"]


def test_several_at_once_are_one_mail_to_each_who_printed(stage):
    mine = [stage.lends(title=f"Volume {n}", isbn="") for n in range(4)]
    others = [stage.lends(title="Emma", isbn="")]
    print_at_once(stage, mine)
    print_at_once(stage, others, role="manager")
    stage.work()

    (mail,) = stage.mailer.mails_to(ANN)
    assert mail.subject == "Slips for 4 requests"
    assert len({a.filename for a in mail.attachments}) == 4
    assert all(f"{half.reference}: Volume {n}" in mail.text for n, half in enumerate(mine))
    assert len(stage.mailer.mails_to(MAX)) == 1
    for half in mine:
        assert half.alerts.count("routing") == 1, "each request says with which mail its slip went"
        assert half.slips == ["routing"]


def test_a_mail_that_is_put_off_takes_all_its_slips_along(stage):
    from ill_workflow.mail.mailer import MailLater
    from ill_workflow.outbox import EffectRow

    mine = [stage.lends(title=f"Volume {n}", isbn="") for n in range(3)]
    stage.mailer.fail_with(MailLater("451 busy"), to=ANN)
    print_at_once(stage, mine)
    stage.work()
    assert stage.mailer.mails_to(ANN) == []
    stage.mailer.recover()
    with stage.db.writing() as session:
        rows = session.query(EffectRow).filter(EffectRow.kind == "email_slip").order_by(EffectRow.id).all()
        assert [row.status for row in rows] == ["ready", "done", "done"], "the first carries the mail for all of them"
        assert rows[0].attempts >= 1, "the jitter may have been short"
        rows[0].available_at = rows[0].created_at
    stage.work()
    assert [mail.subject for mail in stage.mailer.mails_to(ANN)] == ["Slips for 3 requests"]


def test_a_slip_that_cannot_be_drawn_spoils_no_other(bare_stage, monkeypatch):
    from ill_workflow import backlog
    from ill_workflow.outbox import Permanent
    from ill_workflow.slips import making

    stage = bare_stage
    mine = [stage.lends(title=f"Volume {n}", isbn="") for n in range(3)]
    draw = making.draw

    def broken(contents):
        if contents[0].title == "Volume 1":
            raise Permanent("no such font")
        return draw(contents)

    monkeypatch.setattr(making, "draw", broken)
    print_at_once(stage, mine)
    for _ in mine:
        stage.work()
    sent = [a.filename for mail in stage.mailer.mails_to(ANN) for a in mail.attachments]
    assert len(sent) == 2
    with stage.db.reading() as session:
        dead = backlog.needing_attention(session)
        assert {(row.request_id, row.last_error) for row in dead} == {(mine[1].id, "no such font")}
