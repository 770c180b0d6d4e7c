"""Names of C++ functions, beside the demangler of the compiler's own tools."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_what_cxxfilt_says_without_parameters(name):
    done = subprocess.run(["c++filt", "-p", name], capture_output=True, text=True, check=True)
    assert demangled(name) == done.stdout.strip()


@pytest.mark.parametrize(
    "name",
    [
        "main",
        "_start",
        "_Z",
        "_ZN",
        "_ZN6mtetso",
        "_ZN99xE",
        "_ZNSt6vectorIiE4sizeEv",
        "_Z3maxIiEvv",
    ]
    + ["_ZN6mtetsoplERKS_", "_ZNE", "_ZSt"],
)
def test_what_is_not_plain_stays_as_it_is(name):
    assert demangled(name) == name


@given(st.from_regex(r"_ZN?[KS]?t?([0-9]{1,3}[a-zA-Z_0-9]{0,9}){0,3}(C1|D2|I|E)?v?"))
def test_anything_ends(name):
    assert demangled(name)
