"""Which frames tell one bug from another: not those that every crash of a kind passes through.

A frame is left out by the file that it is in, or, for programs that have everything in one file, by
the name of its function. Each row of the two tables says why. What is left out of a signature is
not left out of a report: that shows all calls.
"""

from __future__ import annotations

import re

_FILES = (
    # The C library: where abort, raise, memcpy, free and a thread's start are.
    r"lib(c|pthread|rt|dl|m|resolv|anl)[-.]",
    # The dynamic loader and what it maps: entry, lazy binding, system calls.
    r"ld[-.]|ld-linux|linker(64)?$|\[vdso\]|\[vdso|linux-vdso",
    # Runtimes of languages: throw, terminate, operator new, unwinding, start of threads.
    r"lib(stdc\+\+|c\+\+|c\+\+abi|gcc_s|unwind|atomic|gomp|omp|supc\+\+)[-_.]",
    r"libstd-[0-9a-f]+\.|libart[-.]|libandroid_runtime|libandroid_",
    # Allocators: free and malloc find what others have broken.
    r"lib(scudo|jemalloc|mimalloc|tcmalloc|hardened_malloc|snmalloc|rpmalloc|hoard|gwp_asan)",
    r"libclang_rt|lib(a|hwa|t|m|ub)san[-.]|libefence|libduma|libc_malloc",
    # Crash handlers: they are on the stack of every crash of their program.
    r"lib(SegFault|crashpad|breakpad|sigsegv|backtrace|sentry)|libdebuggerd|libsigchain",
)
_FUNCTIONS = (
    # Ways to end, and to be told of it.
    r"_?_?(abort|raise|gsignal|tgkill|pthread_kill|kill|tkill|sigqueue|assert_?_?fail\w*|exit)",
    r"__pthread_kill\w*|__GI_\w+|__libc_(message|fatal|assert\w*)\w*|__(stack_)?chk_fail|__fortify_fail\w*",
    r"<signal handler called>|__(restore|block_(all|app))_sigs",
    r"__assert2?|__assert_perror_fail|_Exit|__kernel_\w+|__restore_rt|__default_(rt_)?sa_restorer",
    # Memory and strings: whoever passed a bad pointer is the caller.
    r"_*(mem|str|wcs|wmem|stp|bcmp|bcopy|bzero|raw)(cpy|move|set|chr|rchr|cmp|len|nlen|cat|ncat|ncpy"
    r"|ncmp|casecmp|ncasecmp|str|spn|cspn|pbrk|tok|sep|dup|ndup|pcpy|mem|coll|xfrm|size)?(_chk)?"
    r"(_(aarch64|generic|mte|sve|mops|asimd|advsimd|zba64|kunpeng50|thunderx2?|a64fx|oryon1|emag|nobti"
    r"|falkor|default))*",
    # Allocators.
    r"_*(malloc|calloc|realloc|reallocarray|free|cfree|memalign|aligned_alloc|posix_memalign|valloc"
    r"|pvalloc|malloc_usable_size|free(_aligned)?_sized)",
    r"_int_(malloc|free|realloc|memalign)\w*|malloc_(printerr|consolidate)|unlink_chunk|sysmalloc"
    r"|tcache_\w+|munmap_chunk|systrim|__libc_(malloc|free|calloc|realloc|memalign)\w*|_mid_memalign",
    r"operator (new|delete)\b.*|(scudo|gwp_asan|__scudo|hardened_malloc)\b.*|scudo_\w+|je_\w+"
    r"|mi_\w+|__gwp_asan_\w+",
    # C++: throw, terminate, and what std::thread and std::function put between.
    r"std::terminate.*|__cxxabiv1::.*|__cxa_\w+|_Unwind_\w+|__gnu_cxx::.*|__gxx_\w+|__clang_call_terminate"
    r"|std::__throw_\w+.*|std::(__)?(invoke|apply|thread|function|_Function_handler|_Bind|jthread)\b.*"
    r"|void std::__invoke.*|std::__1::.*(__invoke|__thread_proxy|__function).*",
    # Rust: panics, allocation, and what is around main and a thread's closure.
    r"_?(core|std|alloc)::(panicking|panic|rt|sys|sys_common|thread|alloc|result|option|ops::function"
    r"|process|backtrace|intrinsics|boxed|raw_vec)::.*|<(core|std|alloc)::.*"
    r"|(__rustc::)?(rust_(begin_unwind|panic\w*|eh_personality)|__rust_\w+|__rdl_\w+|__rg_\w+|rust_oom)"
    r"|panic_(abort|unwind)::.*|std::(rt|sys|panic\w*).*|alloc::.*|core::(ptr|ops|intrinsics|slice|str|fmt|option|result|panicking).*",
    # Go: panics, signals, and what is around main and a goroutine's function.
    r"runtime\.((goP|fatalp|gop|p)anic\w*|throw|fatal\w*|crash|dopanic\w*|raise\w*|dieFromSignal|sig\w+|main"
    r"|goexit\w*|mcall|mstart\w*|systemstack\w*|morestack\w*|asmcgocall\w*|cgo\w+|rt0_go)",
    # Before main and a thread's function.
    r"_start|__libc_start_\w+|start_thread|thread_start|__clone3?|clone3?|__wrap_main|_dl_\w+|call_init"
    r"|__libc_init|__pthread_start.*",
)

_OF_FILE = re.compile("|".join(f"(?:{one})" for one in _FILES))
_OF_FUNCTION = re.compile("|".join(f"(?:{one})" for one in _FUNCTIONS))
_APPENDED = re.compile(
    r"(\.(isra|part|constprop|cold|lto_priv|llvm|localalias|clone|specialized|\d+)"
    r"|::h[0-9a-f]{16}| \[clone [^\[\]]*\]|\.abi(0|internal))+$"
)
"""What GCC, clang's LTO, symbol versions, rustc and Go put behind a function's name."""


def plain(function: str) -> str:
    """The name of a function without what a compiler or linker appended to it."""
    return _APPENDED.sub("", function.partition("@")[0])


def is_relevant(module: str, function: str) -> bool:
    """Whether a frame can tell one bug from another.

    Args:
        module: name of the file that it is in, without its folder; may be empty.
        function: as `plain` gives it; empty where it is not known.
    """
    if module and _OF_FILE.match(module):
        return False
    return not (function and _OF_FUNCTION.fullmatch(function))
