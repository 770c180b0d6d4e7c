"""What a target's bytes mean: frozen dataclasses and enums. No I/O, standard library only."""
