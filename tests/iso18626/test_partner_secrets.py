"""What shows a partner to us, and us to it."""

import pytest
import sqlalchemy as sa

from ill_workflow.errors import BadInput
from ill_workflow.partner_secrets import (
    end_former,
    new_secret,
    ours,
    remove_secret,
    secrets_of,
    set_secret,
)
from ill_workflow.partners import add_partner, find_partner, remove_partner
from ill_workflow.wire_settings import PartnerSecret
from tests.plugins.speaking import agree, opens


@pytest.fixture
def hill(quick_stage):
    agree(quick_stage)
    return quick_stage.partner("MAIN", "HILL")


def test_where_nothing_was_set_nothing_is_right(quick_stage, hill):
    with quick_stage.db.reading() as session:
        assert not opens(session, hill, "code", "")
        assert not opens(session, hill, "token", "anything")
        assert ours(session, hill, "our_code") is None


@pytest.mark.parametrize("name", ["code", "token"])
def test_what_was_made_up_for_a_partner_opens_and_nobody_can_read_it_again(quick_stage, hill, name):
    with quick_stage.db.writing() as session:
        shown = new_secret(session, hill, name)
    with quick_stage.db.reading() as session:
        assert opens(session, hill, name, shown)
        assert not opens(session, hill, name, shown[:-1])
        assert not opens(session, hill, {"code": "token", "token": "code"}[name], shown)
        assert not opens(session, quick_stage.partner("RIV", "HILL"), name, shown)
        kept = session.scalars(sa.select(PartnerSecret.value)).one()
        assert shown not in kept
        assert not opens(session, hill, name, kept)


def test_the_former_one_ends_at_once_or_when_somebody_says_so(quick_stage, hill):
    with quick_stage.db.writing() as session:
        first = new_secret(session, hill, "token")
        second = new_secret(session, hill, "token", keep_former=True)
        assert opens(session, hill, "token", first)
        assert opens(session, hill, "token", second)
        assert secrets_of(session, hill.id) == {"token", "token_before"}
        end_former(session, hill, "token")
        assert not opens(session, hill, "token", first)
        assert opens(session, hill, "token", second)
        third = new_secret(session, hill, "token")
        assert not opens(session, hill, "token", second)
        assert opens(session, hill, "token", third)


def test_a_removed_one_opens_nothing_and_takes_the_former_one_along(quick_stage, hill):
    with quick_stage.db.writing() as session:
        first = new_secret(session, hill, "code")
        second = new_secret(session, hill, "code", keep_former=True)
        remove_secret(session, hill, "code")
    with quick_stage.db.reading() as session:
        assert not opens(session, hill, "code", first)
        assert not opens(session, hill, "code", second)
        assert secrets_of(session, hill.id) == frozenset()


def test_what_we_show_a_partner_is_sent_as_it_was_typed(quick_stage, hill):
    with quick_stage.db.writing() as session:
        set_secret(session, hill, "our_code", "Ää & <geheim>")
        set_secret(session, hill, "our_token", "abc.DEF-1234==")
    with quick_stage.db.reading() as session:
        assert ours(session, hill, "our_code") == "Ää & <geheim>"
        assert ours(session, hill, "our_token") == "abc.DEF-1234=="
        assert ours(session, hill, "code") is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("code", "short"),
        ("our_code", "x" * 501),
        ("our_token", "two words here"),
        ("our_token", "break\r\nX-Header: 1"),
        ("code", "line\nbreak123"),
        ("our_code", " blank-before"),
    ],
)
def test_what_is_refused_is_not_repeated(quick_stage, hill, name, value):
    with quick_stage.db.writing() as session, pytest.raises(BadInput) as wrong:
        set_secret(session, hill, name, value)
    assert wrong.value.field == name
    assert value.strip() not in wrong.value.message


def test_we_make_up_nothing_that_only_the_partner_can_give(quick_stage, hill):
    with quick_stage.db.writing() as session, pytest.raises(BadInput, match="made up by the partner"):
        new_secret(session, hill, "our_token")


def test_a_secret_is_in_no_repr(quick_stage, hill):
    with quick_stage.db.writing() as session:
        set_secret(session, hill, "our_code", "top-secret-code")
        row = session.scalars(sa.select(PartnerSecret)).one()
        assert "top-secret-code" not in repr(row)


def test_a_partner_added_by_mistake_takes_its_secrets_along(quick_stage, hill):
    with quick_stage.db.writing() as session:
        add_partner(session, hill.library_id, code="OOPS", name="Oops")
        oops = find_partner(session, hill.library_id, "OOPS")
        new_secret(session, oops, "token")
        remove_partner(session, oops)
        assert session.scalars(sa.select(PartnerSecret)).all() == []
