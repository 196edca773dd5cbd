"""Requests: how they come in, what is done with them, and what is remembered."""
