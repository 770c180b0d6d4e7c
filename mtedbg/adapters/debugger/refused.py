"""Why a debugger's program cannot be asked: the same words in every debugger."""

from __future__ import annotations

from mtedbg.errors import NoTargetError, NotOnThisTargetError


def no_program(open_core: str) -> NoTargetError:
    """There is none.

    Args:
        open_core: the debugger's command for that.
    """
    return NoTargetError(
        "no program is being debugged", f"start or attach to one, or open a core: {open_core}"
    )


def running(interrupt: str) -> NotOnThisTargetError:
    """It runs.

    Args:
        interrupt: the debugger's command that stops it.
    """
    return NotOnThisTargetError("the program is running", f"stop it first: {interrupt}")


def not_aarch64(name: str, shown_by: str) -> NoTargetError:
    """It is another machine's.

    Args:
        name: the machine's, as the debugger has it.
        shown_by: the debugger's command that shows it.
    """
    return NoTargetError(
        f"this program is for {name}, not for 64-bit AArch64",
        f"memory tagging exists only on AArch64; see `{shown_by}`",
    )
