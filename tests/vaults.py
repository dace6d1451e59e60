"""The vault for tests: on Linux a Secret Service in a D-Bus session of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def system_vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let the test use a vault: on Linux GNOME's keyring in a new D-Bus session."""
    if sys.platform == "win32":
        yield
        return
    else:
        with pytest.MonkeyPatch.context() as environment, _secret_service(tmp_path_factory, environment):
            yield


if sys.platform != "win32":
    from contextlib import contextmanager

    from jeepney import MatchRule, message_bus
    from jeepney.io.blocking import Proxy, open_dbus_connection

    @contextmanager
    def _secret_service(folders: pytest.TempPathFactory, environment: pytest.MonkeyPatch) -> Iterator[None]:
        for name in ("HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"):
            folder = folders.mktemp(name)
            folder.chmod(0o700)
            environment.setenv(name, str(folder))
        bus = subprocess.Popen(
            ["dbus-daemon", "--session", "--nofork", "--nosyslog", "--print-address"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert bus.stdout is not None
        with bus:
            environment.setenv("DBUS_SESSION_BUS_ADDRESS", bus.stdout.readline().strip())
            keyring = subprocess.Popen(
                ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            try:
                assert keyring.stdin is not None
                keyring.stdin.write(b"the password of this keyring")
                keyring.stdin.close()
                _wait_for_owner("org.freedesktop.secrets")
                yield
            finally:
                for process in (keyring, bus):
                    process.terminate()
                    process.wait(10)

    def _wait_for_owner(name: str) -> None:
        rule = MatchRule(type="signal", sender="org.freedesktop.DBus", member="NameOwnerChanged")
        rule.add_arg_condition(0, name)
        with open_dbus_connection() as connection:
            session = Proxy(message_bus, connection)
            session.AddMatch(rule)
            with connection.filter(rule) as changes:
                if not session.NameHasOwner(name)[0]:
                    connection.recv_until_filtered(changes, timeout=10)
