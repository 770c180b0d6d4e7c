"""Bytes of files → structure. Pure, and made for hostile input."""
