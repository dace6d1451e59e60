"""The names that a support file hides, as the environment gives them."""

from __future__ import annotations

import socket

from iea_agent.host.own_names import list_own_names


def test_the_names_of_the_person_and_the_pc_are_there_in_each_form() -> None:
    names = list_own_names(
        {
            "USERNAME": "jdurand",
            "USERPROFILE": r"C:\Users\Jeanne Durand",
            "TEMP": r"C:\Users\JEANNE~1\AppData\Local\Temp",
            "COMPUTERNAME": "PC-3",
            "USERDOMAIN": "MAIRIE",
        }
    )
    assert {r"C:\Users\Jeanne Durand", r"C:\Users\JEANNE~1"} <= set(names.homes)
    assert {"jdurand", "Jeanne Durand", "JEANNE~1"} <= set(names.users)
    assert {socket.gethostname(), "PC-3", "MAIRIE"} <= set(names.machines)


def test_without_an_environment_the_system_alone_is_asked() -> None:
    assert socket.gethostname() in list_own_names({}).machines
