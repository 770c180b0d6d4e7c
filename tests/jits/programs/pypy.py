# Calls kill with signals of a list, in a loop that is compiled: all are 0 but the last.
import posix


def inner(pid, signals, total):
    at = 0
    while at < len(signals):
        total += at & 7
        posix.kill(pid, signals[at])
        at += 1
    return total


def outer(rounds, last):
    total = 0
    pid = posix.getpid()
    for number in range(rounds):
        total += inner(pid, [0] * 40 + [last if number == rounds - 1 else 0], total & 15)
    return total


print(outer(3000, 0), flush=True)
outer(3000, 11)
