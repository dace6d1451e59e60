"""Who may show a secret, and when again: what counts towards a lock is shown once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from iea_agent.domain import timing
from iea_agent.services.secret_verdicts import SecretVerdicts

SECRET = ("marie", "mot de passe")


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_a_refused_secret_waits_a_quarter_of_an_hour() -> None:
    clock = Clock()
    verdicts = SecretVerdicts(clock)
    assert verdicts.may_show(*SECRET)
    verdicts.settle(*SECRET, accepted=False)
    clock.seconds += timing.REFUSED - 1
    assert not verdicts.may_show(*SECRET)
    assert verdicts.may_show("marie", "another")
    assert verdicts.may_show("paul", SECRET[1])
    clock.seconds += 1
    assert verdicts.may_show(*SECRET)


def test_a_person_may_try_again_at_once() -> None:
    verdicts = SecretVerdicts(Clock())
    verdicts.may_show(*SECRET)
    verdicts.settle(*SECRET, accepted=False)
    verdicts.forget()
    assert verdicts.may_show(*SECRET)


def test_an_accepted_secret_may_be_shown_until_it_is_refused() -> None:
    verdicts = SecretVerdicts(Clock())
    for accepted in (True, True, False):
        assert verdicts.may_show(*SECRET)
        verdicts.settle(*SECRET, accepted=accepted)
    assert not verdicts.may_show(*SECRET)


@pytest.mark.parametrize(("accepted", "may_show"), [(True, True), (False, False), (None, True)])
def test_the_second_connection_waits_for_what_is_said_on_the_first(
    accepted: bool | None, may_show: bool
) -> None:
    verdicts = SecretVerdicts(Clock())
    assert verdicts.may_show(*SECRET)
    asking = threading.Event()

    def ask() -> bool:
        asking.set()
        return verdicts.may_show(*SECRET)

    with ThreadPoolExecutor() as threads:
        second = threads.submit(ask)
        asking.wait(10)
        verdicts.settle(*SECRET, accepted=accepted)
        assert second.result(10) is may_show


def test_a_secret_is_not_kept() -> None:
    verdicts = SecretVerdicts(Clock())
    verdicts.may_show(*SECRET)
    verdicts.settle(*SECRET, accepted=False)
    assert SECRET[1] not in repr(vars(verdicts))
