"""The phases of fault handling: where a thread is, and how it gets to the next one."""
