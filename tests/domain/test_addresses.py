"""Server addresses: text pasted from the sheets, malformed addresses, properties."""

from __future__ import annotations

import ipaddress
import re
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iea_agent.domain import addresses
from iea_agent.domain.addresses import Address, AddressError, Malformed, clean, parse, secure_address

NBSP = "\u00a0"
NARROW_NBSP = "\u202f"
ZERO_WIDTH_SPACE = "\u200b"


@pytest.mark.parametrize(
    ("pasted", "meant"),
    [
        ("https://impact-emploi.urssaf.fr«", "https://impact-emploi.urssaf.fr"),
        ("https://impact-emploi.urssaf.fr« ", "https://impact-emploi.urssaf.fr"),
        ("https://impact-emploi.urssaf.fr/updates«\u00a0:", "https://impact-emploi.urssaf.fr/updates"),
        (f"«{NBSP}https://impact-emploi.urssaf.fr{NBSP}»", "https://impact-emploi.urssaf.fr"),
        (f"«{NARROW_NBSP}https://a.fr{NARROW_NBSP}».", "https://a.fr"),
        ("“https://a.fr”,", "https://a.fr"),
        ("'https://a.fr' ;", "https://a.fr"),
        ("(https://a.fr)", "https://a.fr"),
        ("<https://a.fr/updates>", "https://a.fr/updates"),
        ("[https://a.fr]", "https://a.fr"),
        ("https://a.fr/updates/", "https://a.fr/updates"),
        ("https://a.fr/updates…", "https://a.fr/updates"),
        ("https://a.fr !", "https://a.fr"),
        ("\thttps://a.fr\r\n", "https://a.fr"),
        (f"https://a.{ZERO_WIDTH_SPACE}fr", "https://a.fr"),
        ("ｈｔｔｐｓ：／／a.fr", "https://a.fr"),
        ("[::1]:8443", "[::1]:8443"),
        ("« https://[::1]:8443/ »", "https://[::1]:8443"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]"),
        ("https://", "https://"),
        ("https://«", "https://"),
        ("« »", ""),
        ("", ""),
    ],
)
def test_what_was_pasted_is_cleaned(pasted: str, meant: str) -> None:
    assert clean(pasted) == meant


AS_TYPED = {
    # the scheme and its marks
    "https//a.fr": "https://a.fr",
    "https:\\\\a.fr": "https://a.fr",
    "https:\\a.fr": "https://a.fr",
    "https:a.fr": "https://a.fr",
    "https/a.fr": "https://a.fr",
    "https;//a.fr": "https://a.fr",
    "https,//a.fr": "https://a.fr",
    "https.//a.fr": "https://a.fr",
    "https::/a.fr": "https://a.fr",
    "https//:a.fr": "https://a.fr",
    "https: //a.fr": "https://a.fr",
    "https ://a.fr": "https://a.fr",
    "https:// a.fr": "https://a.fr",
    "https%3A%2F%2Fa.fr": "https://a.fr",
    "http:/a.fr": "http://a.fr",
    "//a.fr": "a.fr",
    "://a.fr": "a.fr",
    "\\\\a.fr": "a.fr",
    # misspelt
    "htps://a.fr": "https://a.fr",
    "ttps://a.fr": "https://a.fr",
    "httpss://a.fr": "https://a.fr",
    "httsp://a.fr": "https://a.fr",
    "hhtps://a.fr": "https://a.fr",
    "hxxps://a.fr": "https://a.fr",
    "htp://a.fr": "http://a.fr",
    "HTPS:\\\\a.fr": "https://a.fr",
    # twice, or behind something
    "https://https://a.fr": "https://a.fr",
    "http://https://a.fr": "https://a.fr",
    "https://http://a.fr": "https://a.fr",
    "https:https://a.fr": "https://a.fr",
    "https://www.https://a.fr": "https://a.fr",
    "www.https://a.fr": "https://a.fr",
    "https://a.fr https://a.fr": "https://a.fr",
    "https://a.frhttps://a.fr": "https://a.fr",
    "Adresse : https://a.fr": "https://a.fr",
    "URL=https://a.fr": "https://a.fr",
    "[https://a.fr](https://a.fr)": "https://a.fr",
    # a blank as a browser or a page writes it
    "https://a.fr%20": "https://a.fr",
    "https://a.fr/%C2%A0": "https://a.fr",
    "https://a.fr&nbsp;": "https://a.fr",
    # the host and its port
    "https://a,fr": "https://a.fr",
    "www,a,fr": "www.a.fr",
    "https://a..fr": "https://a.fr",
    "https://.a.fr": "https://a.fr",
    "https://a。fr": "https://a.fr",
    "impact–emploi.a.fr": "impact-emploi.a.fr",
    "https://a.fr:443:443": "https://a.fr:443",
    "https://a.fr::443": "https://a.fr:443",
    "https://a.fr;443": "https://a.fr:443",
    "https://a.fr:/updates": "https://a.fr/updates",
    "a.fr:/updates": "a.fr/updates",
    "a.fr:443/": "a.fr:443",
    "https://a.fr\\updates": "https://a.fr/updates",
    "https://a.fr//updates": "https://a.fr/updates",
}


@pytest.mark.parametrize(("typed", "meant"), AS_TYPED.items(), ids=list(AS_TYPED))
def test_a_mistake_with_one_right_form_is_mended(typed: str, meant: str) -> None:
    assert clean(typed) == meant
    assert parse(meant).host.endswith("a.fr")


NOT_CERTAIN = {
    "ftp://a.fr": Malformed.SCHEME,
    "httpx://a.fr": Malformed.SCHEME,
    "C:\\Users\\a": Malformed.SCHEME,
    "socks5://a.fr:1080": Malformed.SCHEME,
    "https://a.fr:443:8443": Malformed.PORT,
    "https://a.fr:8O80": Malformed.PORT,
    "https://a.fr :443": Malformed.BLANK,
    "https://a.fr puis cliquez": Malformed.BLANK,
    "https://a.fr https://b.fr": Malformed.BLANK,
    "https://a.fr/?page=https://b.fr": Malformed.QUERY,
    "https://moi:secret@a.fr": Malformed.CREDENTIALS,
    "1,2,3": Malformed.HOST,
}


@pytest.mark.parametrize(("typed", "kind"), NOT_CERTAIN.items(), ids=list(NOT_CERTAIN))
def test_what_may_mean_several_things_is_named(typed: str, kind: Malformed) -> None:
    with pytest.raises(AddressError) as caught:
        parse(clean(typed))
    assert caught.value.kind is kind


@pytest.mark.parametrize(
    "part", ["https://", "a,", "a..", ":443", "(", "www.", "https:", "\\", "a: ", "%3A", "](", "h "]
)
def test_cleaning_takes_a_time_in_proportion_to_the_length(part: str) -> None:
    begun = time.process_time()
    clean("https://" + part * (4 * addresses.MAXIMUM_LENGTH // len(part) - 10))
    assert time.process_time() - begun < 0.5


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("https://impact-emploi.urssaf.fr", "https://impact-emploi.urssaf.fr"),
        ("impact-emploi.urssaf.fr", "https://impact-emploi.urssaf.fr"),
        ("impact-emploi.urssaf.fr/updates", "https://impact-emploi.urssaf.fr/updates"),
        ("HTTPS://Impact-Emploi.URSSAF.fr", "https://impact-emploi.urssaf.fr"),
        ("https://a.fr:443", "https://a.fr"),
        ("http://a.fr:80", "http://a.fr"),
        ("https://a.fr:80", "https://a.fr:80"),
        ("a.fr:80", "https://a.fr:80"),
        ("https://a.fr:1", "https://a.fr:1"),
        ("https://a.fr:65535", "https://a.fr:65535"),
        ("https:/a.fr", "https://a.fr"),
        ("https:///a.fr", "https://a.fr"),
        ("https://a.fr/Updates/", "https://a.fr/Updates"),
        ("https://hébergé.fr", "https://xn--hberg-bsae.fr"),
        ("https://127.0.0.1:8443", "https://127.0.0.1:8443"),
        ("https://[0:0::1]:8443/x", "https://[::1]:8443/x"),
        ("[::1]:8443", "https://[::1]:8443"),
        ("https://serveur", "https://serveur"),
    ],
)
def test_an_address_is_read_into_its_canonical_form(text: str, canonical: str) -> None:
    assert str(parse(text)) == canonical


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", Malformed.EMPTY),
        ("https://" + "a" * addresses.MAXIMUM_LENGTH, Malformed.TOO_LONG),
        ("ftp://a.fr", Malformed.SCHEME),
        ("httpss://a.fr", Malformed.SCHEME),
        ("https://a b.fr", Malformed.BLANK),
        (f"https://a{NBSP}b.fr", Malformed.BLANK),
        ("https://a.fr/\x07", Malformed.BLANK),
        ("https://", Malformed.HOST),
        ("https:///", Malformed.HOST),
        ("https://a..fr", Malformed.HOST),
        ("https://-a.fr", Malformed.HOST),
        ("https://a-.fr", Malformed.HOST),
        ("https://" + "a" * 64 + ".fr", Malformed.HOST),
        ("https://" + ".".join(["abcdefgh"] * 40), Malformed.HOST),
        ("https://1.2.3", Malformed.HOST),
        ("https://1.2.3.400", Malformed.HOST),
        ("https://[::1", Malformed.HOST),
        ("https://[fe80::1%25eth0]", Malformed.HOST),
        ("https://[f0::1%25\ufe07]/0", Malformed.HOST),
        ("https://a,fr", Malformed.HOST),
        ("https://a.fr«/updates", Malformed.HOST),
        ("https://1€.fr", Malformed.HOST),
        ("https://a.fr:0", Malformed.PORT),
        ("https://a.fr:65536", Malformed.PORT),
        ("https://a.fr:", Malformed.PORT),
        ("https://a.fr:80:80", Malformed.PORT),
        ("https://a.fr:quatre-vingt", Malformed.PORT),
        ("https://moi:secret@a.fr", Malformed.CREDENTIALS),
        ("https://moi@a.fr", Malformed.CREDENTIALS),
        ("https://a.fr/?x=1", Malformed.QUERY),
        ("https://a.fr/#haut", Malformed.QUERY),
    ],
)
def test_a_malformed_address_is_refused_with_its_kind(text: str, kind: Malformed) -> None:
    with pytest.raises(AddressError) as caught:
        parse(text)
    assert caught.value.kind is kind


def test_every_reason_is_reached_by_an_example() -> None:
    # set by pytest
    marks = getattr(test_a_malformed_address_is_refused_with_its_kind, "pytestmark")  # noqa: B009
    assert {kind for _, kind in marks[0].args[1]} == set(Malformed)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://a.fr", ("https://a.fr", True)),
        ("HTTP://a.fr:8080/x", ("https://a.fr:8080/x", True)),
        ("https://a.fr", ("https://a.fr", False)),
        ("a.fr", ("https://a.fr", False)),
        ("ftp://a.fr", ("ftp://a.fr", False)),
        ("", ("", False)),
    ],
)
def test_secure_mode_turns_http_into_https_and_says_so(text: str, expected: tuple[str, bool]) -> None:
    assert secure_address(text) == expected


@pytest.mark.parametrize(
    ("text", "loopback"),
    [
        ("http://localhost:8080", True),
        ("http://auth.localhost", True),
        ("http://127.0.0.1", True),
        ("http://127.8.9.10", True),
        ("http://[::1]:80", True),
        ("http://localhost.example.fr", False),
        ("http://10.0.0.1", False),
        ("http://a.fr", False),
    ],
)
def test_only_this_machine_is_loopback(text: str, loopback: bool) -> None:
    assert parse(text).loopback is loopback


def test_the_parts_of_an_address() -> None:
    address = parse("http://a.fr:8080/updates")
    assert address == Address("http", "a.fr", 8080, "/updates")
    assert address.origin == "http://a.fr:8080"
    assert not address.secure
    assert parse("a.fr").secure


def test_the_official_addresses_are_good_and_canonical() -> None:
    for official in (addresses.OFFICIAL_AUTHENTICATION, addresses.OFFICIAL_UPDATES):
        assert clean(official) == official == str(parse(official))


LABELS = st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True).filter(lambda s: s[2:4] != "--")
HOSTS = st.one_of(
    st.lists(LABELS, min_size=1, max_size=4).map(".".join),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(lambda ip: f"[{ip}]"),
)
SEGMENTS = st.from_regex(r"[A-Za-z0-9_~-]{1,8}", fullmatch=True)


@st.composite
def good_addresses(draw: st.DrawFn) -> str:
    """Addresses that an administrator would hand out."""
    scheme = draw(st.sampled_from(("https://", "http://", "")))
    port = draw(st.one_of(st.just(""), st.integers(1, 65535).map(lambda n: f":{n}")))
    path = "".join(f"/{segment}" for segment in draw(st.lists(SEGMENTS, max_size=3)))
    host = draw(HOSTS.filter(lambda host: not re.fullmatch("h?t?t?p?s?", host)))
    return scheme + host + port + path


SURROUNDINGS = st.text(alphabet=f"«»“”\"' {NBSP}{NARROW_NBSP}\t\n{ZERO_WIDTH_SPACE}", max_size=4)


@given(good_addresses())
def test_cleaning_never_changes_a_good_address(address: str) -> None:
    assert clean(address) == address


@given(SURROUNDINGS, good_addresses(), SURROUNDINGS, st.sampled_from(("", ".", ",", " ;", "\u00a0!", "…")))
def test_cleaning_finds_a_good_address_between_quotes(
    before: str, address: str, after: str, punctuation: str
) -> None:
    assert clean(before + address + after + punctuation) == address


@given(good_addresses())
def test_a_good_address_is_read(address: str) -> None:
    read = parse(address)
    assert 1 <= read.port <= 65535
    if ":" in read.host:
        ipaddress.ip_address(read.host)
    assert read.secure is not address.startswith("http://")


WILD = st.one_of(st.text(max_size=40), st.text(alphabet=string.printable + "«»:/[]@.é…", max_size=40))


@given(WILD)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(st.one_of(good_addresses(), WILD, WILD.map(lambda text: f"https://{text}")))
def test_reading_what_was_written_gives_the_same(text: str) -> None:
    try:
        read = parse(text)
    except AddressError:
        return
    assert parse(str(read)) == read
    assert str(parse(str(read))) == str(read)


LOCAL = [
    "arpa",
    "corp",
    "home",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "onion",
    "private",
    "test",
]


@pytest.mark.parametrize("suffix", LOCAL)
def test_a_name_of_a_home_or_an_office_is_not_the_internets(suffix: str) -> None:
    assert not addresses.is_public_name(f"serveur.{suffix}")
    assert not addresses.is_public_name(f"serveur.{suffix}.")


@pytest.mark.parametrize(
    ("host", "public"),
    [("a.fr", True), ("a.fr.", True), ("serveur", False), ("a.12", False), ("::1.fr", False)],
)
def test_a_name_of_the_internet_has_an_ending(host: str, public: bool) -> None:
    assert addresses.is_public_name(host) is public
    assert Address("https", host, 443, "").is_on_the_internet is public


@pytest.mark.parametrize(("host", "public"), [("8.8.8.8", True), ("192.168.1.1", False), ("fd00::1", False)])
def test_a_number_of_the_internet_is_global(host: str, public: bool) -> None:
    assert Address("https", host, 443, "").is_on_the_internet is public


@pytest.mark.parametrize(
    "number",
    [
        *("0.0.0.1", "127.0.0.53", "192.0.2.1", "198.51.100.1", "203.0.113.1", "240.0.0.1"),
        *("::", "::1", "100::1", "2001:db8::1", "::ffff:127.0.0.1", "::1%lo"),
        *("146.112.61.104", "146.112.61.110", "208.91.112.55", "90.85.16.52"),
    ],
)
def test_a_name_that_leads_nowhere_is_blocked(number: str) -> None:
    assert addresses.is_nowhere(number)


@pytest.mark.parametrize(
    "number",
    ["8.8.8.8", "146.112.61.103", "146.112.61.111", "2a00::1", "192.168.1.1", "::ffff:8.8.8.8", "a.fr"],
)
def test_a_name_that_leads_somewhere_is_not(number: str) -> None:
    assert not addresses.is_nowhere(number)


@pytest.mark.parametrize(
    ("host", "other", "same"),
    [
        ("www.a.fr", "B.A.fr.", True),
        ("a.fr", "a.org", True),
        ("12.fr", "12.org", True),
        ("a.fr", "b.fr", False),
        ("serveur", "serveur", True),
        ("192.0.2.7", "192.0.2.8", False),
        ("192.0.2.7", "192.0.2.7", True),
        ("2001:db8::1", "2001:db8::2", False),
    ],
)
def test_who_seems_to_own_two_servers(host: str, other: str, same: bool) -> None:
    assert addresses.is_same_owner(host, other) is same


def test_an_error_says_what_is_wrong() -> None:
    assert str(AddressError(Malformed.PORT)) == "port"


def test_a_name_has_253_characters_at_most() -> None:
    longest = ".".join(["a" * 63] * 3 + ["a" * 61])
    assert parse(longest).host == longest
    with pytest.raises(AddressError):
        parse(f"{longest}a")


@pytest.mark.parametrize("text", ["https://a.fr:80:443/x", "HTTPS://a.fr"])
def test_what_has_no_one_right_form_stays(text: str) -> None:
    assert clean(text) == text


def test_a_control_character_goes() -> None:
    assert clean("ht\0tps://a\x7f.fr") == "https://a.fr"
