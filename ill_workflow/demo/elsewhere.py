"""A library with an installation of its own, with which the demo's Main Library talks ISO 18626 over HTTP."""

import secrets

import sqlalchemy as sa
from argon2 import PasswordHasher

from ill_workflow import accounts, libraries, partners, signing_in
from ill_workflow.bootstrap import Services
from ill_workflow.demo import world
from ill_workflow.demo.play import Play
from ill_workflow.partner_secrets import set_secret

CODE, NAME = "LAKE", "Lakeside College"
ADDRESS, MAINS_ADDRESS = "7 Shore Drive\nMilwaukee, WI 53202", "400 State Street\nChicago, IL 60605"
#: The book that Main wants from there.
SHELLEY = {"title": "Frankenstein", "author": "Shelley, Mary", "isbn": "9780141439471", "year": "2003"}


def make_neighbour(there: Services, here: Services, *, address: str, our_address: str, password: str) -> None:
    """Fill the neighbour's empty database, and let both know each other. `address` is where it takes messages."""
    theirs, ours = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    with here.db.reading() as session:
        offset = session.scalar(sa.select(libraries.Installation.clock_offset))
    with there.db.writing() as session:
        # The calendar is the same for both.
        session.execute(sa.update(libraries.Installation).values(demo=True, clock_offset=offset))
        lake = libraries.add_library(
            session, code=CODE, name=NAME, prefix="LKS", time_zone="America/Chicago", email="ill@lakeside.example",
            delivery_code="MKE-03", address=ADDRESS, digest_minutes=0,
        )  # fmt: skip
        main = partners.add_partner(
            session, lake.id, code="MAIN", name="Main Library", transport="iso18626", terms=world.TERMS,
            shipping_address=MAINS_ADDRESS, return_address=MAINS_ADDRESS, delivery_code="CHI-01",
            wire=_agreed(our_address),
        )  # fmt: skip
        set_secret(session, main, "token", ours)
        set_secret(session, main, "our_token", theirs)
        lena = accounts.add_account(session, "lena", full_name="Lena Operator", email="lena@demo.example")
        accounts.grant(session, lena, lake.id, "operator")
        signing_in.set_password(session, lena, password, PasswordHasher())
    with here.db.writing() as session:
        lakeside = partners.add_partner(
            session, libraries.find_library(session, "MAIN").id, code=CODE, name=NAME, transport="iso18626",
            shipping_address=ADDRESS, return_address=ADDRESS, delivery_code="MKE-03", terms=world.TERMS,
            wire=_agreed(address),
        )  # fmt: skip
        set_secret(session, lakeside, "token", theirs)
        set_secret(session, lakeside, "our_token", ours)


def _agreed(address: str) -> dict[str, object]:
    """Both are on this machine, and show who they are by a token."""
    return {"address": address, "plain_http": True, "edition": "2021", "shows_itself": "token"}


def over_the_wire(play: Play) -> None:
    loan = play.borrow(SHELLEY, "Mia Reader", (CODE,))
    play.act(CODE, loan, "add_condition", condition="LibraryUseOnly", cost="8.00")
    play.wait("the borrower knows", lambda: play.states(loan)[0] == "conditional")
    play.act("MAIN", loan, "accept_condition")
    play.wait("the lender knows", lambda: play.states(loan)[1] == "will_supply")
    play.act(CODE, loan, "ship", condition_checked=True, item_barcode="31234000930142")
    play.wait("the borrower knows", lambda: play.states(loan)[0] == "shipped")
    play.turn(days=3)
    play.act("MAIN", loan, "receive", condition_checked=True)
    play.turn(days=9)
    play.act("MAIN", loan, "request_renewal")
    play.wait("the lender knows", lambda: play.states(loan)[1] == "renewal_requested")
    play.act(CODE, loan, "renew", due_date=play.in_days(CODE, 21))
    play.wait("both know the new date", lambda: play.states(loan) == ["renewed", "renewed"])
    play.act("MAIN", loan, "ship_back")
    play.wait("the lender knows", lambda: play.states(loan)[1] == "returned_by_partner")
    play.act(CODE, loan, "check_in")
    play.expect(loan, "completed", "completed")


ELSEWHERE = (("Over ISO 18626, from a library with an installation of its own", over_the_wire),)
