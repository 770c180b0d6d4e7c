"""A run is given up for what it does, however busy the machine is."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.support.patience import Patience, of_process, of_session

SPINS = "while True: pass"
CHILD_SPINS = f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{SPINS}'])"
WAITS = "import signal; signal.pause()"


@pytest.mark.parametrize(
    ("program", "why"),
    [(SPINS, "processor time"), (CHILD_SPINS, "processor time"), (WAITS, "did nothing")],
)
def test_a_session(program: str, why: str) -> None:
    with subprocess.Popen([sys.executable, "-c", program], start_new_session=True) as process:
        patience = Patience(lambda: of_session(process.pid), limit_s=0.5, idle_s=2)
        while not (lost := patience.lost()):
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
    assert why in lost


def test_a_process_that_works_is_not_given_up() -> None:
    with subprocess.Popen([sys.executable, "-c", SPINS]) as process:
        patience = Patience(lambda: of_process(process.pid), limit_s=1e9, idle_s=60)
        while of_process(process.pid) < 0.5:
            assert patience.lost() == ""
        process.kill()
