"""Another system gets a token: shown once, kept as a hash, good for so much and so long, and called back."""

from datetime import timedelta

import pytest

from ill_workflow import accounts, libraries, tokens
from ill_workflow.clock import machine_now
from ill_workflow.errors import BadInput, NotFound
from ill_workflow.tokens import Scope


@pytest.fixture
def system(quick_stage):
    with quick_stage.db.writing() as session:
        account = accounts.add_account(session, "catalogue", system=True)
        accounts.grant(session, account, libraries.find_library(session, "MAIN").id, "operator")
    return account


def added(stage, account, name="discovery", **more):
    with stage.db.writing() as session:
        return tokens.add_token(session, account, name, **more)


def opens(stage, shown):
    with stage.db.reading() as session:
        return tokens.find_token(session, shown) is not None


def test_a_token_is_long_recognisable_and_nowhere_in_the_database(quick_stage, system):
    token, shown = added(quick_stage, system)

    assert shown.startswith("ill_")
    assert len(bytes.fromhex(shown.removeprefix("ill_"))) * 8 == 256
    assert opens(quick_stage, shown)
    with quick_stage.db.engine.connect() as connection:
        kept = str(connection.exec_driver_sql("SELECT * FROM token").all())
    assert shown not in kept
    assert shown[4:][:12] not in kept
    assert token.begins == shown[:10]


@pytest.mark.parametrize("wrong", ["", "ill_", "ill_" + "0" * 64, "x" * 64, "ill_" + "ä" * 10, "ill_" + "0" * 5000])
def test_what_is_no_token_opens_nothing(quick_stage, system, wrong):
    added(quick_stage, system)
    assert not opens(quick_stage, wrong)


def test_a_token_that_is_over_revoked_or_of_a_closed_account_opens_nothing(quick_stage, system):
    _, shown = added(quick_stage, system, "a")
    _, another = added(quick_stage, system, "b", days=1)
    with quick_stage.db.writing() as session:
        tokens.revoke_token(session, system, "a")
        for token in tokens.tokens_of(session, system):
            if token.name == "b":
                token.expires_at = machine_now() - timedelta(seconds=1)
    assert not opens(quick_stage, shown)
    assert not opens(quick_stage, another)
    _, third = added(quick_stage, system, "c")
    assert opens(quick_stage, third)
    with quick_stage.db.writing() as session:
        accounts.change_account(session, "catalogue", active=False)
    assert not opens(quick_stage, third)


def test_the_use_of_a_token_is_noted_once_in_a_while(quick_stage, system):
    token, _ = added(quick_stage, system)
    assert tokens.unseen(token)
    with quick_stage.db.writing() as session:
        tokens.used(session, token.id)
    with quick_stage.db.reading() as session:
        assert not tokens.unseen(tokens.tokens_of(session, system)[0])


@pytest.mark.parametrize(
    ("more", "field"),
    [({"name": ""}, "token"), ({"name": "a\nb"}, "token"), ({"name": "x" * 65}, "token"), ({"scope": "all"}, "scope"),
     ({"days": 0}, "days"), ({"days": 10**9}, "days"), ({"name": "again"}, "token")],
)  # fmt: skip
def test_what_is_wrong_with_a_new_token_is_said(quick_stage, system, more, field):
    added(quick_stage, system, "again")
    with pytest.raises(BadInput) as wrong:
        added(quick_stage, system, **{"name": "new", **more})
    assert wrong.value.field == field


def test_people_have_no_tokens_and_nothing_is_revoked_that_is_not_there(quick_stage, system):
    with quick_stage.db.writing() as session:
        with pytest.raises(BadInput, match="is a person"):
            tokens.add_token(session, quick_stage.account(session, "operator", "MAIN"), "x")
        with pytest.raises(NotFound, match="has no token 'x'"):
            tokens.revoke_token(session, system, "x")


def test_a_scope_holds_what_stands_before_it():
    assert [[mine.holds(wanted) for wanted in Scope] for mine in Scope] == [
        [True, False, False], [True, True, False], [True, True, True],
    ]  # fmt: skip
