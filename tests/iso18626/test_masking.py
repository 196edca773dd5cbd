"""What is kept of a message never shows a security code, an account or a patron, whatever the message looks like."""

import base64
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ill_workflow.iso18626.masking import HIDDEN, mask

CODE, ACCOUNT, PATRON = "qK7-code-9z", "qK7-account-9z", "qK7-patron-9z"
#: Of each secret this much would be enough to know it again.
TRACES = ("qK7", "code-9z", "account-9z", "patron-9z")


def message(*, prefix: str = "", namespace: str = "", wrapper: str = "ISO18626Message", note: str = "kept note") -> str:
    def tag(name: str, content: str, attributes: str = "") -> str:
        return f"<{prefix}{name}{attributes}>{content}</{prefix}{name}>"

    shows = tag("requestingAgencyAuthentication", tag("accountId", ACCOUNT) + tag("securityCode", CODE))
    street = tag("address", tag("physicalAddress", tag("line1", f"{PATRON} street") + tag("region", PATRON)))
    patron = tag("patronInfo", tag("patronId", PATRON) + tag("surname", f"<![CDATA[{PATRON}]]>") + PATRON + street)
    header = tag("header", tag("requestingAgencyRequestId", "XPX-12") + shows)
    body = tag("request", header + tag("title", "A kept title") + patron + tag("note", note))
    return tag(wrapper, body, namespace)


FORMS = {
    "plain": message(),
    "namespace": message(namespace=' xmlns="http://illtransactions.org/2013/iso18626"'),
    "prefix": message(prefix="ill:", namespace=' xmlns:ill="http://illtransactions.org/2013/iso18626"'),
    "other prefix": message(prefix="x:", namespace=' xmlns:x="urn:somebody-else"'),
    "capitals": message().replace("securityCode", "SecurityCODE").replace("patronInfo", "PATRONINFO"),
    "with attributes": message().replace("<patronInfo>", f'<patronInfo id="{PATRON}" xmlns:p="{PATRON}">'),
    "as attributes": f'<m securityCode="{CODE}" accountId="{ACCOUNT}" patron-info="{PATRON}"><t>kept note</t></m>',
    "said twice": message(note=f"kept note, our code is {CODE}"),
    "in a comment": message(note=f"kept note<!-- {PATRON} -->"),
    "an instruction": message(note=f"kept note<?code {CODE}?>"),
    "as text": message(note=f"kept note &lt;securityCode&gt;{CODE}&lt;/securityCode&gt;"),
    "packed": message(note="kept note " + base64.b64encode(f"<securityCode>{CODE}</securityCode>".encode()).decode()),
    "names of patrons": message(note=f"kept note <q:x xmlns:q='urn:q'><{PATRON}/></q:x>").replace(f"<{PATRON}/>", ""),
}


@pytest.mark.parametrize("form", FORMS)
def test_secrets_are_hidden_and_the_rest_is_kept(form):
    shown = mask(FORMS[form].encode())

    assert_hides_all(shown)
    assert HIDDEN in shown
    assert "kept note" in shown


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1"])
def test_in_every_encoding(encoding):
    assert_hides_all(mask(message().encode(encoding)))
    assert_hides_all(mask(message().encode(encoding)[:-7]))


def test_an_encoding_that_is_not_believed():
    assert_hides_all(mask(b'<?xml version="1.0" encoding="utf-16"?>' + message().encode()[:-4]))
    assert_hides_all(mask(b'<?xml version="1.0" encoding="cp037"?>' + message().encode()[:-4]))
    assert_hides_all(mask(('<?xml version="1.0" encoding="cp037"?>' + message()[:-4]).encode("cp037")))


def test_cut_off_after_every_byte():
    for form in ("plain", "prefix", "said twice", "packed"):
        raw = FORMS[form].encode()
        for length in range(len(raw)):
            assert_hides_all(mask(raw[:length]))


def test_begun_after_every_byte():
    raw = FORMS["plain"].encode()
    for start in range(1, len(raw)):
        if raw[start:].startswith(b"<"):  # what stands alone at the very beginning belongs to no name
            assert_hides_all(mask(raw[start:]))


def test_what_is_refused_at_once_is_hidden_by_its_names():
    assert_hides_all(mask(f'<!DOCTYPE m [<!ENTITY c "{CODE}">]><m><securityCode>&c;</securityCode></m>'))
    assert_hides_all(mask(f'{{"securityCode": "{CODE}", "patronInfo": {{"surname": "{PATRON}"}}}}'))
    assert_hides_all(mask(f"securityCode={CODE}&accountId={ACCOUNT}"))
    assert_hides_all(mask(f"%3CsecurityCode%3E{CODE}%3C%2FsecurityCode%3E"))
    assert_hides_all(mask(f"<m>\0<security\0Code>{CODE}</security\0Code></m>"))
    assert_hides_all(mask("<patronInfo>" * 5000 + PATRON + "</patronInfo>" * 5000))
    assert_hides_all(mask(f"<html>401, you said: Authorization: Bearer {CODE}{ACCOUNT}</html>"))


def test_a_long_code_that_is_said_again_in_a_broken_message():
    code = "qK7" * 160

    assert_hides_all(mask(f"<m><securityCode>\n {code}\n </securityCode><note>kept note, our code is {code}</note>"))


@pytest.mark.parametrize("end", ["</m>", ""])
def test_who_tries_our_patience_is_not_kept(end):
    """Each of these took a minute, or never ended, while nobody else was served."""
    many = "".join(f"<securityCode>{CODE}{n}</securityCode><t>kept</t>" for n in range(3000))

    assert mask(f"<m>{many}{end}") == HIDDEN
    assert "securityCode" in mask("<m>securityCode>" + " " * 200_000 + end)


def test_a_broken_message_stays_readable_around_them():
    shown = mask(message()[:-10])

    assert "XPX-12" in shown
    assert "A kept title" in shown
    assert "kept note" in shown


def test_what_says_nothing_of_them_stays_as_it_is():
    plain = '<?xml version="1.0"?>\n<a xmlns="urn:a"><b c="d">Surname and account, a history</b>\n</a>'

    assert mask(plain) == plain
    assert mask(b"") == ""
    assert mask("no XML at all") == "no XML at all"


#: What says a secret where nothing names it can be damaged so that nobody would know.
NAMED = sorted(set(FORMS) - {"as attributes", "said twice", "in a comment", "an instruction", "packed"})


@settings(max_examples=300, deadline=None)
@given(
    form=st.sampled_from(NAMED), at=st.floats(0, 1, exclude_max=True),
    put=st.one_of(st.binary(max_size=3), st.sampled_from([b"<", b">", b"/", b"&", b'"', b"]]>", b"<!--", b"\0"])),
    taken=st.integers(0, 3),
)  # fmt: skip
def test_damaged_anywhere(form, at, put, taken):
    raw = FORMS[form].encode()
    place = int(at * len(raw))
    damaged = raw[:place] + put + raw[place + taken :]

    assert_hides_all(mask(damaged), but=set_of_traces_in(put))


@settings(max_examples=150, deadline=None)
@given(
    secret=st.text(string.ascii_letters + string.digits + " äß<&'\"]>", min_size=6, max_size=40), closed=st.booleans()
)
def test_whatever_the_secret_is(secret, closed):
    said = secret.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    raw = f"<m><securityCode>~{said}~</securityCode><patronInfo><x>~{said}~</x></patronInfo>" + "</m>" * closed

    assert "~" not in mask(raw)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=400), st.text(max_size=400)))
def test_it_never_fails_and_can_always_be_kept(raw):
    shown = mask(raw)

    assert "\0" not in shown
    shown.encode()


def set_of_traces_in(put: bytes) -> set[str]:
    return {trace for trace in TRACES if trace.encode() in put}


def assert_hides_all(shown: str, but: set[str] = frozenset()) -> None:
    seen = {trace for trace in TRACES if trace in shown} - but
    assert not seen, shown
