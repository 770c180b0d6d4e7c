"""What GDB and LLDB have in common as targets."""
