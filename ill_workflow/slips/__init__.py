"""The paper that travels with an item: routing slip, book strap, return slip and shipping label.

`render` turns what a slip says into a PDF, `render_batch` many into one; `write` puts a PDF on the disk so that it
survives a power cut.
"""

from ill_workflow.slips.content import PAPERS, Address, Layout, Paper, Service, SlipContent
from ill_workflow.slips.layouts import render, render_batch
from ill_workflow.slips.logo import check_logo
from ill_workflow.slips.storage import write

__all__ = [
    "PAPERS",
    "Address",
    "Layout",
    "Paper",
    "Service",
    "SlipContent",
    "check_logo",
    "render",
    "render_batch",
    "write",
]
