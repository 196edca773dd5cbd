"""The twelve stories, as librarians would tell them."""

from ill_workflow.demo import world
from ill_workflow.demo.play import Play


def happy_end(play: Play) -> None:
    loan = play.borrow(world.AUSTEN, "Ann Reader", ("RIV",))
    play.supply(loan, "31234000551187")
    play.act("MAIN", loan, "check_out")
    play.turn(days=15)
    _brought_back(play, loan)
    play.act("RIV", loan, "check_in")
    play.expect(loan, "completed", "completed")


def renewed_and_overdue(play: Play) -> None:
    loan = play.borrow(world.CORMEN, "Bob Reader", ("RIV",))
    play.supply(loan, "31234000870041")
    play.act("MAIN", loan, "check_out")
    play.turn(days=14)
    play.act("MAIN", loan, "request_renewal")
    play.act("RIV", loan, "renew", due_date=play.in_days("RIV", 14))
    play.wait("both know the new date", lambda: play.states(loan) == ["renewed", "renewed"])
    play.turn(days=18)
    play.wait("both halves are overdue", lambda: play.states(loan) == ["overdue", "overdue"])
    play.turn(days=6)
    play.wait("another notice", lambda: play.count("MAIN", loan, "overdue_notice") == 1)
    _brought_back(play, loan)
    play.act("RIV", loan, "check_in")
    play.expect(loan, "completed", "completed")


def second_lender(play: Play) -> None:
    loan = play.borrow(world.BRONTE, "Cleo Reader", ("RIV", "HUB"))
    play.act("RIV", loan, "reject", reason="NotOnShelf")
    play.wait("the hub is asked", lambda: play.field("MAIN", loan, "attempt") == 2)
    play.act("MAIN", loan, "partner_will_supply", told_by="mail")
    due = play.in_days("MAIN", 30)
    play.act("MAIN", loan, "partner_shipped", told_by="mail", due_date=due, item_barcode="HUB-000417")
    play.turn(days=2)
    play.act("MAIN", loan, "receive", condition_checked=True)
    play.act("MAIN", loan, "check_out")
    play.turn(days=9)
    _brought_back(play, loan)
    play.act("MAIN", loan, "partner_completed", told_by="phone")
    play.expect(loan, "completed", "rejected")


def lost(play: Play) -> None:
    loan = play.borrow(world.TOLSTOY, "Dan Reader", ("RIV",))
    play.supply(loan, "31234000733650")
    play.act("MAIN", loan, "check_out")
    play.turn(days=8)
    play.act("MAIN", loan, "report_lost", note="The patron left it on a train.")
    play.wait("the lender knows", lambda: play.states(loan) == ["lost", "lost"])
    play.wait("the bill is final", lambda: play.fees("MAIN", loan) == play.fees("RIV", loan) != "nothing")
    amount = play.fees("RIV", loan).split()[0]
    play.act("MAIN", loan, "record_payment", by="max", amount=amount, note="paid by the patron")
    play.act("MAIN", loan, "settle", by="max")
    play.act("RIV", loan, "record_payment", by="ron", amount=amount)
    play.act("RIV", loan, "settle", by="ron")
    play.expect(loan, "closed_without_return", "closed_without_return")


def recalled(play: Play) -> None:
    loan = play.borrow(world.ELIOT, "Eve Reader", ("RIV",))
    play.supply(loan, "31234000912207")
    play.act("MAIN", loan, "check_out")
    play.turn(days=4)
    play.act("RIV", loan, "recall", return_by=play.in_days("RIV", 7))
    play.wait("the borrower knows", lambda: play.states(loan) == ["recalled", "recalled"])
    play.turn(days=3)
    _brought_back(play, loan)
    play.act("RIV", loan, "check_in")
    play.expect(loan, "completed", "completed")


def cancelled_in_time(play: Play) -> None:
    loan = play.borrow(world.EMMA, "Finn Reader", ("RIV",))
    play.act("RIV", loan, "print_slip")
    play.act("MAIN", loan, "cancel", reason="The patron has bought a copy.")
    play.wait("the lender knows", lambda: play.states(loan)[1] == "cancel_requested")
    play.act("RIV", loan, "accept_cancel")
    play.expect(loan, "cancelled", "cancelled")


def cancelled_too_late(play: Play) -> None:
    loan = play.borrow(world.STOKER, "Gus Reader", ("RIV",))
    play.act("RIV", loan, "print_slip")
    play.act("MAIN", loan, "cancel", reason="The patron has moved away.")
    play.wait("the lender knows", lambda: play.states(loan)[1] == "cancel_requested")
    play.act("RIV", loan, "refuse_cancel", reason="It is packed already.")
    play.wait("it is on again", lambda: play.states(loan) == ["will_supply", "being_processed"])
    play.act("RIV", loan, "ship", condition_checked=True, item_barcode="31234000640012")
    play.wait("the borrower knows", lambda: play.states(loan)[0] == "shipped")
    play.turn(days=3)
    play.act("MAIN", loan, "receive", condition_checked=True)
    play.act("MAIN", loan, "ship_back")
    play.act("RIV", loan, "check_in")
    play.expect(loan, "completed", "completed")


def on_a_condition(play: Play) -> None:
    loan = play.borrow(world.MELVILLE, "Hal Reader", ("RIV",))
    play.act("RIV", loan, "add_condition", condition="LibraryUseOnly", cost="12.50")
    play.wait("the borrower knows", lambda: play.states(loan)[0] == "conditional")
    play.act("MAIN", loan, "accept_condition")
    play.wait("the lender knows", lambda: play.states(loan)[1] == "will_supply")
    play.supply(loan, "31234000455019")
    play.turn(days=5)
    play.act("MAIN", loan, "ship_back")
    play.act("RIV", loan, "check_in")
    play.expect(loan, "completed", "completed")


def damaged_on_arrival(play: Play) -> None:
    loan = play.borrow(world.THOREAU, "Ida Reader", ("RIV",))
    play.supply(loan, "31234000388120")
    play.act("MAIN", loan, "report_damaged", severity="minor", note="The parcel was wet: stains on the cover.")
    play.act("RIV", loan, "mark_damaged", severity="minor", note="Reported on arrival.", amount="15.00")
    play.wait("the borrower has the bill", lambda: play.fees("MAIN", loan) == "15.00 USD")
    play.act("RIV", loan, "waive_fee", by="ron", amount="15.00", reason="It was the courier.")
    play.act("MAIN", loan, "waive_fee", by="max", amount="15.00", reason="The lender waives it.")
    play.act("MAIN", loan, "check_out")
    play.turn(days=10)
    _brought_back(play, loan)
    play.act("RIV", loan, "check_in")
    play.act("RIV", loan, "settle", by="ron")
    play.expect(loan, "completed", "completed")


def a_copy(play: Play) -> None:
    copy = play.borrow(world.ARTICLE, "Joy Reader", ("RIV",), service="copy")
    play.act("RIV", copy, "print_slip")
    play.act("RIV", copy, "deliver_copy", file=play.scanned(world.ARTICLE["article_title"]))
    play.expect(copy, "delivered", "delivered")


def three_volumes(play: Play) -> None:
    loan = play.borrow(world.CAO, "Kim Reader", ("RIV",))
    volumes = ["31234000720011", "31234000720029", "31234000720037"]
    play.supply(loan, volumes[0], pieces=volumes)
    play.act("MAIN", loan, "check_out")
    play.turn(days=12)
    play.act("MAIN", loan, "patron_return", pieces=volumes[:2])
    play.turn(days=2)
    play.act("MAIN", loan, "patron_return", pieces=volumes[2:])
    play.act("MAIN", loan, "ship_back")
    play.act("RIV", loan, "check_in", pieces=volumes)
    play.expect(loan, "completed", "completed")


def claimed_returned(play: Play) -> None:
    loan = play.borrow(world.NIGHTS, "Lea Reader", ("RIV",))
    play.supply(loan, "31234000805514")
    play.act("MAIN", loan, "check_out")
    play.turn(days=6)
    _brought_back(play, loan)
    play.turn(days=10)
    play.act("RIV", loan, "mark_lost", note="Main says that it came back. It did not arrive.")
    play.wait("the borrower knows", lambda: play.states(loan) == ["lost", "lost"])
    play.act("RIV", loan, "check_in")
    play.wait("nobody owes anything", lambda: play.fees("MAIN", loan) == play.fees("RIV", loan) == "nothing")
    play.expect(loan, "completed", "completed")


def _brought_back(play: Play, loan: str) -> None:
    """By the patron to Main, and by Main to the post."""
    play.act("MAIN", loan, "patron_return")
    play.act("MAIN", loan, "ship_back")


TWELVE = (
    ("A loan to its happy end", happy_end),
    ("Renewed, then overdue, then returned", renewed_and_overdue),
    ("Rejected by the first lender, filled by the second", second_lender),
    ("Lost, billed and settled", lost),
    ("Recalled", recalled),
    ("Cancelled in time", cancelled_in_time),
    ("Cancelled too late", cancelled_too_late),
    ("Supplied on a condition", on_a_condition),
    ("Damaged on arrival", damaged_on_arrival),
    ("A copy", a_copy),
    ("Three volumes, one of them brought back later", three_volumes),
    ("Claimed returned by the borrower, found on the lender's shelf", claimed_returned),
)
