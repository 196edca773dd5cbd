"""What an import promises holds on either database: nothing of a dry run, each line by itself, none twice."""

from __future__ import annotations

import threading

import sqlalchemy as sa

from ill_workflow import accounts
from ill_workflow.lists import partner_list, sheet
from ill_workflow.lists.entries import import_entries
from ill_workflow.lists.requests_in import COLUMNS, RequestImport
from ill_workflow.requests.by import By
from ill_workflow.requests.models import Request

LIST = b"title,patron,partners,year\nEmma,2123,HILL,1816\nDracula,2124,NOPE,1897\n=1+1,2125,HILL;RIV,\n"


def rows(stage):
    names = sa.inspect(stage.db.engine).get_table_names()
    with stage.db.engine.connect() as connection:
        return {n: sorted(map(str, connection.exec_driver_sql(f'SELECT * FROM "{n}"'))) for n in names}


def take(stage, data, **how):
    with stage.db.reading() as session:
        by = By.staff(accounts.find_account(session, "operator-MAIN"))
        place = stage.partner("MAIN", "HILL").library_id
    work = RequestImport(stage.db, stage.clock, place, by, **how)
    return [(o.what, o.name) for o in work.outcomes(sheet.read(data, COLUMNS))]


def test_lines_are_tried_taken_and_known_again(bare_stage):
    before = rows(bare_stage)

    assert take(bare_stage, LIST, dry_run=True, send=True) == [("taken", ""), ("refused", ""), ("taken", "")]
    assert rows(bare_stage) == before
    assert take(bare_stage, LIST, send=True) == [("taken", "XPX-1001"), ("refused", ""), ("taken", "XPX-1002")]
    assert take(bare_stage, LIST) == [("already there", "XPX-1001"), ("refused", ""), ("already there", "XPX-1002")]


def test_a_list_of_partners_is_tried_and_its_bad_lines_left_out(bare_stage):
    library_id = bare_stage.partner("MAIN", "HILL").library_id
    data = b"code,name,hub,terms.loan_days\nNEW,New,LATER,7\nBAD,Bad,NOPE,\nLATER,Later,,\nHILL,,NEW,\n"
    before = rows(bare_stage)

    def run(dry_run):
        read = sheet.read(data, partner_list.COLUMNS)
        found = import_entries(
            bare_stage.db, read, lambda session, values: partner_list.take_partner(session, library_id, values),
            partner_list.COLUMNS, order=partner_list.hubs_first, dry_run=dry_run,
        )  # fmt: skip
        return [o.what for o in found]

    assert run(True) == ["taken", "refused", "taken", "changed"]
    assert rows(bare_stage) == before
    assert run(False) == ["taken", "refused", "taken", "changed"]
    assert run(False) == ["already there", "refused", "already there", "already there"]


def test_two_who_import_the_same_list_at_once_take_each_line_once(bare_stage):
    many = b"title,patron,partners\n" + b"".join(b"Book %d,2123,HILL\n" % n for n in range(12))
    found: list[list[tuple[str, str]]] = []
    both = [threading.Thread(target=lambda: found.append(take(bare_stage, many))) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()

    assert len(found) == 2
    for mine, theirs in zip(*found, strict=True):
        assert {mine[0], theirs[0]} == {"taken", "already there"}
        assert mine[1] == theirs[1]
    with bare_stage.db.reading() as session:
        assert session.scalar(sa.select(sa.func.count(Request.id))) == 12
