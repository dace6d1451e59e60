"""Choice of the proxy: bypass lists, proxy lists, and their order."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iea_agent.domain import proxy_choice
from iea_agent.domain.addresses import Address, parse
from iea_agent.domain.proxy_choice import (
    Choice,
    Configuration,
    ProxyList,
    ScriptFault,
    ScriptUnusable,
    Source,
)
from iea_agent.domain.settings import DEFAULTS, ProxyMode
from tests.covered import cover, covers

SERVER = parse("https://impact-emploi.urssaf.fr/updates")
FIRST, SECOND = parse("http://a:1"), parse("http://b:2")


class TestBypassLists:
    """Windows' own rules."""

    @pytest.mark.parametrize(
        ("patterns", "address"),
        [
            ("impact-emploi.urssaf.fr", "https://impact-emploi.urssaf.fr"),
            ("IMPACT-EMPLOI.urssaf.FR", "https://impact-emploi.urssaf.fr"),
            ("*.urssaf.fr", "https://impact-emploi.urssaf.fr:8443"),
            ("one.fr;*.urssaf.fr", "https://impact-emploi.urssaf.fr"),
            ("one.fr, *.urssaf.fr two.fr", "https://impact-emploi.urssaf.fr"),
            ("*emploi*fr", "https://impact-emploi.urssaf.fr"),
            ("*", "https://impact-emploi.urssaf.fr"),
            ("https://*.urssaf.fr", "https://impact-emploi.urssaf.fr"),
            ("*.urssaf.fr:8443", "https://impact-emploi.urssaf.fr:8443"),
            ("*.urssaf.fr:*", "https://impact-emploi.urssaf.fr:8443"),
            ("<local>", "https://intranet"),
            ("<LOCAL>", "https://intranet:8443"),
            ("192.168.*", "http://192.168.1.10"),
            ("[::1]", "https://[::1]"),
            ("::1", "https://[::1]:8443"),
            ("[fe80::*]", "https://[fe80::12]"),
            ("[fe80::12]:8443", "https://[fe80::12]:8443"),
        ],
    )
    def test_exempt(self, patterns: str, address: str) -> None:
        assert proxy_choice.is_bypassed(parse(address), patterns)

    @pytest.mark.parametrize(
        ("patterns", "address"),
        [
            ("", "https://impact-emploi.urssaf.fr"),
            (" ; ,", "https://impact-emploi.urssaf.fr"),
            ("urssaf.fr", "https://impact-emploi.urssaf.fr"),
            ("*.urssaf.fr", "https://urssaf.fr"),
            ("*.urssaf.fr", "https://urssaf.fr.example"),
            ("impact-emploi.urssaf.*.fr", "https://impact-emploi.urssaf.fr"),
            ("*urssaf*urssaf*", "https://impact-emploi.urssaf.fr"),
            ("http://*.urssaf.fr", "https://impact-emploi.urssaf.fr"),
            ("*.urssaf.fr:443", "https://impact-emploi.urssaf.fr:8443"),
            ("<local>", "https://impact-emploi.urssaf.fr"),
            ("<local>", "https://[fe80::12]"),
            ("<-loopback>", "https://localhost"),
            ("[fe80::12]:443", "https://[fe80::12]:8443"),
        ],
    )
    def test_not_exempt(self, patterns: str, address: str) -> None:
        assert not proxy_choice.is_bypassed(parse(address), patterns)

    @covers(True, False)
    @example("a*b", "aab")
    @given(st.text("ab.*", max_size=12), st.text("ab.", min_size=1, max_size=12))
    def test_stars_stand_for_any_characters(self, pattern: str, host: str) -> None:
        address = Address("https", host, 443, "")
        wanted = re.fullmatch(pattern.replace(".", r"\.").replace("*", ".*"), host) if pattern else None

        cover(wanted is not None)
        assert proxy_choice.is_bypassed(address, pattern) == (wanted is not None)

    @given(st.text(max_size=200))
    def test_any_list_is_read(self, patterns: str) -> None:
        proxy_choice.is_bypassed(SERVER, patterns)
        proxy_choice.is_bypassed(parse("https://[::1]"), patterns)

    def test_many_stars_take_no_time(self) -> None:
        assert not proxy_choice.is_bypassed(replace(SERVER, host="a" * 250), "a*" * 900 + "b")


class TestProxyLists:
    """What scripts answer, what WinHTTP makes of it, and Windows' static setting."""

    @pytest.mark.parametrize(
        ("text", "proxy", "skipped"),
        [
            ("", None, ()),
            ("DIRECT", None, ()),
            ("PROXY a:1", FIRST, ()),
            ("PROXY a:1; PROXY b:2; DIRECT", FIRST, ()),
            ("proxy a:1;direct", FIRST, ()),
            ("  HTTP a:1 ;", FIRST, ()),
            ("DIRECT; PROXY a:1", None, ()),
            ("SOCKS5 c:3; PROXY a:1", FIRST, ("SOCKS5 c:3",)),
            ("HTTPS c:3; SOCKS d:4; DIRECT", None, ("HTTPS c:3", "SOCKS d:4")),
            ("SOCKS c:3", None, ("SOCKS c:3",)),
            ("PROXY a:99999; PROXY b:2", SECOND, ("PROXY a:99999",)),
            ("a:1", FIRST, ()),
            ("a:1;b:2", FIRST, ()),
            ("a:1 b:2", FIRST, ()),
            ("http://a:1", FIRST, ()),
            ("https://c:3;a:1", FIRST, ("https://c:3",)),
            ("http=c:3;https=a:1;ftp=d:4", FIRST, ()),
            ("http=c:3", None, ()),
            ("http=c:3;socks=d:4", None, ("socks=d:4",)),
            ("https=http://a:1", FIRST, ()),
            ("a", parse("http://a"), ()),
            ("proxy", parse("http://proxy"), ()),
            ("PROXY [fe80::1]:3128", parse("http://[fe80::1]:3128"), ()),
        ],
    )
    def test_the_first_usable_one_is_taken(
        self, text: str, proxy: Address | None, skipped: tuple[str, ...]
    ) -> None:
        proxies = proxy_choice.parse_proxy_list(text, "https")

        assert (proxies.proxy, proxies.skipped) == (proxy, skipped)

    def test_a_direct_way_before_the_rest_is_not_an_empty_list(self) -> None:
        assert proxy_choice.parse_proxy_list("DIRECT; PROXY a:1", "https") == ProxyList(None, True, ())
        assert proxy_choice.parse_proxy_list("", "https") == ProxyList(None, False, ())

    @pytest.mark.parametrize(
        ("text", "quoted"),
        [
            ("http://dupont:AD-Passw0rd@proxy.assoc.fr:3128", ("…@proxy.assoc.fr:3128",)),
            ("SOCKS dupont:AD-Passw0rd@c:3; DIRECT", ("…@c:3",)),
            ("https=http://dupont:AD-Passw0rd@c:3", ("…@c:3",)),
            # what separates entries may be part of a password
            ("http://dupont:AD;Passw0rd@c:3", ("…", "…@c:3")),
            ("http://dupont:AD Passw0rd@c:3", ("…", "…@c:3")),
            ("http://dupont:AD@Passw0rd@c:3", ("…@c:3",)),
            ("SOCKS c\x1b:3", ("SOCKS c :3",)),
            ("SOCKS " + "c" * 200, ("SOCKS " + "c" * 74 + "…",)),
            (";".join(["SOCKS c:3"] * 900), (*["SOCKS c:3"] * 5, "…")),
        ],
    )
    def test_what_is_quoted_is_bounded_and_has_no_password(self, text: str, quoted: tuple[str, ...]) -> None:
        skipped = proxy_choice.parse_proxy_list(text, "https").skipped
        assert skipped == quoted
        assert "Passw0rd" not in str(skipped)

    @given(st.text("ab;=@: /", max_size=30), st.sampled_from(["http://", "PROXY ", "SOCKS ", "https=", ""]))
    def test_no_password_is_ever_quoted(self, rest: str, kind: str) -> None:
        text = f"{kind}dupont:SECRET{rest}@c:3"
        for choice in (
            proxy_choice.choose_by_system(Configuration(servers=text), SERVER, unusable),
            proxy_choice.choose_by_system(replace(SCRIPT, detect=True), SERVER, lambda *_: text),
        ):
            assert "SECRET" not in repr(choice)

    def test_each_scheme_has_its_own(self) -> None:
        assert proxy_choice.parse_proxy_list("http=a:1;https=b:2", "http").proxy == FIRST
        assert proxy_choice.parse_proxy_list("http=a:1;https=b:2", "https").proxy == SECOND

    @covers("direct", "proxy", "nothing usable", "skipped")
    @given(
        st.lists(
            st.sampled_from(["PROXY a:1", "PROXY b:2", "SOCKS c:3", "HTTPS d:4", "DIRECT", ""]), max_size=6
        )
    )
    def test_the_order_counts(self, entries: list[str]) -> None:
        usable = next((entry for entry in entries if entry in ("PROXY a:1", "PROXY b:2", "DIRECT")), None)
        proxies = proxy_choice.parse_proxy_list(" ; ".join(entries), "https")

        cover("nothing usable" if usable is None else "direct" if usable == "DIRECT" else "proxy")
        assert proxies.direct == (usable == "DIRECT")
        assert proxies.proxy == {"PROXY a:1": FIRST, "PROXY b:2": SECOND}.get(usable or "")
        before = entries[: entries.index(usable)] if usable is not None else entries
        expected = [entry for entry in before if entry]
        assert proxies.skipped == (*expected[:5], *["…"] * (len(expected) > 5))
        if proxies.skipped:
            cover("skipped")

    @given(st.text(max_size=200))
    def test_any_text_is_read(self, text: str) -> None:
        proxies = proxy_choice.parse_proxy_list(text, "https")

        assert proxies.proxy is None or (proxies.proxy.scheme, proxies.proxy.path) == ("http", "")


MANUAL = replace(DEFAULTS, proxy_mode=ProxyMode.MANUAL, proxy_address="http://a:1")


class TestThePersonsChoice:
    """Settings that leave nothing to the system."""

    def test_none_is_none(self) -> None:
        assert proxy_choice.choose_by_settings(replace(MANUAL, proxy_mode=ProxyMode.NONE), SERVER) == Choice(
            None, Source.SETTINGS
        )

    def test_no_address_is_none(self) -> None:
        assert proxy_choice.choose_by_settings(replace(MANUAL, proxy_address=""), SERVER).proxy is None

    def test_the_address_given_also_for_this_machine(self) -> None:
        for address in (SERVER, parse("https://localhost:8443")):
            assert proxy_choice.choose_by_settings(MANUAL, address) == Choice(FIRST, Source.SETTINGS)

    def test_unless_it_is_on_the_list(self) -> None:
        settings = replace(MANUAL, proxy_bypass="<local>;*.urssaf.fr")
        for address in (SERVER, parse("https://localhost:8443")):
            assert proxy_choice.choose_by_settings(settings, address).proxy is None


def unusable(script: str, _address: Address) -> str:
    raise ScriptUnusable(f"WinHTTP error {12167 if script else 12180}")


def by_name(script: str, _address: Address) -> str:
    if script == "":
        raise ScriptUnusable("WinHTTP error 12180")
    return "PROXY a:1"


STATIC = Configuration(servers="b:2", bypass="<local>;*.exempt.fr")
SCRIPT = Configuration(script="http://pac.fr/p.pac")


class TestTheSystemsChoice:
    """In Windows' order: the network's script, the script named, the static setting."""

    def test_nothing_set_is_no_proxy(self) -> None:
        assert proxy_choice.choose_by_system(Configuration(), SERVER, unusable) == Choice()

    def test_this_machine_is_never_sent_to_it(self) -> None:
        everything = replace(STATIC, detect=True, script="http://pac.fr/p.pac")
        for host in ("localhost", "127.0.0.1", "[::1]"):
            address = parse(f"https://{host}:8443")
            assert proxy_choice.choose_by_system(everything, address, lambda *_: "PROXY a:1") == Choice()

    def test_static(self) -> None:
        assert proxy_choice.choose_by_system(STATIC, SERVER, unusable) == Choice(SECOND, Source.SYSTEM)

    def test_static_exemptions(self) -> None:
        for host in ("www.exempt.fr", "intranet"):
            choice = proxy_choice.choose_by_system(STATIC, parse(f"https://{host}"), unusable)
            assert (choice.proxy, choice.source) == (None, Source.SYSTEM)

    def test_static_socks_is_said_to_be_left_out(self) -> None:
        choice = proxy_choice.choose_by_system(Configuration(servers="socks=c:3"), SERVER, unusable)
        assert choice == Choice(None, Source.NONE, "not supported: socks=c:3")

    def test_a_script_answers_for_the_bypass_list_too(self) -> None:
        setting = replace(SCRIPT, servers="b:2", bypass="*")
        assert proxy_choice.choose_by_system(setting, SERVER, by_name) == Choice(FIRST, Source.OPEN_SCRIPT)

    def test_a_script_may_say_direct(self) -> None:
        choice = proxy_choice.choose_by_system(replace(SCRIPT, servers="b:2"), SERVER, lambda *_: "")
        assert choice == Choice(None, Source.OPEN_SCRIPT)

    def test_a_network_without_a_script_is_no_failure(self) -> None:
        choice = proxy_choice.choose_by_system(Configuration(detect=True), SERVER, unusable)
        assert (choice.proxy, choice.source) == (None, Source.NONE)
        assert "12180" in choice.detail

    def test_the_networks_script_comes_first(self) -> None:
        setting = replace(STATIC, detect=True, script="http://pac.fr/p.pac")
        asked: list[str] = []

        def answer(script: str, _address: Address) -> str:
            asked.append(script)
            return "a:1"

        assert proxy_choice.choose_by_system(setting, SERVER, answer) == Choice(FIRST, Source.NETWORK)
        assert asked == [""]

    def test_then_the_script_named(self) -> None:
        choice = proxy_choice.choose_by_system(replace(SCRIPT, detect=True), SERVER, by_name)
        assert (choice.proxy, choice.source) == (FIRST, Source.OPEN_SCRIPT)

    @pytest.mark.parametrize(
        ("script", "source"),
        [
            ("https://pac.fr/p.pac", Source.SCRIPT),
            (" HTTPS://pac.fr/p.pac", Source.SCRIPT),
            ("file:///C:/proxy.pac", Source.SCRIPT),
            ("http://pac.fr/p.pac", Source.OPEN_SCRIPT),
            ("file://pac.fr/p.pac", Source.OPEN_SCRIPT),
            ("file:////pac.fr/p.pac", Source.OPEN_SCRIPT),
            ("\\\\pac.fr\\p.pac", Source.OPEN_SCRIPT),
            ("p.pac", Source.OPEN_SCRIPT),
        ],
    )
    def test_a_script_that_others_may_change_is_an_open_one(self, script: str, source: Source) -> None:
        choice = proxy_choice.choose_by_system(Configuration(script=script), SERVER, by_name)
        assert choice.source is source
        assert source.is_open == (source is Source.OPEN_SCRIPT)

    def test_without_a_named_script_the_way_is_direct_and_the_fault_is_named(self) -> None:
        choice = proxy_choice.choose_by_system(replace(SCRIPT, detect=True), SERVER, unusable)
        fault = ScriptFault("http://pac.fr/p.pac", "WinHTTP error 12167")
        assert (choice.proxy, choice.source, choice.unusable) == (None, Source.NONE, fault)
        assert (
            choice.detail
            == "no script from the network: WinHTTP error 12180; script unusable: WinHTTP error 12167"
        )

    def test_what_is_secret_in_its_address_is_not_repeated(self) -> None:
        setting = Configuration(script="http://marie:secret@pac.fr:8080/p.pac?token=secret")
        choice = proxy_choice.choose_by_system(setting, SERVER, unusable)
        assert choice.unusable is not None
        assert choice.unusable.script == "http://pac.fr:8080/p.pac"
        assert "secret" not in repr(choice)
        assert (
            proxy_choice.redact_script_address("http://pac.fr:port/p.pac")
            == proxy_choice.redact_script_address("p.pac")
            == ""
        )

    def test_unless_there_is_a_static_setting(self) -> None:
        choice = proxy_choice.choose_by_system(replace(SCRIPT, servers="b:2"), SERVER, unusable)
        assert (choice.proxy, choice.source, choice.unusable) == (SECOND, Source.SYSTEM, None)
        assert "12167" in choice.detail

    def test_a_script_that_knows_only_socks_cannot_be_used(self) -> None:
        choice = proxy_choice.choose_by_system(SCRIPT, SERVER, lambda *_: "SOCKS c:3")
        assert choice.unusable is not None
        assert "SOCKS c:3" in choice.unusable.reason

    def test_what_a_script_offers_besides_is_said(self) -> None:
        choice = proxy_choice.choose_by_system(SCRIPT, SERVER, lambda *_: "SOCKS c:3; PROXY a:1")
        assert choice == Choice(FIRST, Source.OPEN_SCRIPT, "not supported: SOCKS c:3")


@pytest.mark.parametrize(
    ("source", "named", "trusted"),
    [
        (Source.SETTINGS, "", True),
        (Source.SYSTEM, "", True),
        (Source.SCRIPT, "", False),
        # a script that comes over https, and names the proxy that the settings name
        (Source.SCRIPT, str(FIRST), True),
        (Source.SCRIPT, str(SECOND), False),
        (Source.OPEN_SCRIPT, str(FIRST), False),
        (Source.NETWORK, str(FIRST), False),
    ],
)
def test_only_a_proxy_that_somebody_has_set_learns_who_is_signed_in(
    source: Source, named: str, trusted: bool
) -> None:
    settings = replace(DEFAULTS, proxy_address=named)
    assert proxy_choice.is_trusted(Choice(FIRST, source), settings) is trusted


@pytest.mark.parametrize("source", Source)
def test_no_proxy_that_anybody_may_have_named_gets_a_password(source: Source) -> None:
    settings = replace(DEFAULTS, proxy_user="jean")
    assert proxy_choice.may_authenticate(Choice(FIRST, source), settings) is (
        source not in (Source.OPEN_SCRIPT, Source.NETWORK)
    )
    assert not proxy_choice.may_authenticate(Choice(FIRST, source), DEFAULTS)
    assert not proxy_choice.may_authenticate(Choice(None, source), settings)
