"""What an empty line does again."""

from __future__ import annotations

from mtedbg.commands import Command


def repeat_line(command: Command, line: str) -> str | None:
    """The words after the command's name that an empty line stands for; None for no repetition.

    Args:
        command: that ran last.
        line: its words then.

    Returns:
        The same words; of a command that goes on after what it showed, its options alone.
    """
    if not command.repeats:
        return None
    if not command.goes_on:
        return line.strip()
    options = {option.name for option in command.all_options}
    takes_value = {option.name for option in command.all_options if option.value}
    words = line.split()
    return " ".join(
        word
        for index, word in enumerate(words)
        if word in options or (index and words[index - 1] in takes_value)
    )
