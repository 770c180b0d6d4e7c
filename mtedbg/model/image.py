"""The program and the libraries of a process."""

from mtedbg.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class ImageFile:
    """One ELF image, and the file that stands for it here.

    Attributes:
        base: where its first page is mapped.
        name: its path, as the process had it; may be empty.
        build_id: hexadecimal; empty where it is not known.
        file: path of the file that is used; empty where none is.
        debug_file: path of the file with its symbols, where that is another one.
        remark: why no file is used, or what is to be said of it.
    """

    base: int
    name: str
    build_id: str = ""
    file: str = ""
    debug_file: str = ""
    remark: str = ""
