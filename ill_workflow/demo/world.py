"""The world of the demo: two branches, a hub that reads mail, and the books that travel between them."""

import sqlalchemy as sa
from argon2 import PasswordHasher

from ill_workflow import accounts, libraries, partners, signing_in
from ill_workflow.bootstrap import Services

AUSTEN = {"title": "Pride and Prejudice", "author": "Austen, Jane", "isbn": "9780141439518", "year": "2003"}
CORMEN = {"title": "Introduction to Algorithms", "author": "Cormen, Thomas H.", "isbn": "9780262033848", "year": "2009"}
BRONTE = {"title": "Jane Eyre", "author": "Brontë, Charlotte", "isbn": "9780141441146", "year": "2006"}
TOLSTOY = {"title": "Война и мир", "author": "Толстой, Л. Н.", "isbn": "9785170909353", "year": "2015"}
ELIOT = {"title": "Middlemarch", "author": "Eliot, George", "isbn": "9780141439549", "year": "2003"}
EMMA = {"title": "Emma", "author": "Austen, Jane", "isbn": "9780141439587", "year": "2003"}
STOKER = {"title": "Dracula", "author": "Stoker, Bram", "isbn": "9780141439846", "year": "2003"}
MELVILLE = {"title": "Moby-Dick", "author": "Melville, Herman", "isbn": "9780142437247", "year": "2002"}
THOREAU = {"title": "Walden", "author": "Thoreau, Henry David", "isbn": "9780691096124", "year": "2004"}
ARTICLE = {
    "title": "The Library Quarterly", "issn": "0024-2519", "volume": "91(2)", "year": "2021", "pages": "118-135",
    "article_title": "Who Pays for What Travels", "author": "Reyes, Ada",
}  # fmt: skip
CAO = {"title": "红楼梦", "author": "曹雪芹", "volume": "3 volumes", "year": "1996"}
NIGHTS = {"title": "ألف ليلة وليلة", "year": "2008"}

#: What the demo's branches agree among each other.
TERMS = {"loan_days": 21, "renewal_days": 14, "ladder": [7], "lost_after_days": 30}


#: Who works there: name, role, and where.
PEOPLE = (
    ("ann", "operator", "Main Library"), ("max", "manager", "Main Library"), ("rita", "operator", "Riverside Branch"),
    ("ron", "manager", "Riverside Branch"),
)  # fmt: skip


def make_world(services: Services, password: str | None = None, passwords: PasswordHasher | None = None) -> None:
    """The demo's libraries, partners, accounts and clock. The database has its tables, and nothing in them.

    With a password everybody can sign in with it.
    """
    with services.db.writing() as session:
        session.execute(sa.update(libraries.Installation).values(demo=True))
        main = libraries.add_library(
            session, code="MAIN", name="Main Library", prefix="XPX", time_zone="America/Chicago",
            email="ill@main.example", reply_to="desk@main.example", delivery_code="CHI-01",
            address="400 State Street\nChicago, IL 60605", digest_minutes=0,
        )  # fmt: skip
        river = libraries.add_library(
            session, code="RIV", name="Riverside Branch", prefix="RVB", time_zone="America/New_York",
            email="ill@riverside.example", delivery_code="NYC-07", address="12 River Road\nRhinebeck, NY 12572",
            digest_minutes=0,
        )  # fmt: skip
        for ours, theirs in ((main, river), (river, main)):
            hub = partners.add_partner(
                session, ours.id, code="HUB", name="Great Lakes Hub", transport="email", email="ill@hub.example",
                shipping_address="1 Hub Way\nSouth Bend, IN 46601", return_address="1 Hub Way\nSouth Bend, IN 46601",
                delivery_code="HUB-9",
            )  # fmt: skip
            partners.add_partner(
                session, ours.id, code=theirs.code, name=theirs.name, transport="local", local_library_id=theirs.id,
                shipping_address=theirs.address, return_address=theirs.address, delivery_code=theirs.delivery_code,
                hub_id=hub.id, terms=TERMS,
            )  # fmt: skip
        for name, role, where in PEOPLE:
            full_name = f"{name.capitalize()} {role.capitalize()}"
            account = accounts.add_account(session, name, full_name=full_name, email=f"{name}@demo.example")
            library = main if where == main.name else river
            accounts.grant(session, account, library.id, role)
            if password:
                signing_in.set_password(session, account, password, passwords or PasswordHasher())
        kiosk = accounts.add_account(session, "kiosk", full_name="Self-service kiosk", system=True)
        accounts.grant(session, kiosk, main.id, "operator")
