"""What all tests share; the fixtures themselves are in the plugins."""

from hypothesis import settings

# The same examples each time, and none that is wrong for having taken long: what is left to chance is for `make soak`.
settings.load_profile("ci")

pytest_plugins = [
    "tests.plugins.quick",
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
