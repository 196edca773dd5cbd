"""A template that was saved never fails at sending, whatever the letter is about."""

from datetime import date

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ill_workflow.errors import BadInput
from ill_workflow.mail.checking import FILTERS, LOOP, TESTS, check_template
from ill_workflow.mail.letters import Entry, LetterValues, write_letter

NAMES = st.sampled_from(
    ["title", "level", "due_date", "return_by", "reason", "conditions", "file", "notices", "sentence"]
)
PARTS = st.sampled_from(["n.title", "n.due_date", "n.note", *(f"loop.{part}" for part in LOOP)])
ENTRIES = st.builds(Entry, st.text(max_size=3), st.text(max_size=3), st.just("S"), due_date=st.none() | st.dates())
VALUES = st.builds(
    LetterValues, reference=st.just("X"), title=st.text(max_size=3), reason=st.text(max_size=3),
    due_date=st.none() | st.dates(date(1, 1, 1)), return_by=st.none() | st.dates(), level=st.integers(0, 9),
    file=st.booleans(), conditions=st.lists(st.text(max_size=3), max_size=3).map(tuple),
    notices=st.lists(ENTRIES, max_size=3).map(tuple),
)  # fmt: skip


def expressions(atoms):
    return st.recursive(
        atoms | st.sampled_from(["1", "0", "'a'", "none"]),
        lambda inner: st.one_of(
            st.builds("({} | {})".format, inner, st.sampled_from(FILTERS)),
            st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or", "~", "==", ">", "<=", "in"]), inner),
            st.builds("(not {})".format, inner),
            st.builds("({} is {})".format, inner, st.sampled_from(TESTS)),
            st.builds("({} if {} else {})".format, inner, inner, inner),
        ),
        max_leaves=4,
    )


BLOCKS = st.recursive(
    st.one_of(st.builds("{{{{ {} }}}}".format, expressions(NAMES)), st.just("text ")),
    lambda inner: st.one_of(
        st.builds("{{% if {} %}}{}{{% else %}}{}{{% endif %}}".format, expressions(NAMES), inner, inner),
        st.builds("{{% for n in notices %}}{{{{ {} }}}}{}{{% endfor %}}".format, expressions(NAMES | PARTS), inner),
        st.builds("{}{}".format, inner, inner),
    ),
    max_leaves=3,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(BLOCKS, st.lists(VALUES, min_size=3, max_size=3))
def test_what_passes_can_always_be_sent(block, letters):
    source = f"Subject\n\n{block}."
    try:
        check_template("patron_digest", "de", source)
    except BadInput:
        assume(False)
    for values in letters:
        assert write_letter("patron_digest", values, "de", source).subject == "Subject"
