"""A manager's morning in a browser: a letter is written while it is read, a logo is looked at, a list is taken in."""

from io import BytesIO

from PIL import Image

from ill_workflow import libraries
from ill_workflow.mail import own
from ill_workflow.slips.papers import INCH

PARTNERS = b"code,name,email,terms.loan_days\nLAKE,Lake College,ill@lake.example,21\nPOND,Pond,nobody,many\n"


def picture() -> bytes:
    file = BytesIO()
    Image.new("L", (120, 60), 0).save(file, "PNG")
    return file.getvalue()


def test_a_manager_sets_a_library_up(office):
    loan = office.stage.borrows()
    page = office("manager")

    page.goto("/l/MAIN/letters")
    page.get_by_role("link", name="Request sent, English:").click()
    page.get_by_label("The first line is the subject").fill("On its way: {{ title }}\nDear {{ patron }},\n")
    page.get_by_text("There is no value “patron”. Did you mean patron_name?").wait_for()
    page.get_by_label("The first line is the subject").fill("On its way: {{ title }}\nDear {{ patron_name }},\n")
    page.get_by_text("Dear Ann Reader,").wait_for()
    assert page.locator("#preview").get_by_text("On its way: Pride and Prejudice").is_visible()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved: letters leave like this now.").wait_for()
    other = office.stage.borrows(title="Emma", isbn="")
    assert "On its way: Emma" in office.stage.mails("ann@readers.example")

    page.get_by_role("link", name="Slips", exact=True).click()
    page.get_by_label("Book strap paper").select_option("a5")
    page.get_by_role("button", name="Preview").click()
    strap = page.get_by_alt_text(f"Book strap: {other.reference}")
    strap.scroll_into_view_if_needed()
    page.wait_for_function("image => image.complete && image.naturalWidth", arg=strap.element_handle())
    assert abs(strap.evaluate("image => image.naturalWidth") - 148 / INCH * 75) < 2
    page.get_by_role("button", name="Save").click()
    page.get_by_label("A new picture").set_input_files(
        {"name": "logo.png", "mimeType": "image/png", "buffer": picture()}
    )
    page.get_by_role("button", name="Look at slips with it").click()
    page.get_by_role("button", name="Print this one").click()
    page.get_by_text("Slips that are promised from now on have it.").wait_for()

    page.get_by_role("link", name="Import and Export").click()
    partners = page.locator("section", has=page.get_by_role("heading", name="Partners"))
    partners.get_by_label("A CSV file to import").set_input_files(
        {"name": "partners.csv", "mimeType": "text/csv", "buffer": PARTNERS}
    )
    partners.get_by_role("button", name="Try it").click()
    page.get_by_text("1 taken, 1 refused.").wait_for()
    with page.expect_download() as kept:
        page.get_by_role("link", name="The refused lines as a file").click()
    assert "is not an e-mail address" in kept.value.path().read_text(encoding="utf-8-sig")
    page.get_by_role("button", name="Take 1 good line").click()

    page.get_by_role("link", name="Library", exact=True).click()
    page.get_by_label("Suspended until", exact=True).fill("2026-02-20")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Lending is suspended until Feb 20, 2026.").wait_for()
    page.get_by_role("link", name="Closed Days").click()
    page.get_by_label("First day").fill("2026-12-24")
    page.get_by_label("Last day").fill("2026-12-31")
    page.keyboard.press("Enter")
    page.get_by_text("8 days are closed.").wait_for()

    with office.stage.db.reading() as session:
        main = libraries.find_library(session, "MAIN")
        assert (main.papers["book_strap"], bool(main.logo)) == ("a5", True)
        assert own.current(session, main.id, "request_sent", "en").version == 1
    assert office.stage.partner("MAIN", "LAKE").terms == {"loan_days": 21}
    assert loan.state == "request_sent"
