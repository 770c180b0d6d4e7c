/* SPDX-License-Identifier: MIT */
/* The host functions of the harness as system calls of x86-64 Linux. */
        .intel_syntax noprefix
        .text
        .globl  mtetso_write, mtetso_exit
mtetso_write:
        mov     rdx, rsi
        mov     rsi, rdi
        mov     edi, 1
        mov     eax, 1
        syscall
        test    rax, rax
        jle     1f
        lea     rdi, [rsi + rax]
        mov     rsi, rdx
        sub     rsi, rax
        jne     mtetso_write
1:      ret
mtetso_exit:
        mov     eax, 60
        syscall
        .section .note.GNU-stack, "", @progbits
