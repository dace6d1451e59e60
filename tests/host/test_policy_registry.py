"""The policy of Group Policy, in the registry of the Windows Python."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from iea_agent.domain import refusals, settings
from iea_agent.domain.refusals import RefusedError
from iea_agent.domain.settings import SettingFault
from iea_agent.host import NotTrustedError, policy_registry
from iea_agent.host.storage import Folders, Storage


def test_the_key_moves_as_the_policy_does(tmp_path: Path) -> None:
    moved = {"IEA_AGENT_HOME": str(tmp_path)}
    assert Folders.locate({}).policy_name == "IEA Agent"
    assert Folders.locate(moved, ships=True).policy_name == "IEA Agent"
    assert Folders.locate(moved, ships=False).policy_name.startswith("IEA Agent ")


@pytest.mark.linux
def test_without_a_registry_it_sets_nothing(tmp_path: Path) -> None:
    store = Storage(Folders.locate({"IEA_AGENT_HOME": str(tmp_path)}))
    assert policy_registry.list_entries(store.folders.policy_name) == {}
    assert store.policy_signature() is None


if sys.platform == "win32":
    import ctypes
    import winreg
    from ctypes import wintypes

    from iea_agent.host.windows import declare
    from iea_agent.host.windows_security import parse_rights

    _advapi32 = ctypes.WinDLL("advapi32", use_last_error=True)
    _set_rights = declare(
        _advapi32, "RegSetKeySecurity", wintypes.LONG, wintypes.HANDLE, wintypes.DWORD, ctypes.c_void_p
    )
    _OWNER_AND_DACL = 1 | 4  # SECURITY_INFORMATION
    _ALL = winreg.KEY_ALL_ACCESS | winreg.KEY_WOW64_64KEY

    class Policies:
        """The key that Group Policy would write for the installation *name*."""

        def __init__(self, name: str) -> None:
            self.key = policy_registry.name_key(name)
            self.path = self.key.removeprefix("HKLM\\")

        def put(self, setting: str, value: str | int | bytes, kind: int | None = None) -> None:
            """Set *setting* as the editor of Group Policy does."""
            section, name = setting.split(".")
            kinds = {str: winreg.REG_SZ, int: winreg.REG_DWORD, bytes: winreg.REG_BINARY}
            with winreg.CreateKeyEx(winreg.HKEY_LOCAL_MACHINE, f"{self.path}\\{section}", access=_ALL) as key:
                winreg.SetValueEx(key, name, 0, kind or kinds[type(value)], value)

        def take_back(self, setting: str) -> None:
            """Remove *setting*, as « not configured » does."""
            section, name = setting.split(".")
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, f"{self.path}\\{section}", access=_ALL) as key:
                winreg.DeleteValue(key, name)

        def allow(self, sddl: str, section: str = "") -> None:
            """Give the key, or that of *section*, the owner and the access list *sddl*."""
            path = f"{self.path}\\{section}".rstrip("\\")
            with (
                winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path, access=_ALL) as key,
                parse_rights(sddl) as rights,
            ):
                assert _set_rights(int(key), _OWNER_AND_DACL, rights.lpSecurityDescriptor) == 0

    @pytest.fixture
    def store(tmp_path: Path) -> Storage:
        """Return the storage of an installation of its own."""
        folders = Folders.locate({"IEA_AGENT_HOME": str(tmp_path / "chez Zoé")})
        for folder in (folders.settings, folders.policy):
            folder.mkdir(parents=True)
        return Storage(folders)

    @pytest.fixture
    def policies(store: Storage) -> Iterator[Policies]:
        """Return the key of *store*; it is removed afterwards."""
        policies = Policies(store.folders.policy_name)
        yield policies
        sections = {name.partition(".")[0] for name in settings.DECLARATIONS} | {"other"}
        for path in (*(f"{policies.path}\\{section}" for section in sections), policies.path):
            try:
                winreg.DeleteKeyEx(winreg.HKEY_LOCAL_MACHINE, path, winreg.KEY_WOW64_64KEY)
            except FileNotFoundError:
                continue

    ENTRIES: dict[str, tuple[str | int, object]] = {
        "connection.secure": (0, False),
        "connection.authentication": ("https://auth.example.fr", "https://auth.example.fr"),
        "connection.updates": ("https://updates.example.fr/iea", "https://updates.example.fr/iea"),
        "connection.ca_file": ("", ""),
        "connection.pins": ("Certigna Services CA", "Certigna Services CA"),
        "connection.scope": ("paie", "paie"),
        "connection.token_hosts": ("jetons.example.fr", "jetons.example.fr"),
        "connection.ipv4_only": (1, True),
        "connection.official_authentication": ("https://auth.example.fr", "https://auth.example.fr"),
        "connection.official_updates": ("https://updates.example.fr", "https://updates.example.fr"),
        "licence.number": ("IEA-0000-1234", "IEA-0000-1234"),
        "proxy.mode": ("manual", settings.ProxyMode.MANUAL),
        "proxy.address": ("proxy.example.fr:3128", "http://proxy.example.fr:3128"),
        "proxy.user": ("zoé", "zoé"),
        "proxy.bypass": ("localhost ; *.example.fr", "localhost;*.example.fr"),
        "program.path": (r"%SystemRoot%\ie.exe", r"C:\windows\ie.exe"),
        "assistance.maximum_days": (10, 10),
        "updates.folder": ("\\\\nas\\impact\\", r"\\nas\impact"),
        "updates.check": (0, False),
        "updates.download": (0, False),
        "updates.install": ("night", settings.InstallTime.NIGHT),
        "support.address": ("aide@example.fr", "aide@example.fr"),
        "support.subject": ("Poste de la mairie", "Poste de la mairie"),
        "deadline.check": (0, False),
        "support.hidden": ("Les Glycines ; Durand", "Les Glycines;Durand"),
    }
    """An entry of each setting, and what it means."""

    def test_every_setting_has_an_entry_here() -> None:
        assert ENTRIES.keys() == settings.DECLARATIONS.keys()

    @pytest.mark.parametrize("name", ENTRIES)
    def test_each_setting_is_fixed_by_it(store: Storage, policies: Policies, name: str) -> None:
        entry, value = ENTRIES[name]
        policies.put(name, entry)
        loaded = store.load()
        attribute = settings.DECLARATIONS[name].attribute
        assert loaded.policy_faults == ()
        assert loaded.effective.locked == {attribute}
        actual = getattr(loaded.effective.settings, attribute)
        assert str(actual).lower() == str(value).lower()
        if not settings.DECLARATIONS[name].policy_only:
            with pytest.raises(RefusedError) as error:
                store.save({name: entry})
            assert error.value.refusal == refusals.SettingLocked(name)

    def test_a_text_with_variables_and_a_switch_as_text_are_read_too(
        store: Storage, policies: Policies
    ) -> None:
        policies.put("program.path", r"%SystemRoot%\ie.exe", winreg.REG_EXPAND_SZ)
        policies.put("connection.ipv4_only", "true")
        effective = store.load().effective.settings
        assert effective.program.lower() == r"c:\windows\ie.exe"
        assert effective.ipv4_only

    def test_it_wins_over_the_file_which_holds_where_it_says_nothing(
        store: Storage, policies: Policies
    ) -> None:
        store.policy_file.write_text('[connection]\nscope = "file"\nipv4_only = true\n')
        policies.put("connection.scope", "registry")
        loaded = store.load()
        assert loaded.effective.settings.scope == "registry"
        assert loaded.effective.settings.ipv4_only
        assert loaded.effective.locked == {"scope", "ipv4_only"}

    @pytest.mark.parametrize("entry", [2, "peut-être", b"\x01"], ids=["number", "text", "bytes"])
    def test_a_refused_entry_is_named_and_stays_fixed(
        store: Storage, policies: Policies, entry: str | int | bytes
    ) -> None:
        store.settings_file.write_text("[connection]\nipv4_only = true\n")
        policies.put("connection.ipv4_only", entry)
        policies.put("connection.scope", "paie")
        loaded = store.load()
        expected = settings.SWITCH.expected
        assert loaded.policy_faults == (SettingFault("connection.ipv4_only", 0, expected, policies.key),)
        assert loaded.effective.locked == {"ipv4_only", "scope"}
        assert not loaded.effective.settings.ipv4_only, "the default, not the person's own"
        assert loaded.effective.settings.scope == "paie"

    def test_letters_do_not_matter_and_an_unknown_name_is_named(store: Storage, policies: Policies) -> None:
        policies.put("Connection.Scope", "paie")
        policies.put("connection.secur", 1)
        policies.put("other.thing", 1)
        loaded = store.load()
        assert loaded.effective.settings.scope == "paie"
        assert loaded.policy_faults == ()
        unknown = {(each.name, each.nearest, each.file) for each in loaded.unknown}
        assert unknown == {
            ("connection.secur", "connection.secure", policies.key),
            ("other.thing", "", policies.key),
        }

    def test_pins_that_nobody_can_read_let_nothing_through(store: Storage, policies: Policies) -> None:
        policies.put("connection.pins", "sha256/too-short")
        assert store.load().effective.settings.pins == settings.UNMET_PIN

    def test_a_change_is_noticed(store: Storage, policies: Policies) -> None:
        before = store.policy_signature()
        policies.put("connection.scope", "paie")
        first = store.policy_signature()
        policies.put("connection.scope", "a")
        second = store.policy_signature()
        policies.allow("O:BAD:P(A;;KA;;;BA)(A;;KA;;;BU)")
        third = store.policy_signature()
        policies.allow("O:BAD:P(A;;KA;;;BA)")
        policies.take_back("connection.scope")
        assert before is None
        assert len({before, first, second, third}) == 4
        assert store.policy_signature() is None

    @pytest.mark.parametrize("section", ["", "connection"])
    @pytest.mark.parametrize(
        ("owner", "rights", "is_trusted"),
        [
            ("O:BA", "KR", True),
            ("O:BU", "KR", False),
            *(("O:BA", rights, False) for rights in ("KA", "KW", "0x2", "0x4", "0x20", "SD", "WD", "WO")),
        ],
    )
    def test_a_key_that_others_may_change_counts_for_nothing_and_is_named(
        store: Storage, policies: Policies, section: str, owner: str, rights: str, *, is_trusted: bool
    ) -> None:
        policies.put("connection.scope", "paie")
        policies.allow(f"{owner}D:P(A;;KA;;;BA)(A;;{rights};;;BU)", section)
        loaded = store.load()
        assert bool(loaded.effective.locked) is is_trusted
        assert [fault.file for fault in loaded.policy_faults] == ([] if is_trusted else [policies.key])
        if not is_trusted:
            with pytest.raises(NotTrustedError, match="S-1-5-32-545"):
                policy_registry.list_entries(store.folders.policy_name)
        policies.allow("O:BAD:P(A;;KA;;;BA)", section)

    def test_authorities_of_it_are_an_administrators(
        store: Storage, policies: Policies, tmp_path: Path
    ) -> None:
        policies.put("connection.ca_file", str(tmp_path / "none.pem"))
        loaded = store.load()
        assert [(fault.name, fault.file) for fault in loaded.policy_faults] == [
            ("connection.ca_file", policies.key)
        ]
        assert loaded.effective.locked == {"ca_file"}
        before = store.policy_signature()
        (tmp_path / "none.pem").write_bytes(b"")
        assert store.policy_signature() != before
        assert store.load().policy_faults == ()
