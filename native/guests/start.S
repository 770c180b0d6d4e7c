/* SPDX-License-Identifier: MIT */
/* The entry point: argc and argv are on the stack, as the System V ABI has them. */
        .text
        .globl  _start
        .type   _start, @function
_start:
        xorl    %ebp, %ebp
        movq    (%rsp), %rdi
        leaq    8(%rsp), %rsi
        andq    $-16, %rsp
        call    main
        movl    %eax, %edi
        call    mtetso_exit
        ud2
        .size   _start, . - _start
        .section .note.GNU-stack, "", @progbits
