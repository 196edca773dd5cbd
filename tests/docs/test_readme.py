"""What the README shows is what the tables say."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]


def generate():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_and_diagrams_of_the_readme_are_those_of_the_lifecycles():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    module = generate()

    for name, content in module.sections().items():
        assert f"<!-- {name} -->\n{content.rstrip()}\n<!-- /{name} -->" in readme, "run: python docs/generate.py"
    assert module.fill(readme) == readme


def test_the_commands_in_the_documentation_are_those_of_the_program():
    module = generate()
    written = module.COMMANDS.read_text(encoding="utf-8")

    assert written == module.commands(), "run: python docs/generate.py"
    assert "### ill request import" in written
    assert "| 3 |" in written


def test_no_command_and_none_of_its_words_is_left_unexplained():
    from ill_workflow.cli import command

    unexplained = []

    def look(path, entry):
        if not entry.help:
            unexplained.append(path)
        unexplained.extend(f"{path} {p.name}" for p in entry.params if not p.help)
        for name, inner in getattr(entry, "commands", {}).items():
            look(f"{path} {name}", inner)

    look("ill", command())
    assert unexplained == []


def test_every_command_that_the_readme_names_is_there():
    from typer.main import get_command

    from ill_workflow.cli import app

    commands = get_command(app).commands
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = readme.split("<!-- block: commands -->")[1].split("```")[1]
    named = [line.split()[1:3] for line in block.splitlines() if line.startswith("ill ")]
    assert len(named) >= 9
    for first, *rest in named:
        assert first in commands
        if inner := getattr(commands[first], "commands", None):
            assert rest[0] in inner


def test_the_page_about_the_mock_partner_lists_what_it_plays():
    page = (ROOT / "docs" / "mock-partner.md").read_text(encoding="utf-8")
    module = generate()

    assert module.fill(page) == page, "run: python docs/generate.py"
    assert "| `cancel_crosses` |" in page
    assert "|  |" not in page, "a field is unexplained"
