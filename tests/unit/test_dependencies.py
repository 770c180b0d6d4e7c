"""`docs/dependencies.md` has all that is installed; other tables are what the program has."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from mtedbg.cli import whole_parser
from mtedbg.commands import all_commands
from mtedbg.lab import requirements

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/dependencies.md").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
README = (ROOT / "README.md").read_text("utf-8")


def name(requirement: str) -> str:
    return re.split(r"[\s;<>=!~\[]", requirement)[0]


@pytest.mark.parametrize("package", [name(one) for one in PROJECT["dependencies"]])
def test_every_package_at_run_time_has_its_reason(package: str) -> None:
    at_run_time = PAGE.partition("## Python, at run time")[2].partition("\n#")[0]
    assert f"| {package} |" in at_run_time


@pytest.mark.parametrize("extra", EXTRAS)
def test_every_extra_has_its_reasons(extra: str) -> None:
    table = PAGE.partition("## Extras")[2].partition("\n#")[0]
    rows = [line for line in table.splitlines() if line.startswith(f"| `{extra}` |")]
    listed = {word for row in rows for word in re.split(r"[|,\s]+", row.split("|")[2])}
    assert {name(one) for one in EXTRAS[extra]} == listed - {""}


@pytest.mark.parametrize("package", sorted({one.package for one in requirements.EVERYTHING}))
def test_every_debian_package_is_there(package: str) -> None:
    assert f"`{package}`" in PAGE


def test_the_debug_roots_table_has_the_names_that_are_published() -> None:
    page = (ROOT / "docs/debug-abi.md").read_text("utf-8")
    listed = re.findall(r"^\| `([a-z-]+)` \| (?:slots|table|array|record)", page, re.MULTILINE)
    source = (ROOT / "native/src/debug/root.cc").read_text()
    assert sorted(listed) == sorted(re.findall(r'named(?:_table)?\("([a-z-]+)"', source))


@pytest.mark.parametrize(("kind", "values"), [("Mode", "MODES"), ("Policy", "POLICIES")])
def test_the_debug_roots_values_are_those_of_the_header(kind: str, values: str) -> None:
    page = (ROOT / "docs/debug-abi.md").read_text("utf-8")
    table = page.partition(f"\n| `{kind}` | value |")[2].partition("\n\n")[0]
    header = (ROOT / "native/include/mtedbg/debug_root.h").read_text("utf-8")
    macro = header.partition(f"#define MTEDBG_{values}(V)")[2].partition("#define")[0]
    published = re.findall(rf"V\({kind}, (\w+), (\d+)\)", macro)
    assert published
    assert re.findall(r"^\| `(\w+)` \| (\d+) \|", table, re.MULTILINE) == published


def test_the_readme_lists_the_commands_and_programs_that_there_are() -> None:
    table = README.partition("\n## Commands\n")[2].partition("\n## ")[0]
    named = set(re.findall(r"`((?:mte|jit|guest|memop)[a-z-]*)", table))
    assert {one.name for one in all_commands()} <= named
    programs = set(re.findall(r"^\| `mtedbg ([a-z-]+)", README, re.MULTILINE))
    parser = whole_parser()
    (subparsers,) = (one for one in parser._actions if one.dest == "subcommand")
    assert programs == set(subparsers.choices or ())


def options_of_subcommands() -> dict[str, set[str]]:
    (subparsers,) = (one for one in whole_parser()._actions if one.dest == "subcommand")
    found: dict[str, set[str]] = {}
    for word, parser in dict(subparsers.choices or {}).items():  # type: ignore[call-overload]
        found[word] = set(parser._option_string_actions)
        for action in parser._actions:
            for each in getattr(action, "choices", None) or ():
                if isinstance(action.choices, dict):
                    found[word] |= set(action.choices[each]._option_string_actions)
    return found


QUOTED = sorted(
    {
        (page.name, line.strip())
        for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
        for line in re.findall(r"mtedbg (?:[a-z]+) [^`\n#]*", page.read_text("utf-8"))
        if " --" in line
    }
)


@pytest.mark.parametrize(("page", "line"), QUOTED)
def test_quoted_options_exist(page: str, line: str) -> None:
    _, word, *rest = line.split()
    known = options_of_subcommands()
    if word not in known:
        return
    before = rest[: rest.index("--")] if "--" in rest else rest
    quoted = {match[0] for one in before if (match := re.match(r"--[a-z][a-z-]*", one))}
    in_commands = {"--json", "--runs", "--granules", "--all-threads", "--export", "--kind"}
    assert quoted <= known[word] | in_commands, page
