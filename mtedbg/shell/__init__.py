"""Driving a debugger for a person: the only place for prompt_toolkit and pygdbmi."""
