/* SPDX-License-Identifier: MIT */
/* Stubs of the host functions, and the note that tells the runtime of them (see elf_image.h).
 * Entering a stub calls the host function, which goes on at the `ret`; without the runtime the
 * `ud2` says what is wrong. */
        .macro  import name
        .text
        .p2align 4
        .globl  \name
        .type   \name, @function
\name:  ud2
        ret
        .size   \name, . - \name
        .section .note.mtetso, "a", @note
        .quad   \name
        .asciz  "\name"
        .endm

        .section .note.mtetso, "a", @note
        .p2align 2
        .long   7
        .long   .Lend - .Lbegin
        .long   1
        .asciz  "mtetso"
        .p2align 2
.Lbegin:
        import  mtetso_write
        import  mtetso_exit
        import  mtetso_spawn
        import  mtetso_join
        import  mtetso_allocate
        import  mtetso_core_id
        import  mtetso_yield
        import  mtetso_host_peek
        import  mtetso_call
        import  mtetso_sort
        import  mtetso_load
        import  mtetso_symbol
        import  mtetso_unload
        import  mtetso_read
        import  mtetso_map_file
        .section .note.mtetso, "a", @note
.Lend:
        .p2align 2
        .section .note.GNU-stack, "", @progbits
