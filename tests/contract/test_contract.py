"""One suite over every adapter: what the port promises is kept by all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.adapters import ADAPTERS, Subject
from tests.contract.checks import CHECKS


@pytest.fixture(scope="module", params=ADAPTERS)
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    with ADAPTERS[request.param](request) as adapter:
        yield adapter


@pytest.mark.parametrize("check", CHECKS)
def test_the_port_keeps_its_promises(subject: Subject, check: str) -> None:
    subject.run(check)
