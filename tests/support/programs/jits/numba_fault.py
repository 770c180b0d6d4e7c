"""A function that numba compiles, and that dies in its own code: a wild address is read."""

from numba import njit, types
from numba.extending import intrinsic


@intrinsic
def word_at(_context, address):
    """The word at an address, whatever is there."""

    def made(_context, builder, _signature, arguments):
        place = builder.inttoptr(arguments[0], arguments[0].type.as_pointer())
        return builder.load(place)

    return types.int64(types.int64), made


@njit(inline="never")
def inner(address):
    return word_at(address) + 1


@njit
def outer(address):
    total = 0
    for step in range(3):
        total += inner(address + step)
    return total


outer(8)
