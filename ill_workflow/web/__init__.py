"""The console and the API: doors for people and systems, over HTTP."""
