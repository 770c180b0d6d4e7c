"""Every exception that stops a command: one line saying what is wrong, one saying what to do.

A value that merely is not there is no exception: see `mtedbg.model.absent`.
"""


def _one_line(text: str) -> str:
    """`text` with every control character replaced by a visible escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class MtedbgError(Exception):
    """Something stopped the command.

    Args:
        message: what is wrong, one line without a full stop.
        next_step: what the user can do about it, one line; empty where nothing can be done.
    """

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        # A message may quote what was read from a target, which is hostile.
        self.message = _one_line(message)
        self.next_step = _one_line(next_step)

    def __str__(self) -> str:
        return f"{self.message}\n{self.next_step}" if self.next_step else self.message


class UsageError(MtedbgError):
    """The command's words are off: wrong option, missing or extra argument."""


class ExpressionError(MtedbgError):
    """An address expression cannot be evaluated."""


class NotInLanguageError(ExpressionError):
    """An address expression is written as `mtedbg.address` does not read it."""


class NoTargetError(MtedbgError):
    """There is no process and no core, or it is not an AArch64 one."""


class NotOnThisTargetError(MtedbgError):
    """The command needs what this target does not have: a live process, or a stopped one."""


class FileFormatError(MtedbgError):
    """A file is not what it should be: not a core, truncated, of another machine."""


class NotNowError(FileFormatError):
    """A file cannot be read now, and may be another time: no permission, a full disk."""


class OverBudgetError(MtedbgError):
    """A report has read as much as it may: see `mtedbg.budget`."""


def too_much_memory() -> OverBudgetError:
    """What a MemoryError means to who reads a file."""
    return OverBudgetError(
        "this takes more memory than a report may use", "for ten times as much: --budget 10"
    )


class SteppingError(MtedbgError):
    """The program cannot be let run as asked: it would not come to where it is to stop."""


class NoHardwareBreakpointError(SteppingError):
    """The debugger's server makes no hardware breakpoint, and nothing else would do."""


class NoRuntimeError(MtedbgError):
    """No runtime with a debug root is in this process."""


class LayoutError(MtedbgError):
    """The debug root, its schema or a table is damaged or of an unknown version."""


class ConnectionLostError(MtedbgError):
    """The debugger's connection to its server broke, or the server answered nonsense."""


class ToolMissingError(MtedbgError):
    """A program or file that this needs is not on the machine."""


class LabError(MtedbgError):
    """QEMU or the virtual machine did not do what was asked of it."""


class DocumentError(MtedbgError):
    """A file that the user asked for cannot be written."""
