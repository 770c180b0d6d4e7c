"""PHP's frames: the function that one runs, and the instruction that it has saved last.

A frame of PHP is a record on PHP's own stack, and compiled code keeps its address in x27. Before
whatever may throw or call, that code writes there which instruction it is at: PHP itself takes the
line of an error from it.

Sources: php-src, `Zend/zend_compile.h` (`zend_execute_data`), `ext/opcache/jit/zend_jit_ir.c`
(`ZREG_FP` of AArch64).
"""

from __future__ import annotations

from mtedbg.decode.jits.php import INSTRUCTION, MOST_INSTRUCTIONS, Opcache, Place, text_of
from mtedbg.decode.jits.words import HoleError

REGISTER = "x27"
USER = 2
"""The type of a function that is written in PHP."""
_FUNCTION = 24
_END = 1 << 52


def place_in(of: Opcache, frame: int) -> Place | None:
    """Where a frame is; None where none of a function that is written in PHP is there.

    Args:
        of: opcache.
        frame: address of its record.
    """
    layout, words = of.layout, of.words
    try:
        instruction = words.pointer(frame)
        function = words.pointer(frame + _FUNCTION)
        if not 0 < function < _END or words.number(function, 1) != USER:
            return None
        count = words.number(function + layout.count)
        into = instruction - words.pointer(function + layout.instructions)
        if not 0 < count <= MOST_INSTRUCTIONS or into % INSTRUCTION:
            return None
        if not 0 <= into < count * INSTRUCTION:
            return None
        name = words.pointer(function + layout.name)
        file = text_of(words, words.pointer(function + layout.file))
        line = words.number(instruction + layout.line)
        return Place(text_of(words, name) if name else "", file, line) if file else None
    except HoleError:
        return None
