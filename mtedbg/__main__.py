"""`python -m mtedbg`."""

import sys

from mtedbg.cli import main

if __name__ == "__main__":
    sys.exit(main())
