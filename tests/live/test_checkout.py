"""What is built in a checkout is found there."""

import pytest

from mtedbg.errors import UsageError
from mtedbg.lab import paths
from mtedbg.shell.files import guest_file


def test_a_checkout_uses_its_own_build() -> None:
    assert paths.in_checkout()
    assert paths.runtime() == paths.CHECKOUT / "native/build/cross/mtetso"
    assert paths.gdbinit() == paths.CHECKOUT / "gdbinit/mtedbg_gdb.py"
    assert paths.vm_image().exists()


def test_guests_have_names() -> None:
    assert guest_file("message").name == "message.elf"
    with pytest.raises(UsageError, match="there is no file or guest nobody") as error:
        guest_file("nobody")
    assert "message" in error.value.next_step
