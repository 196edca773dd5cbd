"""All about one request, read for a page, a program or a terminal."""
