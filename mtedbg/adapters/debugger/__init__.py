"""What GDB and LLDB share: plain Python, no debugger imported.

| file | concern |
|---|---|
| `target`, `source` | the part of the port that a source of mappings and tags answers |
| `peer` | what is at the other end of a connection |
| `reading`, `spans` | memory in pieces; mappings and tags cut and joined |
| `loaded_core`, `memory_alone` | a core that the debugger has loaded; memory in a backtrace |
| `stepping`, `signals` | breakpoints that ask; why a thread stopped |
| `host_files`, `output`, `refused` | files of this machine; colours; why there is no answer |
"""
