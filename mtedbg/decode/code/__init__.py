"""JIT code and instructions."""
