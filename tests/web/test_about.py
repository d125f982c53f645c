from __future__ import annotations

from collections.abc import Mapping

import pytest

from runwisp.web.about import is_service_managed


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, False),
        ({"NOTIFY_SOCKET": "/run/systemd/notify"}, True),
        ({"SYSTEMD_EXEC_PID": "12", "INVOCATION_ID": "0f"}, True),
        # A shell in a service of the user's session.
        ({"SYSTEMD_EXEC_PID": "11", "INVOCATION_ID": "0f"}, False),
        ({"XPC_SERVICE_NAME": "org.example.runwisp"}, True),
        ({"XPC_SERVICE_NAME": "0"}, False),
    ],
)
def test_a_service_manager_is_known_by_what_it_says_of_this_process(
    environ: Mapping[str, str], expected: bool
) -> None:
    assert is_service_managed(environ, 12) is expected
