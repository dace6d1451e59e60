"""The cost of the network: Windows is asked, from any thread, again and again."""

from __future__ import annotations

import threading

import pytest

from iea_agent.domain.network_cost import UNRESTRICTED
from iea_agent.host.network_list import read_network_cost


def test_the_cost_is_read_again_and_again() -> None:
    # Wine always says that nothing is restricted
    assert {read_network_cost() for _ in range(3)} == {UNRESTRICTED}


@pytest.mark.windows
def test_it_is_read_on_a_thread_of_its_own() -> None:
    costs: list[int] = []
    thread = threading.Thread(target=lambda: costs.append(read_network_cost()))
    thread.start()
    thread.join(10)
    assert costs == [UNRESTRICTED]
