"""The vault: one contract, kept by Windows' Credential Manager and by a real Secret Service; and refusals where there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from iea_agent.host import vault

ACCOUNT = "licence-key"


@pytest.mark.usefixtures("system_vault")
class TestVault:
    """What every vault must do."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[vault.Vault]:
        """A vault of its own for each test, empty again afterwards."""
        store = vault.here(f"IEA Agent test {tmp_path}")
        yield store
        for account in (ACCOUNT, "other", "é ü/@:\\ 日本"):
            store.delete(account)

    def test_nothing_is_there_at_first(self, store: vault.Vault) -> None:
        assert store.read(ACCOUNT) is None

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
            "x" * vault.LONGEST,
            "😀" * (vault.LONGEST // 2),
        ],
    )
    def test_what_is_written_is_read(self, store: vault.Vault, secret: str) -> None:
        store.write(ACCOUNT, secret)
        assert store.read(ACCOUNT) == secret

    def test_the_last_one_written_counts(self, store: vault.Vault) -> None:
        for secret in ("first", "second, longer", "3"):
            store.write(ACCOUNT, secret)
            assert store.read(ACCOUNT) == secret

    def test_accounts_and_services_are_apart(self, store: vault.Vault) -> None:
        store.write(ACCOUNT, "one")
        store.write("other", "two")
        store.write("é ü/@:\\ 日本", "three")
        assert [store.read(name) for name in (ACCOUNT, "other", "é ü/@:\\ 日本")] == ["one", "two", "three"]
        assert vault.here("IEA Agent test of somebody else").read(ACCOUNT) is None
        store.delete("other")
        assert store.read("other") is None
        assert store.read(ACCOUNT) == "one"

    def test_what_is_deleted_is_gone(self, store: vault.Vault) -> None:
        store.write(ACCOUNT, "old")
        store.write(ACCOUNT, "new")
        store.delete(ACCOUNT)
        assert store.read(ACCOUNT) is None
        store.delete(ACCOUNT)  # a second time: nothing happens

    def test_another_process_reads_it(self, store: vault.Vault, tmp_path: Path) -> None:
        store.write(ACCOUNT, "clé 😀")
        script = (
            "import sys; from iea_agent.host import vault;"
            "sys.stdout.buffer.write(vault.here(sys.argv[1]).read(sys.argv[2]).encode())"
        )
        read = subprocess.run(
            [sys.executable, "-c", script, f"IEA Agent test {tmp_path}", ACCOUNT],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=True,
        )
        assert read.stdout.decode() == "clé 😀"

    @pytest.mark.parametrize("secret", ["x" * (vault.LONGEST + 1), "😀" * (vault.LONGEST // 2) + "x"])
    def test_what_windows_could_not_keep_is_refused(self, store: vault.Vault, secret: str) -> None:
        store.write(ACCOUNT, "kept")
        with pytest.raises(vault.SecretTooLong) as refusal:
            store.write(ACCOUNT, secret)
        assert "x" * 20 not in str(refusal.value)
        assert store.read(ACCOUNT) == "kept"

    def test_an_empty_secret_is_refused(self, store: vault.Vault) -> None:
        with pytest.raises(ValueError, match="empty"):
            store.write(ACCOUNT, "")

    def test_keyring_reads_the_same(self, store: vault.Vault, tmp_path: Path) -> None:
        """Our own reading on Windows and the library's writing must go on meaning the same credential."""
        store.write(ACCOUNT, "clé 😀")
        service = f"IEA Agent test {tmp_path}"
        if sys.platform == "win32":
            from keyring.backends.Windows import WinVaultKeyring

            read = WinVaultKeyring().get_password(f"{service}/{ACCOUNT}", ACCOUNT)  # type: ignore[no-untyped-call]
        else:
            from keyring.backends.SecretService import Keyring

            read = Keyring().get_password(service, ACCOUNT)  # type: ignore[no-untyped-call]
        assert read == "clé 😀"


@pytest.mark.linux
@pytest.mark.parametrize("address", ["", "unix:path=/nowhere/bus"])
def test_without_a_session_bus_linux_refuses(
    address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Never a plain-text file instead."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    if not address:
        monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
    store = vault.here("IEA Agent test")
    with pytest.raises(vault.VaultUnavailable) as refusal:
        store.read(ACCOUNT)
    assert refusal.value.__cause__ is not None
    with pytest.raises(vault.VaultUnavailable):
        store.write(ACCOUNT, "marker-of-this-test")
    with pytest.raises(vault.VaultUnavailable):
        store.delete(ACCOUNT)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.skipif(sys.platform != "win32", reason="needs Windows")
class TestCredentialManager:
    """What is particular to Windows."""

    def test_the_credential_stays_on_this_machine_and_no_old_one_is_kept(self, tmp_path: Path) -> None:
        if sys.platform == "win32":
            from win32ctypes.pywin32 import pywintypes, win32cred

            service = f"IEA Agent test {tmp_path}"
            store = vault.here(service)
            store.write(ACCOUNT, "old-key")
            store.write(ACCOUNT, "new-key")
            try:
                kept = win32cred.CredRead(f"{service}/{ACCOUNT}", win32cred.CRED_TYPE_GENERIC)
                assert kept["Persist"] == win32cred.CRED_PERSIST_LOCAL_MACHINE == 2
                with pytest.raises(pywintypes.error) as absent:  # where keyring puts what it replaces
                    win32cred.CredRead(f"{ACCOUNT}@{service}/{ACCOUNT}", win32cred.CRED_TYPE_GENERIC)
                assert absent.value.winerror == 1168
            finally:
                store.delete(ACCOUNT)

    def test_reading_loads_no_library(self) -> None:
        """The tray process reads the key and stays for days: keyring would cost it 4.4 MB."""
        script = (
            "import sys; from iea_agent.host import vault; vault.here('IEA Agent test').read('x');"
            "sys.exit(any(name in sys.modules for name in ('keyring', 'win32ctypes', 'cffi')))"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], stdin=subprocess.DEVNULL, env=os.environ, timeout=60, check=False
        )
        assert done.returncode == 0
