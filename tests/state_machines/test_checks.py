"""What is declared wrongly is found when it is declared."""

from dataclasses import replace

import pytest

from state_machines.borrowing import BORROWING
from state_machines.checks import check
from state_machines.declaration import CLOCK, PREVIOUS, STAFF, SYSTEM, Action, Input, Lifecycle, LifecycleError, states
from state_machines.effects import send_message
from state_machines.lending import LENDING

SOUND = Lifecycle(
    name="small",
    states=states(open="Open", waiting="Waiting", done="Done"),
    groups={"CLOSED": ("done",)},
    terminal=frozenset({"done"}),
    passing=frozenset({"waiting"}),
    initial=("open",),
    actions=(
        Action("wait", "Wait", (STAFF,), ("open",), "waiting"),
        Action("go_on", "Go On", (STAFF,), ("waiting",), PREVIOUS),
        Action("end", "End", (STAFF,), ("open",), "done"),
        Action("late", "Late", (CLOCK,), ("open",), "done", fires=("need_by",)),
    ),
    timers={"open": ("need_by",)},
)


def with_row(row, **more):
    return replace(SOUND, actions=(*SOUND.actions, row), **more)


def test_sound_ones_pass():
    for lifecycle in (SOUND, BORROWING, LENDING):
        check(lifecycle)
    assert len(BORROWING.states) == 24
    assert len(LENDING.states) == 21


@pytest.mark.parametrize(
    ("lifecycle", "sentence"),
    [
        (with_row(Action("x", "X", (STAFF,), ("nowhere",), "done")), "In the row x: nowhere is neither a state"),
        (with_row(Action("x", "X", (STAFF,), ("open",), "nowhere")), "there is no state nowhere to go to"),
        (with_row(Action("x", "", (STAFF,), ("open",), "done")), "In the row x has no label"),
        (with_row(Action("x", "X", (), ("open",), "done")), "nobody may pull it"),
        (with_row(Action("X y", "X", (STAFF,), ("open",), "done")), "a trigger is a name in small letters"),
        (
            with_row(Action("x", "X", (STAFF,), ("open",), "done", then=(replace(send_message("a"), kind="fly"),))),
            "there is no effect fly",
        ),
        (with_row(Action("x", "X", (CLOCK,), ("open",), "done", fires=("tea_time",))), "there is no timer tea_time"),
        (
            with_row(Action("x", "X", (STAFF,), ("open",), "done", needs=(Input("a", "A"), Input("a", "B")))),
            "the input a is asked for twice",
        ),
        (with_row(Action("x", "X", (STAFF,), ("open",), PREVIOUS)), "`previous` means nothing outside an interruption"),
        (
            with_row(Action("x", "X", (STAFF,), ("open",), "done", then=(send_message("a", only_from=("waiting",)),))),
            "send_message(a) is for states that the row doesn't start from",
        ),
        (with_row(Action("x", "X", (STAFF,), ("open",), "done", fires=("need_by",))), "but the clock may not"),
        (with_row(Action("end", "End", (STAFF,), ("open",), "done")), "it is never reached"),
        (replace(SOUND, states=(*SOUND.states, *states(open="Open"))), "The state open is declared twice"),
        (replace(SOUND, states=states(open="Open", waiting=" ", done="Done")), "The state waiting has no label"),
        (replace(SOUND, terminal=frozenset({"done", "gone"})), "gone, in the terminal states, is no state"),
        (replace(SOUND, timers={"open": ("tea_time",)}), "Nothing says when the timer tea_time is due"),
        (replace(SOUND, timers={"waiting": ("need_by",)}), "The timer need_by is heard by no row in waiting"),
        (replace(SOUND, timers={"done": ("need_by",)}), "done is terminal, and waits for need_by"),
        (replace(SOUND, states=(*SOUND.states, *states(lonely="Lonely"))), "lonely can't be reached"),
        (replace(SOUND, actions=SOUND.actions[:1] + SOUND.actions[2:]), "waiting is a dead end"),
        (
            replace(SOUND, actions=(*SOUND.actions[:1], replace(SOUND.actions[1], by=(SYSTEM,)), *SOUND.actions[2:])),
            "waiting is a dead end",
        ),
        (with_row(Action("x", "X", (STAFF,), ("any",), "open")), "leaves done, which is terminal, without naming it"),
    ],
)
def test_each_fault_has_its_sentence(lifecycle, sentence):
    with pytest.raises(LifecycleError) as fault:
        check(lifecycle)
    assert sentence in str(fault.value)
    assert str(fault.value).startswith("The lifecycle small is declared wrongly.")
