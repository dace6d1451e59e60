"""The policy that Group Policy writes into the Windows registry.

The values lie under ``HKEY_LOCAL_MACHINE\\Software\\Policies``, one key a section of ``policy.toml``. Of a person's own
branch, HKEY_CURRENT_USER, nothing is read: a policy is the machine's.
"""

from __future__ import annotations

import sys

Entries = dict[str, dict[str, object]]
"""What the registry holds, as it holds it: the entries of each section, names in small letters."""
MOST_NAMES = 100
"""Sections, or entries of one, that are read; a key of more is another program's."""


def name_key(name: str) -> str:
    """Return the key of the installation *name*, as an administrator reads it."""
    return rf"HKLM\Software\Policies\{name}"


if sys.platform == "win32":
    import errno
    import winreg

    from . import NotTrustedError

    # a setup of 32 bits has another view of the machine's keys; KEY_READ includes READ_CONTROL
    _ACCESS = winreg.KEY_READ | winreg.KEY_WOW64_64KEY

    def list_entries(name: str, *, own: bool = False) -> Entries:
        """Return what the key of the installation *name* sets; nothing without a key.

        If *own* is set, the person counts as an administrator. Raises ``OSError``: ``NotTrustedError`` if others than
        administrators may change a key.
        """
        path = name_key(name)
        try:
            key = winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path.removeprefix("HKLM\\"), access=_ACCESS)
        except FileNotFoundError:
            return {}
        with key:
            _require_trusted(key, path, own=own)
            sections = min(winreg.QueryInfoKey(key)[0], MOST_NAMES)
            return {
                section.lower(): _list_section(key, section, path, own=own)
                for section in [winreg.EnumKey(key, number) for number in range(sections)]
            }

    def _list_section(key: winreg.HKEYType, section: str, path: str, *, own: bool) -> dict[str, object]:
        with winreg.OpenKey(key, section, access=_ACCESS) as opened:
            _require_trusted(opened, rf"{path}\{section}", own=own)
            entries = min(winreg.QueryInfoKey(opened)[1], MOST_NAMES)
            pairs = [winreg.EnumValue(opened, number)[:2] for number in range(entries)]
            return {name.lower(): entry for name, entry in pairs}

    def _require_trusted(key: winreg.HKEYType, path: str, *, own: bool) -> None:
        # imported late: most PCs have no such key
        from .windows_security import SE_REGISTRY_KEY, list_strangers

        if strangers := ", ".join(sorted(list_strangers(int(key), SE_REGISTRY_KEY, own=own))):
            raise NotTrustedError(errno.EPERM, f"may be changed by {strangers}", path)

else:

    def list_entries(name: str, *, own: bool = False) -> Entries:  # noqa: ARG001 the other system's
        """Return nothing: there is no registry."""
        return {}
