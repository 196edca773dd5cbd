"""What all tests share; the fixtures themselves are in the plugins."""

pytest_plugins = [
    "tests.plugins.not_run",
    "tests.plugins.postgresql",
    "tests.plugins.broker",
    "tests.plugins.rows",
    "tests.plugins.stage",
    "tests.plugins.states",
    "tests.plugins.visiting",
    "tests.plugins.browser",
    "tests.plugins.busy",
]
