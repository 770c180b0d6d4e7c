"""Bytes of files → structure, for hostile input: no file is opened here, and no target is asked.

Bytes come from a `Buffer`, a whole file that may be cut off, or by a `Read` function, piece by
piece from a process's memory (`buffer.py`). What is not as it should be is a `FileFormatError`
where nothing can be read, else it is left out, with a remark or an `Absent` that says why.
"""
