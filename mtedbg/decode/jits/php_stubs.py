"""The stubs of PHP's JIT: code that what it compiles shares, and their names.

The JIT's buffer begins with a table of where they begin, and a second one of as many words for
where code that is far from them reaches them from. PHP keeps no names: by version it is known which
is which. That a table of this many addresses, in ascending order, is followed by one of none
confirms it. Where the JIT has put another address in the place of a stub's, it is not told where
the one before it ends.

Sources: php-src, `ext/opcache/jit/zend_jit_ir.c` (`JIT_STUBS`, `zend_jit_stub_handlers`,
`zend_jit_commit_veneers`), `zend_jit.c` (`zend_jit_init_handlers`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from mtedbg.dataclass import dataclass
from mtedbg.decode.jits.words import HoleError, Words
from mtedbg.model.absent import Absent, Reason

STUBS_8_4 = (
    *("exception_handler", "exception_handler_undef", "exception_handler_free_op2"),
    *("exception_handler_free_op1_op2", "interrupt_handler", "leave_function_handler"),
    *("negative_shift", "mod_by_zero", "invalid_this", "undefined_function"),
    *("throw_cannot_pass_by_ref", "icall_throw", "leave_throw", "hybrid_runtime_jit"),
    *("hybrid_profile_jit", "hybrid_func_hot_counter", "hybrid_loop_hot_counter"),
    *("hybrid_func_trace_counter", "hybrid_ret_trace_counter", "hybrid_loop_trace_counter"),
    *("trace_halt", "trace_escape", "trace_exit", "undefined_offset", "undefined_key"),
    *("cannot_add_element", "assign_const", "assign_tmp", "assign_var", "assign_cv_noref"),
    *("assign_cv", "new_array"),
)
"""In the order of the table."""
_WORD, _INSTRUCTION = 8, 4


@dataclass(frozen=True, slots=True)
class Stub:
    """One stub, or several of which it is not known where each begins.

    Attributes:
        start: the first address of its code.
        end: one past what may be its code: the next one begins there.
        names: in their order.
    """

    start: int
    end: int
    names: tuple[str, ...]


def stubs_in(
    words: Words, names: Sequence[str], start: int, end: int, filled: int
) -> tuple[Stub, ...]:
    """The stubs of a process, in the order of their code.

    Args:
        words: its memory.
        names: of its version's.
        start: of the JIT's buffer.
        end: of the stubs.
        filled: of what has been compiled behind them.

    Raises:
        HoleError: the table is not there, or not as that version has it.
    """
    count = len(names)
    table = [words.strip(one) for one in words.words(start, 2 * count)]
    known: list[tuple[int, int]] = []
    for number, at in enumerate(table[:count]):
        if start + 2 * count * _WORD <= at < end and at % _INSTRUCTION == 0:
            known.append((number, at))
        elif not end <= at < filled:
            raise _other()
    ascending = all(one[1] < other[1] for one, other in pairwise(known))
    if not known or not ascending or any(one and not end <= one < filled for one in table[count:]):
        raise _other()
    following = [*known[1:], (count, end)]
    return tuple(
        Stub(at, after, tuple(names[number:until]))
        for (number, at), (until, after) in zip(known, following, strict=True)
    )


def _other() -> HoleError:
    return HoleError(Absent(Reason.UNKNOWN, "the table of stubs is not as that version has it"))
