"""The proxy for which a password was given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iea_agent.domain.addresses import parse
from iea_agent.domain.proxy_password import ProxyPassword, parse_secret

PROXY = "http://mandataire.example:3128"


@given(st.sampled_from([PROXY, ""]), st.text(st.characters(exclude_characters="\n")))
def test_the_vault_gives_back_what_it_was_given(proxy: str, password: str) -> None:
    given_for = ProxyPassword(proxy, password)
    assert parse_secret(given_for.to_secret()) == given_for


@pytest.mark.parametrize(
    ("proxy", "other", "is_for"),
    [
        (PROXY, PROXY, True),
        ("http://MANDATAIRE.example:3128", PROXY, True),
        (PROXY, "http://mandataire.example:3129", False),
        (PROXY, "http://mandataire.exemple:3128", False),
        # a vault that somebody else has written
        ("", PROXY, False),
        ("pas une adresse", PROXY, False),
    ],
)
def test_it_is_for_one_proxy_only(proxy: str, other: str, is_for: bool) -> None:
    assert ProxyPassword(proxy, "secret").is_for(parse(other)) == is_for
    assert not ProxyPassword(proxy, "secret").is_for(None)


def test_it_stays_out_of_the_repr() -> None:
    assert "secret" not in repr(ProxyPassword(PROXY, "secret"))
