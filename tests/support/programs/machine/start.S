/* What a machine begins with at EL1: a stack, vectors, `start`. */
        .arch armv8.5-a+memtag
        .section .text.start, "ax"
        .global _start
_start:
        adrp    x0, stack_top
        add     x0, x0, :lo12:stack_top
        mov     sp, x0
        adr     x0, vectors
        msr     vbar_el1, x0
        b       start

        .balign 2048
        .global vectors
vectors:
        .rept   16
        b       took_exception
        .balign 128
        .endr

        .global took_exception
took_exception:
        mrs     x0, esr_el1
        mrs     x1, far_el1
        mrs     x2, elr_el1
        b       caught
