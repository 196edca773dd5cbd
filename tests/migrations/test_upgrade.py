"""An installation that is in use is brought up to date, with everything in it."""

import sqlalchemy as sa
from alembic import command

from ill_workflow.db import make_engine
from ill_workflow.migrations import _config, is_current, migrate

AT = "2026-02-02 09:00:00.000000"
OLD = (
    "INSERT INTO library (id, code, name, time_zone, prefix, next_number, address, delivery_code, email, reply_to, "
    "currency, working_days, lending_suspended, claim_days) VALUES "
    "(1, 'MAIN', 'Main', 'UTC', 'XPX', 1002, '', '', '', '', 'USD', '1111100', false, 30)",
    "INSERT INTO partner (id, library_id, code, name, email, shipping_address, billing_address, return_address, "
    "delivery_code, delivery_method, working_days, terms, fees, currency, transport, status) VALUES "
    "(1, 1, 'HILL', 'Hilltop', '', '', '', '', '', 'courier', '1111100', '{}', '{}', 'USD', 'email', 'active')",
    "INSERT INTO request (id, library_id, side, reference, version, created_at, partner_id, service, title, author, "
    "isbn, issn, publisher, year, volume, pages, article_title, partner_note, patron_note, internal_note, state, "
    "state_since, on_paper, due_assumed, notice_level, renewals, renewal_asked, ends_unfilled, kept_recall, "
    "kept_overdue, rota_position, attempt, conditions, completed_by_us, loan_seen) VALUES "
    f"(1, 1, 'lending', 'XPX-1001', 1, '{AT}', 1, 'loan', 'Emma', '', '', '', '', '', '', '', '', '', '', '', 'new', "
    f"'{AT}', false, false, 0, 0, false, false, false, false, 0, 0, '[]', false, false)",
    'INSERT INTO event (id, request_id, version, "trigger", label, source, dest, "row", actor, who, inputs, before, '
    f"at) VALUES (1, 1, 1, 'create', 'Request Received', '', 'new', -1, 'staff', 'Ann', '{{}}', '{{}}', '{AT}')",
    "INSERT INTO effect (id, kind, argument, library_id, request_id, event_id, payload, dedupe_key, status, attempts, "
    f"available_at, created_at) VALUES (1, 'alert_staff', 'x', 1, 1, 1, '{{}}', 'e1:0', 'ready', 0, '{AT}', '{AT}')",
    f"INSERT INTO slip (id, library_id, request_id, event_id, layout, file, effect_id, at) "
    f"VALUES (1, 1, 1, 1, 'routing', 'x.pdf', 1, '{AT}')",
    "INSERT INTO notice (id, library_id, request_id, \"to\", address, occasion, subject, message_id, effect_id, at) "
    f"VALUES (1, 1, 1, 'staff', '', 'x', 'x', '', 1, '{AT}')",
    # Two slips that went in one mail, a letter to a patron, and a message to a partner.
    "INSERT INTO effect (id, kind, argument, library_id, request_id, event_id, payload, dedupe_key, status, attempts, "
    f"available_at, created_at) VALUES (2, 'email_slip', 'routing', 1, 1, 1, '{{}}', 'a', 'done', 1, '{AT}', '{AT}'), "
    f"(3, 'email_slip', 'routing', 1, 1, 1, '{{}}', 'b', 'done', 1, '{AT}', '{AT}'), "
    f"(4, 'notify_patron', 'ready', 1, 1, 1, '{{}}', 'c', 'done', 1, '{AT}', '{AT}'), "
    f"(5, 'send_message', 'Loaned', 1, 1, 1, '{{}}', 'd', 'done', 1, '{AT}', '{AT}')",
    "INSERT INTO notice (id, library_id, request_id, \"to\", address, occasion, subject, message_id, effect_id, at) "
    f"VALUES (2, 1, 1, 'staff', 'a@m.example', 'routing', 'Slips', '<2@x>', 2, '{AT}'), "
    f"(3, 1, 1, 'staff', 'a@m.example', 'routing', 'Slips', '<2@x>', 3, '{AT}'), "
    f"(4, 1, 1, 'patron', 'p@r.example', 'ready', 'Ready', '<4@x>', 4, '{AT}')",
    "INSERT INTO message (id, library_id, request_id, partner_id, incoming, identity, kind, transport, content, "
    f"outcome, effect_id, at) VALUES (1, 1, 1, 1, false, 'e5', 'Loaned', 'email', '{{}}', 'mail <5@x>', 5, '{AT}')",
)  # fmt: skip
#: Whom each mail is for, under which Message-ID, what became of it, and the notices that it tells.
MAILS = [
    ("partner", "<5@x>", "sent", 0), ("patron", "<4@x>", "sent", 1), ("slip", "<2@x>", "sent", 2),
    ("staff", "", "no_address", 1),
]  # fmt: skip


def test_a_database_in_use_keeps_what_is_in_it(tmp_path, request):
    for url in (f"sqlite:///{tmp_path / 'old.db'}", request.getfixturevalue("fresh_postgresql_url")):
        engine = make_engine(url)
        with engine.connect() as connection:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "0001")
            for statement in OLD:
                connection.execute(sa.text(statement.replace(":", "\\:")))
            connection.commit()

        migrate(url)

        assert is_current(engine)
        with engine.connect() as connection:
            assert connection.scalar(sa.text("SELECT status FROM effect WHERE id = 1")) == "ready"
            assert connection.scalar(sa.text("SELECT title FROM request")) == "Emma"
            assert connection.scalar(sa.text("SELECT count(*) FROM slip")) == 1
            assert connection.scalar(sa.text("SELECT printed_at = at FROM slip")), "the first batch leaves it alone"
            assert connection.execute(sa.text("SELECT per_sheet, duplex, slip_texts, logo FROM library")).one() == (
                1, False, "", None,
            )  # fmt: skip
            assert connection.scalar(sa.text("SELECT identity FROM installation"))
            told = "(SELECT count(*) FROM notice WHERE mail_id = mail.id)"
            mails = connection.execute(sa.text(f"SELECT reader, message_id, fate, {told} FROM mail ORDER BY 1"))
            assert [tuple(row) for row in mails] == MAILS
            assert connection.scalar(sa.text("SELECT language FROM library")) == "en"
            words = connection.scalars(sa.text("SELECT word FROM request_word ORDER BY word")).all()
            assert words == ["1001", "emma", "hill", "hilltop", "xpx", "xpx1001"], "what is there already is found"
            keys = connection.execute(sa.text("SELECT title_key, partner_key, CAST(due_key AS TEXT) FROM request"))
            assert tuple(keys.one()) == ("emma", "hilltop", "9999-12-31")
            if engine.dialect.name == "sqlite":
                assert connection.exec_driver_sql("PRAGMA foreign_key_check").first() is None
                assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        engine.dispose()


def test_an_installation_with_four_times_the_mails_takes_no_more_than_the_work_for_them(tmp_path):
    few, many = work_of_keeping(tmp_path, 1000), work_of_keeping(tmp_path, 4000)
    assert many < 6 * few


def work_of_keeping(tmp_path, notices):
    """How much SQLite works, by its own count, to give each of so many notices its mail."""
    engine, steps = make_engine(f"sqlite:///{tmp_path / f'{notices}.db'}", foreign_keys=False), 0

    def count():
        nonlocal steps
        steps += 1

    with engine.connect() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        told = 'INSERT INTO notice (id, library_id, request_id, "to", address, occasion, subject, message_id, effect_id'
        rows = [
            {"id": n, "mail": f"<{n}@x>" if n % 10 else "", "effect": n if n % 3 else None} for n in range(1, notices)
        ]
        values = "VALUES (:id, 1, :id, 'patron', 'a', 'ready', 'Ready', :mail, :effect, '2026-02-02 09:00:00.000000')"
        connection.execute(sa.text(f"{told}, at) {values}"), rows)
        connection.commit()
        connection.connection.driver_connection.set_progress_handler(count, 1000)
        command.upgrade(config, "0004")
        connection.connection.driver_connection.set_progress_handler(None, 0)
        connection.commit()
        left = connection.scalar(sa.text("SELECT count(*) FROM notice WHERE mail_id IS NULL"))
        kept = connection.scalars(sa.text("SELECT n.id FROM mail m JOIN notice n ON n.mail_id = m.id ORDER BY m.id"))
        assert list(kept) == list(range(1, notices)), "in the order in which they were written"
    assert left == 0
    return steps
