"""The fault that a thread stopped on: the access, the tags, and what may have caused it."""
