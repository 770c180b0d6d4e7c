"""What `scripts/setup` does for which purpose."""

from __future__ import annotations

import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/setup"


@pytest.fixture(scope="module")
def setup() -> ModuleType:
    loader = SourceFileLoader("setup_script", str(SCRIPT))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    sys.modules[loader.name] = module  # dataclasses look there for their module
    keeps, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = keeps
    return module


def names(setup: ModuleType, purpose: str) -> list[str]:
    return [step.name for step in setup.steps(setup.Purpose(purpose))]


def test_the_quick_check_builds_what_runs_on_this_machine(setup: ModuleType) -> None:
    assert names(setup, "check") == [
        "Debian packages",
        "Python environment",
        "sources of SoftFloat",
        "native unit tests",
    ]
    assert setup.EXTRAS[setup.Purpose.CHECK] == {"dev"}


def test_the_demo_gets_what_it_runs_and_no_more(setup: ModuleType) -> None:
    assert names(setup, "demo") == [
        "Debian packages",
        "Python environment",
        "sources of SoftFloat",
        "Python byte code",
        "kernel of the VM",
        "runtime for AArch64",
    ]
    assert setup.EXTRAS[setup.Purpose.DEMO] == {"gdb"}


def test_the_tests_get_everything_but_what_is_unstable(setup: ModuleType) -> None:
    everything = names(setup, "test")
    assert set(names(setup, "demo")) | set(names(setup, "check")) < set(everything)
    assert {"newer kernel of the VM", "debuggers of the VM", "native unit tests"} < set(everything)
    assert not any("herd" in name for name in everything)
    assert setup.EXTRAS[setup.Purpose.TEST] == {"gdb", "lldb", "cluster", "dev", "release"}


def test_another_purpose_adds_to_the_environment(
    setup: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[object, ...]] = []
    monkeypatch.setattr(setup, "VENV", tmp_path)
    monkeypatch.setattr(setup, "ENVIRONMENT_STAMP", tmp_path / "setup-stamp")
    monkeypatch.setattr(setup, "run", lambda *words: ran.append(words))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").touch()
    assert setup.extras_there() == set()
    setup.make_environment(setup.Purpose.DEMO)
    assert setup.extras_there() == {"gdb"}
    setup.make_environment(setup.Purpose.CHECK)
    assert setup.extras_there() == {"gdb", "dev"}
    assert [words[-1] for words in ran] == [".[gdb]", ".[dev,gdb]"]
    monkeypatch.setattr(setup, "environment_digest", lambda: "of another pyproject.toml")
    assert setup.extras_there() == set()


def test_a_command_that_never_ends_is_ended(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "LIMIT_S", 0.1)
    with pytest.raises(setup.SetupError, match=r"more than 0\.1 s: sleep 1000"):
        setup.run("sleep", "1000")


def test_a_command_that_fails_says_its_last_words(setup: ModuleType) -> None:
    with pytest.raises(setup.SetupError, match=r"exit status 3 of: echo why; exit 3\n  why"):
        setup.run(shell="echo why; exit 3")
