"""The removal of what a person leaves on this PC: the setup's last request."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from iea_agent.domain import problems, refusals
from iea_agent.domain.refusals import RefusedError
from iea_agent.host.vault import VaultUnavailable

from . import saving, sealing
from .disk_refusals import refuse_unreadable
from .update_keeper import UpdateKeeper

if TYPE_CHECKING:
    from .installation import Installation


def forget(installation: Installation) -> None:
    """Delete the person's secrets, settings, state and logs. Raises ``RefusedError``.

    Not while the agent runs, nor in assistance mode: to forget the mode would be a way out without the password
    of the day. What an administrator has installed stays.
    """
    if installation.agent_runs():
        raise RefusedError(refusals.AgentRuns())
    try:
        with refuse_unreadable():
            if installation.assistance_since() is not None:
                raise RefusedError(refusals.AssistanceOn())
            for account in (*saving.list_accounts(), sealing.ACCOUNT):
                installation.vault.delete_secret(account)
    except VaultUnavailable as error:
        raise RefusedError(refusals.ProblemMet(problems.VAULT_UNAVAILABLE.code)) from error
    UpdateKeeper(installation).stop_work()
    folders = installation.folders
    try:
        for file in installation.session_files:
            file.unlink(missing_ok=True)
        for folder in (folders.settings, folders.state, folders.logs):
            if folder.exists():
                shutil.rmtree(folder)
    except OSError as error:
        raise RefusedError(refusals.FileNotReadable(str(error.filename), type(error).__name__)) from error
