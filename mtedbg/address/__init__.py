"""ADDR, LEN and TAG: one language of expressions for every debugger and for dead processes.

It is C's, with GDB's `$registers`, and it reads without running anything in the program:

| written | means |
|---|---|
| `16 0x10 020 0b10000 16ul` | numbers, of 64 bits whatever their suffix |
| `$x0 $w0 $sp $lr` | registers: 64-bit numbers without a type |
| `p ns::p 'f.cold'` | a variable's value; where a function or an array is |
| `p->next p.x a[3] *p &x` | members, elements, what a pointer points to, where something is |
| `(char *)p (uint64_t)n (struct node *)$x0` | casts to integers and pointers |
| `sizeof(struct node) sizeof *p` | bytes |
| unary `- + ~`, `* / %`, `+ -`, `<< >>`, `&`, `^`, or | on 64 bits, in C's order |

Numbers are signed until a register, a pointer or another unsigned one of 64 bits is among them.
A pointer moves by the size of what it points to. A register, a number and a symbol without debug
information have no type: what is read there must be said, `*(unsigned long *)$x0`.

| file | concern |
|---|---|
| `tokens` | words and signs; where an expression on a command line ends |
| `c_types` | C's integer types on AArch64 Linux |
| `values` | types and values; `Lookup`, the port: what a debugger or a core knows of names |
| `arithmetic` | operators and casts on values |
| `memory` | what values are: read, pointed to, members and elements |
| `reader` | `evaluate`: reads an expression, and asks a `Lookup` |

How to add a source of names: a class with the methods of `values.Lookup`.
"""
