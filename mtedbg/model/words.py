"""Words about facts that several places say alike."""


def counted(count: int, noun: str) -> str:
    """A number of things: "1 byte", "0 bytes", "3 tagged mappings".

    Args:
        count: how many.
        noun: of one of them; its plural ends in s.
    """
    return f"{count} {noun}{'' if count == 1 else 's'}"
