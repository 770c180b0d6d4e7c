"""Names of systemd-coredump's files, and names that only look like them."""

from __future__ import annotations

import pytest

from mtedbg.formats.systemd_name import SystemdName, systemd_name

BOOT = "0123456789abcdef" * 2
TIME = "1764324672123456"
GUILTY = SystemdName("guilty", 1234, 1764324672.123456)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (f"core.guilty.1000.{BOOT}.1234.{TIME}.zst", GUILTY),
        (f"core.guilty.0.{BOOT}.1234.{TIME}", GUILTY),
        (f"core.guilty.0.{BOOT}.1234.{TIME}.lz4", GUILTY),
        (f"core.guilty.0.{BOOT}.1234.{TIME}.xz.gz", GUILTY),
        (f"core.guilty.0.{BOOT}.1234.{TIME}000000.lz4", GUILTY),
        (rf"core.a\x2eout.0.{BOOT}.1.{TIME}", SystemdName("a.out", 1, GUILTY.died_at)),
        (rf"core.Web\x20Content.0.{BOOT}.1.{TIME}", SystemdName("Web Content", 1, GUILTY.died_at)),
        (rf"core.a\xb.0.{BOOT}.1.{TIME}", SystemdName(r"a\xb", 1, GUILTY.died_at)),
        (rf"core.\xc3\xa9.0.{BOOT}.1.{TIME}", SystemdName("é", 1, GUILTY.died_at)),
    ],
)
def test_what_a_name_says(name: str, expected: SystemdName) -> None:
    assert systemd_name(name) == expected


@pytest.mark.parametrize(
    "name",
    [
        "core",
        "core.1234",
        f"core.guilty.1000.{BOOT[1:]}.1234.{TIME}",
        f"core.guilty.1000.{BOOT.upper()}.1234.{TIME}",
        f"core.guilty.1000.{BOOT}.1234.{TIME[:10]}",
        f"core.guilty.1000.{BOOT}.1234.{TIME}1",
        f"core.guilty.1000.{BOOT}.1234.{'9' * 4000}",
        f"core.guilty.1000.{BOOT}.0.{TIME}",
        f"core.guilty.1000.{BOOT}.9999999.{TIME}",
        f"core.guilty.1000.{BOOT}.{'1' * 5000}.{TIME}",
        f"core.guilty.1000.{BOOT}.١٢٣.{TIME}",
        f"core.sixteen_letters_.1000.{BOOT}.1234.{TIME}",
        f"core..1000.{BOOT}.1234.{TIME}",
        f"core.a.b.1000.{BOOT}.1234.{TIME}",
        f"core.guilty.1000.{BOOT}.1234.{TIME}.txt",
        f"core.guilty.1000.{BOOT}.1234.{TIME}\n",
        "core." * 2000,
    ],
)
def test_other_names_say_nothing(name: str) -> None:
    assert systemd_name(name) is None
