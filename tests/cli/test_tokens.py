"""Tokens of other systems on the command line."""

import json


def test_a_token_is_added_listed_and_revoked(main):
    main.does("account", "add", "catalogue", "--system")
    main.does("account", "grant", "catalogue", "operator", "--library", "MAIN")

    said = main.does("account", "token", "catalogue", "--add", "discovery", "--scope", "read", "--library", "MAIN")

    assert said.startswith("discovery (read, at Main Library, until it is revoked), shown once: ill_")
    listed = main.does("account", "token", "catalogue", "--list")
    assert said.rsplit(" ", 1)[1].strip() not in listed
    (row,) = json.loads(main.does("account", "token", "catalogue", "--list", "--json"))
    assert (row["token"], row["scope"], row["library"], row["over"]) == ("discovery", "read", "MAIN", "")

    assert main.does("account", "token", "catalogue", "--revoke", "discovery") == "discovery opens nothing any more.\n"
    (row,) = json.loads(main.does("account", "token", "catalogue", "--list", "--json"))
    assert row["over"] == "revoked"


def test_what_is_not_clear_is_refused(main):
    main.does("account", "add", "catalogue", "--system")
    for words in ([], ["--add", "x", "--list"], ["--list", "--scope", "read"], ["--add", "x", "--scope", "all"],
                  ["--revoke", "x"], ["--add", "x", "--days", "0"], ["--add", ""]):  # fmt: skip
        code, out, err = main("account", "token", "catalogue", *words)
        assert (code, out) == (1, ""), words
        assert err
    assert main("account", "token", "ann", "--add", "x")[0] == 1
