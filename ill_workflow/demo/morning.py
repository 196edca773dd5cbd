"""What the demo leaves to be done at Main, so that whoever signs in afterwards finds a morning's work."""

from ill_workflow.demo.play import Play

MRS_DALLOWAY = {"title": "Mrs Dalloway", "author": "Woolf, Virginia", "year": "1996"}
ULYSSES = {"title": "Ulysses", "author": "Joyce, James", "year": "2010"}
BLEAK_HOUSE = {"title": "Bleak House", "author": "Dickens, Charles", "year": "2003"}
ODYSSEY = {"title": "The Odyssey", "author": "Homer", "year": "1996"}
GULLIVER = {"title": "Gulliver's Travels", "author": "Swift, Jonathan", "year": "2001"}
DORIAN_GRAY = {"title": "The Picture of Dorian Gray", "author": "Wilde, Oscar", "year": "2003"}
INFERNO = {"title": "Inferno", "author": "Dante Alighieri", "year": "2000"}


def left_for_you(play: Play) -> None:
    late = play.borrow(MRS_DALLOWAY, "Nell Reader", ("RIV",))
    lent = play.borrow(ODYSSEY, "Otto Reader", ("MAIN",), at="RIV")
    play.act("MAIN", lent, "print_slip")
    play.act("MAIN", lent, "ship", condition_checked=True, item_barcode="31111000204417")
    play.supply(late, "31234000118326", due_date=play.in_days("RIV", 4))
    play.act("RIV", lent, "receive", condition_checked=True)
    play.act("MAIN", late, "check_out")
    play.turn(days=2)
    play.wait("one is overdue", lambda: play.states(late) == ["overdue", "overdue"])
    play.act("RIV", lent, "request_renewal")
    play.wait("Main is asked for another date", lambda: play.states(lent)[1] == "renewal_requested")

    coming = play.borrow(ULYSSES, "Pia Reader", ("RIV",))
    play.act("RIV", coming, "ship", condition_checked=True, item_barcode="31234000118409")
    play.wait("one is on its way", lambda: play.states(coming)[0] == "shipped")
    asked = play.borrow(BLEAK_HOUSE, "Quin Reader", ("RIV",))
    play.act("RIV", asked, "add_condition", condition="LibraryUseOnly", cost="5.00")
    play.wait("one has a condition", lambda: play.states(asked)[0] == "conditional")
    called_off = play.borrow(DORIAN_GRAY, "Ruth Reader", ("MAIN",), at="RIV")
    play.act("RIV", called_off, "cancel", reason="The patron has bought a copy.")
    play.wait("one is called off", lambda: play.states(called_off)[1] == "cancel_requested")
    for book, reader in ((GULLIVER, "Sam Reader"), (INFERNO, "Tess Reader")):
        play.borrow(book, reader, ("MAIN",), at="RIV")


MORNING = (("What is left for you: sign in at Main and look at Today", left_for_you),)
