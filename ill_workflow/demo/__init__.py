"""Loans that play before your eyes, in a database that is only there for them, by a clock that is turned."""

from ill_workflow.demo.elsewhere import CODE as NEIGHBOUR
from ill_workflow.demo.elsewhere import ELSEWHERE, make_neighbour
from ill_workflow.demo.morning import MORNING
from ill_workflow.demo.play import Play
from ill_workflow.demo.stories import TWELVE
from ill_workflow.demo.world import PEOPLE, make_world

__all__ = ["ELSEWHERE", "MORNING", "NEIGHBOUR", "PEOPLE", "TWELVE", "Play", "make_neighbour", "make_world"]
