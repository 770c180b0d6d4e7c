"""`python -m mtedbg`."""

from mtedbg.cli import program

if __name__ == "__main__":
    program()
