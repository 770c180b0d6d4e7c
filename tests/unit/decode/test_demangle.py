"""Names of C++ and Rust functions, next to the compilers' own tools."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given
from hypothesis import strategies as st

from mtedbg.decode import demangle
from mtedbg.decode.demangle import demangled

NAMES = [
    "_ZN6mtetso6Engine3runERNS_5FrameE",
    "_ZN6mtetso12_GLOBAL__N_19die_thereENS_5PointE",
    "_ZN6mtetso6EngineC1ERKNS_7OptionsERKNS_8ElfImageE",
    "_ZN6mtetso6EngineD2Ev",
    "_ZNK6mtetso4Code4findEm",
    "_Z4mainv",
    "_ZN6mtetso6points4hookE",
    "_ZSt9terminatev",
    "_ZNSt6thread4joinEv",
    "_ZNSt6vectorIiSaIiEE4sizeEv",
    "_Z3maxIiEvv",
    "_ZN6mtetsoplERKS_",
    "_ZZ4mainENKUlvE_clEv",
    "_ZNK1AcvbEv",
    "_ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE6appendEPKc",
]

RUST = [
    ("_RNvC6_123foo3bar", "123foo::bar"),
    ("_RINvCs6xxl1lAjzDf_1a7genericReKb0_Kc78_EB2_", "a::generic::<&str, false, 'x'>"),
    (
        "_RNvMNtNtNtCsjrHSEGnQ3l9_3std3sys2fd4unixNtB2_8FileDesc8read_buf",
        "<std::sys::fd::unix::FileDesc>::read_buf",
    ),
    ("_ZN4core3fmt9Formatter3pad17h9b2b3a0e5b4d1b31E", "core::fmt::Formatter::pad"),
    (
        "_ZN77_$LT$alloc..raw_vec..RawVec$LT$T$C$A$GT$$u20$as$u20$core..ops..drop..Drop$GT$"
        "4drop17he20417a5e54e67e0E",
        "<alloc::raw_vec::RawVec<T,A> as core::ops::drop::Drop>::drop",
    ),
]


def filtered(names: list[str]) -> list[str]:
    """As GNU's tool has them, without parameters."""
    command, text = ["c++filt", "-p"], "\n".join(names)
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_it_is_what_cxxfilt_says_without_parameters() -> None:
    assert [demangled(name) for name in NAMES] == filtered(NAMES)


def test_so_are_the_functions_of_libstdcxx() -> None:
    command = ["aarch64-linux-gnu-g++", "-print-file-name=libstdc++.so.6"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    with Path(done.stdout.strip()).open("rb") as file:
        table = ELFFile(file).get_section_by_name(".dynsym")
        found = [table.get_symbol(number).name for number in range(0, table.num_symbols(), 12)]
    names = [name for name in found if name.startswith(("_ZN", "_ZSt"))]
    assert len(names) > 300
    assert [demangled(name) for name in names] == filtered(names)


@pytest.mark.parametrize(("name", "expected"), RUST)
def test_names_of_rust(name: str, expected: str) -> None:
    assert demangled(name) == expected


def test_a_part_of_a_function_and_a_thunk_are_told_apart() -> None:
    assert demangled("_ZN1a1bEi.constprop.0.cold") == "a::b [clone .constprop.0.cold]"
    assert demangled("_ZThn16_N1a1bEv") == "non-virtual thunk to a::b"


def doubled(times: int) -> str:
    """Each template argument holds the one before twice."""
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    pairs = "".join(f"1AIS{digits[n]}_S{digits[n]}_E" for n in range(times))
    return f"_Z1fI1BIiE{pairs}EvT_"


@pytest.mark.parametrize(
    "name",
    ["main", "_start", "_Z", "_ZN", "_ZN6mtetso", "_ZN99xE", "_ZNE", "_ZSt", "_R", "_RNv", ""]
    + ["_Z1f" + "P" * 2000 + "i", "_Z1f" + "P" * 3000 + "i", "_RNvMC1aRB1_RB1_1x", "_Z\0", "_Zé"]
    + ["_Z1fI" + "1AI" * 500 + "i" + "E" * 501 + "vT_", "_Z1fIJ" + "i" * 900 + "EEvDp" * 20],
)
def test_what_cannot_be_read_stays_as_it_is(name: str) -> None:
    assert demangled(name) == name


def test_a_short_name_does_not_become_a_long_one() -> None:
    assert demangled(doubled(3)).startswith("f<B<int>, A<B, B>,")
    assert len(demangled(doubled(30))) <= demangle.MOST_OUTPUT


@given(
    st.from_regex(r"_ZN?[KS]?t?([0-9]{1,3}[a-zA-Z_0-9]{0,9}){0,3}(C1|D2|I|E)?v?")
    | st.from_regex(r"_(Z|R)[NIEPKSTLBMYXJDFvit0-9_sC.]{0,200}")
)
def test_anything_ends(name: str) -> None:
    assert demangled(name)


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    demangle._demangled.cache_clear()
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "demangle", None)
        assert demangled("_ZN1a1bEv") == "_ZN1a1bEv"
    demangle._demangled.cache_clear()
    assert demangled("_ZN1a1bEv") == "a::b"
