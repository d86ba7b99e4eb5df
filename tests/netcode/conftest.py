"""Every test of the secure link runs under the nonce audit."""

from collections.abc import Iterator

import pytest

from tests.nonce_audit import NonceAudit, audited


@pytest.fixture(autouse=True)
def nonce_audit() -> Iterator[NonceAudit]:
    with audited() as audit:
        yield audit
