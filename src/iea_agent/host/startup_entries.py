"""The entries of the Windows registry that start programs at logon."""

from __future__ import annotations

import sys
from contextlib import suppress

from iea_agent.domain.autostart import LONGEST_COMMAND, AutostartEntry, parse_approval

VALUE = "IEA Agent"
"""The name of the value; the Task Manager shows it beside the program's own name."""

if sys.platform == "win32":
    import winreg

    _RUN = r"Software\Microsoft\Windows\CurrentVersion\Run"
    _APPROVED = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"
    _ROOTS = (winreg.HKEY_CURRENT_USER, winreg.HKEY_LOCAL_MACHINE)
    # « Do not process the legacy run list », for the person's own list and for that of all
    _POLICY = r"Software\Microsoft\Windows\CurrentVersion\Policies\Explorer"
    _IGNORING = {
        winreg.HKEY_CURRENT_USER: "DisableCurrentUserRun",
        winreg.HKEY_LOCAL_MACHINE: "DisableLocalMachineRun",
    }
    # a setup of 32 bits has another view of the machine's keys
    _VIEW = winreg.KEY_WOW64_64KEY

    def read_entries(value: str = VALUE) -> tuple[AutostartEntry, ...]:
        """Return the person's entry *value* and that of all users, if they count."""
        entries = []
        for root in _ROOTS:
            command = _read_value(root, _RUN, value)
            if not isinstance(command, str) or _ignores(root):
                continue
            for_all = root == winreg.HKEY_LOCAL_MACHINE
            # an entry for all may be disabled for all, or by the person
            approvals = [_read_value(each, _APPROVED, value) for each in (_ROOTS if for_all else (root,))]
            approved = all(parse_approval(each) for each in approvals if isinstance(each, bytes))
            entries.append(AutostartEntry(command[:LONGEST_COMMAND], approved, for_all))
        return tuple(entries)

    def ignores_own_entries() -> bool:
        """Return whether a policy has Windows ignore the entries of persons."""
        return _ignores(winreg.HKEY_CURRENT_USER)

    def _ignores(root: int) -> bool:
        """Return whether a policy, the person's or the PC's, has the list *root* ignored."""
        return any(_read_value(each, _POLICY, _IGNORING[root]) == 1 for each in _ROOTS)

    def _read_value(root: int, path: str, value: str) -> object:
        """Return the registry's *value*, None without one."""
        try:
            with winreg.OpenKey(root, path, access=winreg.KEY_READ | _VIEW) as key:
                return winreg.QueryValueEx(key, value)[0]
        except OSError:
            return None

    def write_entry(command: str, value: str = VALUE) -> None:
        """Have Windows run *command* at the person's logon. Raises ``OSError``."""
        with winreg.CreateKeyEx(winreg.HKEY_CURRENT_USER, _RUN, access=winreg.KEY_SET_VALUE) as key:
            winreg.SetValueEx(key, value, 0, winreg.REG_SZ, command)

    def delete_entry(value: str = VALUE) -> None:
        """Remove the person's entry, if there is one. Raises ``OSError``.

        What the Task Manager has noted of it stays: it holds if the entry comes again.
        """
        with (
            suppress(FileNotFoundError),
            winreg.OpenKey(winreg.HKEY_CURRENT_USER, _RUN, access=winreg.KEY_SET_VALUE) as key,
        ):
            winreg.DeleteValue(key, value)

else:

    def read_entries(value: str = VALUE) -> tuple[AutostartEntry, ...]:  # noqa: ARG001 the other system's
        """Return nothing: there is no registry."""
        return ()

    def ignores_own_entries() -> bool:
        """Return False: there is no policy."""
        return False

    def write_entry(command: str, value: str = VALUE) -> None:
        """Raise ``OSError``: there is no registry."""
        raise OSError(command, value)

    def delete_entry(value: str = VALUE) -> None:
        """Raise ``OSError``: there is no registry."""
        raise OSError(value)
