"""Which frames tell one bug from another, by file and by function."""

from __future__ import annotations

import time

import pytest

from mtedbg.analysis.postmortem.relevant import is_relevant, plain

LIBRARIES = """
libc.so.6; libc-2.31.so; ld-linux-aarch64.so.1; ld-musl-aarch64.so.1; libpthread.so.0; libm.so.6
[vdso]; libstdc++.so.6; libc++.so.1; libc++abi.so.1; libgcc_s.so.1; libscudo.so; linker64
libclang_rt.scudo_standalone.so; libjemalloc.so.2; libmimalloc.so.2; libtcmalloc.so.4
libhardened_malloc.so; libstd-0123abcd.so"""
PROGRAMS = """
game; libgame.so; liblda.so; libcrypto.so.3; libcairo.so.2; ldap; libmagic.so.1; linkerd; core"""
FUNCTIONS = """
abort; raise; gsignal; __pthread_kill_implementation; __assert_fail; __stack_chk_fail; memcpy
__memcpy_chk; __memcpy_generic; __memset_mops; __strlen_mte; strcpy; malloc; free; __libc_free
_int_free; operator delete(void*); operator new[](unsigned long); start_thread; rust_begin_unwind
scudo::Allocator<int>::deallocate(void*); std::terminate(); __cxa_throw; _start; __libc_start_main
std::panicking::begin_panic_handler; core::panicking::panic_fmt; alloc::vec::from_elem
panic_abort::__rust_start_panic::abort; runtime.gopanic; runtime.sigpanic; runtime.goexit
runtime.sigtrampgo; runtime.goPanicIndex; <signal handler called>; __restore_sigs"""
OURS = """
main; main.main; runtime.mallocgc; runtime.mapassign; panic_button
free_list; malloced; memory_of; strings::of; abort_transfer; operatorial; render; std_thread
game::core::run; raise_flag; Parser::free(Node*); freeze; memcpy_queue; start_threads; kill_enemy"""


def words(text: str) -> list[str]:
    return [one for line in text.split("\n") for one in line.split("; ") if one]


@pytest.mark.parametrize("name", words(LIBRARIES))
def test_libraries_are_left_out(name: str) -> None:
    assert not is_relevant(name, "anything")


@pytest.mark.parametrize("name", words(PROGRAMS))
def test_programs_are_not(name: str) -> None:
    assert is_relevant(name, "")


@pytest.mark.parametrize("name", words(FUNCTIONS))
def test_functions_of_a_static_program_are_left_out(name: str) -> None:
    assert not is_relevant("static", name)


@pytest.mark.parametrize("name", words(OURS))
def test_names_that_look_like_them_are_not(name: str) -> None:
    assert is_relevant("static", name)


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("parse.isra.0", "parse"),
        ("parse.part.0.constprop.1", "parse"),
        ("parse.cold", "parse"),
        ("runtime.raise.abi0", "runtime.raise"),
        ("parse.llvm.1234567", "parse"),
        ("free@@GLIBC_2.17", "free"),
        ("game::run::h0123456789abcdef", "game::run"),
        ("run(int) [clone .isra.0]", "run(int)"),
        ("a.b", "a.b"),
    ],
)
def test_what_a_compiler_appended_is_taken_off(name: str, made: str) -> None:
    assert plain(name) == made


@pytest.mark.parametrize("name", ["." + "1." * 2000 + "x", "std::" * 900, "_" * 4000, "mem" * 1300])
def test_a_name_made_to_take_long_does_not(name: str) -> None:
    begin = time.process_time()
    is_relevant("static", plain(name))
    assert time.process_time() - begin < 1
