/* SPDX-License-Identifier: MIT */
/* Runs each case from its input to its output: registers, flags, an arena and the top of a stack.
 * The same object natively and in the runtime; what differs is who writes and exits.
 *
 * Input:  16 registers in encoding order (flags in rsp's place), the arena, xmm0 to xmm15, MXCSR.
 * Output: 16 registers, flags, the arena, 32 quads around the first rsp, xmm0 to xmm15, MXCSR,
 *         x87's part of FXSAVE's area. x87 starts as `fninit` leaves it, with registers of zeros.
 * A case has r15 = arena_mid, which is the first byte of a page, and ends by a jump to `after`. */
        .intel_syntax noprefix
        .set    ARENA, 512
        .set    VECTORS, 256 + 8
        .set    X87, 160
        .set    INPUT, 128 + ARENA + VECTORS
        .set    STACK, 256
        .set    OUTPUT, 136 + ARENA + STACK + VECTORS + X87

        .macro  each_vector do
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        \do     \n
        .endr
        .endm
        .macro  load n
        movups  xmm\n, [rsi + 128 + ARENA + 16 * \n]
        .endm
        .macro  keep n
        movups  [vectors + 16 * \n], xmm\n
        .endm

        .text
        .globl  _start, after
        .type   _start, @function
_start: mov     [own_rsp], rsp
next:   mov     rax, [index]
        cmp     rax, [case_count]
        jae     finish
        imul    rsi, rax, INPUT
        add     rsi, offset inputs
        mov     [input], rsi
        add     rsi, 128
        mov     edi, offset arena
        mov     ecx, ARENA / 8
        rep     movsq
        mov     edi, offset stack_mid - STACK / 2
        mov     ecx, STACK / 8
        movabs  rax, 0x5a5a5a5a5a5a5a5a
        rep     stosq
        mov     rax, [index]
        mov     rax, [cases + rax * 8]
        mov     [target], rax
        mov     rsi, [input]
        each_vector load
        fxsave  [area]
        mov     qword ptr [area], 0x37f
        lea     rdi, [area + 8]
        xor     eax, eax
        mov     ecx, 2
        rep     stosq
        lea     rdi, [area + 32]
        mov     ecx, 16
        rep     stosq
        fxrstor [area]
        mov     rsi, [input]
        ldmxcsr [rsi + 128 + ARENA + 256]
        mov     esp, offset stack_mid
        push    qword ptr [rsi + 32]
        mov     rax, [rsi]
        mov     rcx, [rsi + 8]
        mov     rdx, [rsi + 16]
        mov     rbx, [rsi + 24]
        mov     rbp, [rsi + 40]
        mov     rdi, [rsi + 56]
        mov     r8, [rsi + 64]
        mov     r9, [rsi + 72]
        mov     r10, [rsi + 80]
        mov     r11, [rsi + 88]
        mov     r12, [rsi + 96]
        mov     r13, [rsi + 104]
        mov     r14, [rsi + 112]
        mov     r15, [rsi + 120]
        mov     rsi, [rsi + 48]
        popfq
        jmp     [target]
        .size   _start, . - _start

        .type   after, @function
after:  mov     [registers], rax
        mov     [registers + 8], rcx
        mov     [registers + 16], rdx
        mov     [registers + 24], rbx
        mov     [registers + 32], rsp
        mov     [registers + 40], rbp
        mov     [registers + 48], rsi
        mov     [registers + 56], rdi
        mov     [registers + 64], r8
        mov     [registers + 72], r9
        mov     [registers + 80], r10
        mov     [registers + 88], r11
        mov     [registers + 96], r12
        mov     [registers + 104], r13
        mov     [registers + 112], r14
        mov     [registers + 120], r15
        mov     rsp, [own_rsp]
        pushfq
        pop     qword ptr [registers + 128]
        cld
        fxsave  [area]
        each_vector keep
        stmxcsr [vectors + 256]
        imul    rdi, [index], OUTPUT
        add     rdi, offset outputs
        mov     esi, offset registers
        mov     ecx, 17
        rep     movsq
        mov     esi, offset arena
        mov     ecx, ARENA / 8
        rep     movsq
        mov     esi, offset stack_mid - STACK / 2
        mov     ecx, STACK / 8
        rep     movsq
        mov     esi, offset vectors
        mov     ecx, VECTORS / 8
        rep     movsq
        mov     esi, offset area
        mov     ecx, X87 / 8
        rep     movsq
        inc     qword ptr [index]
        jmp     next
finish: mov     rsp, [own_rsp]
        and     rsp, -16
        mov     edi, offset outputs
        imul    rsi, [case_count], OUTPUT
        call    mtetso_write
        xor     edi, edi
        call    mtetso_exit
        ud2
        .size   after, . - after

        .bss
        .globl  arena_mid, stack_mid
        .p2align 12
        .skip   4096 - ARENA / 2
arena:  .skip   ARENA / 2
arena_mid:
        .skip   ARENA / 2
        .p2align 4
        .skip   1 << 14
stack_mid:
        .skip   256
own_rsp:
        .skip   8
index:  .skip   8
input:  .skip   8
target: .skip   8
registers:
        .skip   136
vectors:
        .skip   VECTORS
        .p2align 4
area:   .skip   512
        .globl  outputs
outputs:
        .skip   CASES * OUTPUT
        .section .note.GNU-stack, "", @progbits
