"""The vault: Windows' Credential Manager, a real Secret Service, and none at all."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from iea_agent.host.vault import LONGEST, SecretLengthError, SystemVault, Vault, VaultUnavailable

ACCOUNT = "licence-key"


@pytest.mark.usefixtures("system_vault")
class TestVault:
    """The contract of every vault."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Vault]:
        """Return a vault for one test, which is emptied after it."""
        store = SystemVault(f"IEA Agent test {tmp_path}")
        yield store
        for account in (ACCOUNT, "other", "é ü/@:\\ 日本"):
            store.delete_secret(account)

    def test_nothing_is_there_at_first(self, store: Vault) -> None:
        assert store.read_secret(ACCOUNT) is None

    @pytest.mark.parametrize(
        "secret",
        [
            "a",
            "IEA-KEY-0123456789",
            " leading and trailing ",
            "quotes ' \" \\ % & + = / ; # é è ü ß « » \u00a0\u202f’",
            "line\r\nbreaks\tand\x01controls",
            "\ufeffmark in front",
            "日本語 العربية e\u0301",
            "😀👩\u200d💻 outside the first plane",
            "x" * LONGEST,
            "😀" * (LONGEST // 2),
        ],
    )
    def test_a_written_secret_is_read(self, store: Vault, secret: str) -> None:
        store.write_secret(ACCOUNT, secret)
        assert store.read_secret(ACCOUNT) == secret

    def test_the_last_one_written_counts(self, store: Vault) -> None:
        for secret in ("first", "second, longer", "3"):
            store.write_secret(ACCOUNT, secret)
            assert store.read_secret(ACCOUNT) == secret

    def test_accounts_and_services_are_apart(self, store: Vault) -> None:
        store.write_secret(ACCOUNT, "one")
        store.write_secret("other", "two")
        store.write_secret("é ü/@:\\ 日本", "three")
        assert [store.read_secret(name) for name in (ACCOUNT, "other", "é ü/@:\\ 日本")] == [
            "one",
            "two",
            "three",
        ]
        assert SystemVault("another IEA Agent test").read_secret(ACCOUNT) is None
        store.delete_secret("other")
        assert store.read_secret("other") is None
        assert store.read_secret(ACCOUNT) == "one"

    def test_a_deleted_secret_is_gone(self, store: Vault) -> None:
        store.write_secret(ACCOUNT, "old")
        store.write_secret(ACCOUNT, "new")
        store.delete_secret(ACCOUNT)
        assert store.read_secret(ACCOUNT) is None
        store.delete_secret(ACCOUNT)  # a second time: nothing happens

    def test_another_process_reads_it(self, store: Vault, tmp_path: Path) -> None:
        store.write_secret(ACCOUNT, "clé 😀")
        script = (
            "import sys; from iea_agent.host.vault import SystemVault;"
            "sys.stdout.buffer.write(SystemVault(sys.argv[1]).read_secret(sys.argv[2]).encode())"
        )
        process = subprocess.run(
            [sys.executable, "-c", script, f"IEA Agent test {tmp_path}", ACCOUNT],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=True,
        )
        assert process.stdout.decode() == "clé 😀"

    @pytest.mark.parametrize("secret", ["x" * (LONGEST + 1), "😀" * (LONGEST // 2) + "x"])
    def test_a_secret_too_long_for_windows_is_refused(self, store: Vault, secret: str) -> None:
        store.write_secret(ACCOUNT, "kept")
        with pytest.raises(SecretLengthError) as refusal:
            store.write_secret(ACCOUNT, secret)
        assert "x" * 20 not in str(refusal.value)
        assert store.read_secret(ACCOUNT) == "kept"

    def test_an_empty_secret_is_refused(self, store: Vault) -> None:
        with pytest.raises(ValueError, match="empty"):
            store.write_secret(ACCOUNT, "")

    def test_keyring_reads_the_same(self, store: Vault, tmp_path: Path) -> None:
        """On Windows we read what keyring has written: it must be the same credential."""
        store.write_secret(ACCOUNT, "clé 😀")
        service = f"IEA Agent test {tmp_path}"
        if sys.platform == "win32":
            from keyring.backends.Windows import WinVaultKeyring

            secret = WinVaultKeyring().get_password(f"{service}/{ACCOUNT}", ACCOUNT)
        else:
            from keyring.backends.SecretService import Keyring

            secret = Keyring().get_password(service, ACCOUNT)
        assert secret == "clé 😀"


@pytest.mark.linux
@pytest.mark.parametrize("address", ["", "unix:path=/nowhere/bus"])
def test_without_a_session_bus_linux_refuses(
    address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The secret does not go to a plain-text file instead."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    if not address:
        monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
    store = SystemVault("IEA Agent test")
    with pytest.raises(VaultUnavailable) as refusal:
        store.read_secret(ACCOUNT)
    assert refusal.value.__cause__ is not None
    with pytest.raises(VaultUnavailable):
        store.write_secret(ACCOUNT, "marker-of-this-test")
    with pytest.raises(VaultUnavailable):
        store.delete_secret(ACCOUNT)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.skipif(sys.platform != "win32", reason="needs Windows")
class TestCredentialManager:
    """The particulars of Windows."""

    def test_the_credential_stays_on_this_machine_and_no_old_one_is_kept(self, tmp_path: Path) -> None:
        if sys.platform == "win32":
            from win32ctypes.pywin32 import pywintypes, win32cred

            service = f"IEA Agent test {tmp_path}"
            store = SystemVault(service)
            store.write_secret(ACCOUNT, "old-key")
            store.write_secret(ACCOUNT, "new-key")
            try:
                credential = win32cred.CredRead(f"{service}/{ACCOUNT}", win32cred.CRED_TYPE_GENERIC)
                assert credential["Persist"] == win32cred.CRED_PERSIST_LOCAL_MACHINE == 2
                with pytest.raises(pywintypes.error) as absent:  # where keyring puts what it replaces
                    win32cred.CredRead(f"{ACCOUNT}@{service}/{ACCOUNT}", win32cred.CRED_TYPE_GENERIC)
                assert absent.value.winerror == 1168
            finally:
                store.delete_secret(ACCOUNT)

    def test_reading_and_writing_load_no_library(self, tmp_path: Path) -> None:
        """The tray process does both and stays for days: keyring would cost it 4.4 MB."""
        service = f"IEA Agent test {tmp_path}"
        script = (
            "import sys; from iea_agent.host.vault import SystemVault; vault = SystemVault(sys.argv[1]);"
            "vault.write_secret('x', 'clé 🔑'); same = vault.read_secret('x') == 'clé 🔑';"
            "sys.exit(not same or any(name in sys.modules for name in ('keyring', 'win32ctypes', 'cffi')))"
        )
        arguments = [sys.executable, "-X", "utf8", "-c", script, service]
        done = subprocess.run(arguments, stdin=subprocess.DEVNULL, env=os.environ, timeout=60, check=False)
        SystemVault(service).delete_secret("x")
        assert done.returncode == 0
