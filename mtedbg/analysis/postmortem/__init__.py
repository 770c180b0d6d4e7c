"""Why a process died: the cause, its signature, and what the file lacks."""
