"""A form of an instruction: a template of GNU assembler text, and its flags.

Fields of a template, each with the letter of a width (b w d q) where it has one:
  r  a register           x  a register or memory      m  memory
  i  an immediate         c  a count, 0 to 66          l  a register without REX, ah to dh too
  k  memory addressed without REX
  n  a small number       p  one above 0           s  a number of bits, signed
  a  memory at a multiple of 16
  v  a vector register    z  a vector register or memory of a width (also x, 16 bytes)
  y  a vector register or memory at a multiple of 16
  o  an immediate of 8 bits
A digit behind makes the same field stand twice: {rq1} and {rq1}. Labels are 1: and 2:.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.oracle import flags
from tests.oracle.flags import Effect

WIDTHS = "bwdq"


@dataclass(frozen=True)
class Form:
    """One template and what it does to flags."""

    text: str
    effect: Effect = flags.NONE
