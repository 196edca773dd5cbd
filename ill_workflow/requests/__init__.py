"""Requests: how they come in, what is done with them, and what is remembered."""

# Whoever writes a request, by whatever door, keeps the lists right.
from ill_workflow.requests import listed as listed
