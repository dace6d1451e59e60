"""The settings: defaults, faults by name and line, upgrade, policy, secure mode."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iea_agent.domain import addresses, settings
from iea_agent.domain.settings import (
    DECLARATIONS,
    DEFAULTS,
    MOST_UNKNOWN,
    Document,
    InstallTime,
    ProxyMode,
    Settings,
    SettingsError,
    UnknownName,
    apply_policy,
    list_changes,
    parse_file,
    upgrade,
)

COMPLETE = """\
schema = 1

[connection]
secure = false
authentication = "http://auth.exemple.fr:8080"
updates = "https://maj.exemple.fr/updates/"
ca_file = "/etc/ssl/exemple.pem"

[licence]
number = "IEA-0000-1234"

[proxy]
mode = "manual"
address = "proxy.exemple.fr:3128"

[program]
path = "C:\\\\Impact emploi\\\\iea.exe"
"""


def parse_values(text: str) -> dict[str, object]:
    """Return the values of *text*, which has no fault."""
    parsed = parse_file(text)
    assert (parsed.faults, parsed.readable) == ((), text)
    return parsed.values


def faults(text: str) -> list[tuple[str, int]]:
    """Name and line of every fault in *text*."""
    try:
        refused = parse_file(text).faults
    except SettingsError as error:
        refused = error.faults
    assert all(fault.expected for fault in refused)
    return [(fault.name, fault.line) for fault in refused]


def test_the_defaults_are_the_official_addresses_in_secure_mode() -> None:
    assert Settings() == DEFAULTS
    assert DEFAULTS.secure
    assert DEFAULTS.authentication == "https://impact-emploi.urssaf.fr"
    assert DEFAULTS.updates == "https://impact-emploi.urssaf.fr/updates"
    assert DEFAULTS.proxy_mode is ProxyMode.SYSTEM
    assert apply_policy({}, {}).settings == DEFAULTS


def test_every_setting_has_one_name_in_the_file() -> None:
    assert [declaration.attribute for declaration in DECLARATIONS.values()] == [
        field.name for field in fields(Settings)
    ]


EXAMPLE = Settings(
    secure=False,
    authentication="http://auth.exemple.fr:8080",
    ca_file="/etc/ssl/exemple.pem",
    scope="paie https://exemple.fr/lecture",
    ipv4_only=True,
    licence_number="IEA-0000-1234",
    proxy_mode=ProxyMode.MANUAL,
    proxy_address="http://proxy.exemple.fr:3128",
    proxy_user="dupont",
    proxy_bypass="localhost;*.exemple.fr",
    pins="Certigna Services CA;sha256/" + "A" * 43 + "=",
    token_hosts="jetons.exemple.fr;192.0.2.7",
    assistance_days=30,
)


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("", ""),
        (" ; ", ""),
        ("Jetons.Exemple.fr ; 192.0.2.7", "jetons.exemple.fr;192.0.2.7"),
        ("é.fr", "xn--9ca.fr"),
        ("a.fr/token", None),
        ("a.fr:8443", None),
        ("*.fr", None),
        ("https://a.fr", None),
        ("marie@a.fr", None),
        (";".join(f"a{number}.fr" for number in range(21)), None),
    ],
)
def test_hosts_that_may_get_the_key_are_whole_names(typed: str, value: str | None) -> None:
    declaration = DECLARATIONS["connection.token_hosts"]
    assert declaration.policy_only
    if value is None:
        with pytest.raises(SettingsError):
            declaration.check(typed)
    else:
        assert declaration.check(typed) == value


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("", ""),
        (" ; ", ""),
        ("  Certigna   Services CA ;  Urssaf;", "Certigna Services CA;Urssaf"),
        ("sha256/" + "a" * 43 + "=", "sha256/" + "a" * 43 + "="),
        # what may be meant as a hash and is none would refuse every certificate
        ("sha256/" + "a" * 42 + "=", None),
        ("SHA256/" + "a" * 43 + "=", None),
        ("sha256//" + "a" * 43 + "=", None),
        ("sha256:" + "ab" * 32, None),
        ("a\x1bb", None),
        ("a" * 201, None),
        (";".join(f"a{number}" for number in range(21)), None),
    ],
)
def test_a_pin_is_a_name_or_a_whole_hash(typed: str, value: str | None) -> None:
    declaration = DECLARATIONS["connection.pins"]
    assert declaration.policy_only
    if value is None:
        with pytest.raises(SettingsError):
            declaration.check(typed)
    else:
        assert declaration.check(typed) == value


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("", ""),
        (r" \\SERVEUR\Impact emploi\ ", r"\\SERVEUR\Impact emploi"),
        (r"« \\nas.local\partage\iea »", r"\\nas.local\partage\iea"),
        (r"D:\Partage", r"D:\Partage"),
        ("/srv/iea", "/srv/iea"),
        (r"\\SERVEUR", None),
        (r"\\?\C:\iea", None),
        (r"\\.\pipe\iea", None),
        (r"\\nas\iea:flux", None),
        ("iea", None),
    ],
)
def test_a_shared_folder_is_a_share_or_a_whole_path(typed: str, value: str | None) -> None:
    declaration = DECLARATIONS["updates.folder"]
    assert declaration.policy_only
    if value is None:
        with pytest.raises(SettingsError):
            declaration.check(typed)
    else:
        assert declaration.check(typed) == value


def test_only_the_policy_has_versions_installed_at_night() -> None:
    declaration = DECLARATIONS["updates.install"]
    assert declaration.policy_only
    assert (DEFAULTS.updates_install, declaration.check("night")) == (InstallTime.CLICK, InstallTime.NIGHT)
    assert declaration.convert_entry("night") == "night"
    for value in ("Night", "auto", "", True, 1):
        with pytest.raises(SettingsError):
            declaration.check(value)
    own = {"updates_install": InstallTime.NIGHT}
    assert apply_policy(own, {}).settings.updates_install is InstallTime.CLICK
    assert apply_policy({}, own).settings.updates_install is InstallTime.NIGHT


@pytest.mark.parametrize("values", [DEFAULTS, EXAMPLE])
@pytest.mark.parametrize("name", DECLARATIONS)
def test_a_value_as_it_is_typed_is_read_back(name: str, values: Settings) -> None:
    declaration = DECLARATIONS[name]
    typed = declaration.format_typed(values)
    for text in (typed, f" {typed} "):
        value = declaration.check(declaration.parse_typed(text))
        assert value == getattr(values, declaration.attribute)


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("connection.secure", "peut-être"),
        ("assistance.maximum_days", "367"),
        ("assistance.maximum_days", "-1"),
        ("connection.scope", "é"),
        ("connection.scope", 'a"b'),
        ("connection.scope", "x" * 501),
    ],
)
def test_a_typed_value_that_cannot_be_used_is_refused(name: str, typed: str) -> None:
    declaration = DECLARATIONS[name]
    with pytest.raises(SettingsError) as caught:
        declaration.check(declaration.parse_typed(typed))
    assert caught.value.faults == (settings.SettingFault(name, 0, declaration.kind.expected),)


@pytest.mark.parametrize(
    ("typed", "value"),
    [(word, True) for word in ("true", "True", " oui ", "VRAI", "yes", "on", "1")]
    + [(word, False) for word in ("false", "non", "Faux", "no", "off", "0")],
)
def test_a_switch_is_typed_in_either_language(typed: str, value: bool) -> None:
    for declaration in DECLARATIONS.values():
        if declaration.kind is settings.SWITCH:
            assert declaration.check(declaration.parse_typed(typed)) is value


def test_no_setting_could_hold_the_key() -> None:
    assert not [name for name in DECLARATIONS if "key" in name or "secret" in name or "password" in name]


def test_a_complete_file_is_read() -> None:
    assert parse_values(COMPLETE) == {
        "secure": False,
        "authentication": "http://auth.exemple.fr:8080",
        "updates": "https://maj.exemple.fr/updates",
        "ca_file": "/etc/ssl/exemple.pem",
        "licence_number": "IEA-0000-1234",
        "proxy_mode": ProxyMode.MANUAL,
        "proxy_address": "http://proxy.exemple.fr:3128",
        "program": "C:\\Impact emploi\\iea.exe",
    }


@pytest.mark.parametrize("text", ["", "schema = 1\n", "schema = 1\n[connection]\n", "# rien\n"])
def test_what_is_not_set_is_not_there(text: str) -> None:
    assert parse_values(text) == {}


def test_names_of_a_later_program_are_passed_over() -> None:
    assert parse_values(
        'schema = 1\ncolour = "blue"\n[connection]\nsecure = true\nfuture = [1, 2]\n[new]\nx = 1'
    ) == {"secure": True}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[connection]\nsecure = "oui"', [("connection.secure", 2)]),
        ("[connection]\n\nsecure = 1", [("connection.secure", 3)]),
        ('[connection]\nauthentication = "ftp://a.fr"', [("connection.authentication", 2)]),
        ('[connection]\nauthentication = ""', [("connection.authentication", 2)]),
        ('[connection]\nupdates = "https://a.fr:99999"', [("connection.updates", 2)]),
        ("[connection]\nupdates = 12", [("connection.updates", 2)]),
        ('# ici\n[licence]\nnumber = "a b"', [("licence.number", 3)]),
        (f'[licence]\nnumber = "{"1" * 101}"', [("licence.number", 2)]),
        ("[licence]\nnumber = 1234", [("licence.number", 2)]),
        ('[proxy]\nmode = "auto"', [("proxy.mode", 2)]),
        ("[proxy]\nmode = [1]", [("proxy.mode", 2)]),
        ('[proxy]\naddress = "https://proxy.fr:3128"', [("proxy.address", 2)]),
        ('[proxy]\naddress = "http://moi:secret@proxy.fr"', [("proxy.address", 2)]),
        ('[proxy]\naddress = "http://proxy.fr/chemin"', [("proxy.address", 2)]),
        ("[proxy]\naddress = true", [("proxy.address", 2)]),
        ("[program]\npath = 1979-05-27", [("program.path", 2)]),
        ('connection.secure = "oui"', [("connection.secure", 1)]),
        ('connection = "oui"', [("connection", 1)]),
        (
            '[connection]\nsecure = "oui"\nupdates = "a b"\n[proxy]\nmode = ""',
            [("connection.secure", 2), ("connection.updates", 3), ("proxy.mode", 5)],
        ),
        ("[connection]\nsecure = \nupdates = 1", [("connection.secure", 2), ("connection.updates", 3)]),
        ("schema = 1\n[connection", [("connection", 2)]),
        ("schema = 2", [("schema", 1)]),
        ("# demain\nschema = 99", [("schema", 2)]),
        ("schema = -1", [("schema", 1)]),
        ("schema = true", [("schema", 1)]),
        ('schema = "1"', [("schema", 1)]),
    ],
)
def test_a_bad_value_is_refused_by_name_and_line(text: str, expected: list[tuple[str, int]]) -> None:
    assert faults(text) == expected


GOOD = """\
[connection]
ca_file = "/etc/ca.pem"
[licence]
number = "IEA-0000-1234"
"""


@pytest.mark.parametrize(
    ("bad", "name", "line"),
    [
        ('[proxy]\naddress = "https://p.fr:8080"\nmode = "none"\n', "proxy.address", 6),
        ('[proxy]\naddress = "socks5://p.fr"\nmode = "none"\n', "proxy.address", 6),
        ('[proxy]\naddress = ["p.fr"]\nmode = "none"\n', "proxy.address", 6),
        ('[proxy]\naddress = { host = "p.fr" }\nmode = "none"\n', "proxy.address", 6),
        ("[proxy]\nuser = 12\nmode = 'none'\n", "proxy.user", 6),
        ('[proxy]\nmode = "none"\nAddress = "p.fr"\n', "proxy.Address", 7),
        ('[proxy]\nmode = "none"\naddress = p.fr\n', "proxy.address", 7),
        ('[proxy]\nmode = "none"\naddress = "p.fr\n', "proxy.address", 7),
        ('[proxy]\nmode = "none"\nmode = "system"\n', "proxy.mode", 7),
        ('[proxy]\nmode = "none"\n[licence]\nnumber = "2"\n', "licence", 7),
        ('[proxy]\nmode = "none"\n[program]\npath = "C:\\Exemple\\ie.exe"\n', "program.path", 8),
        ("[proxy]\nmode = \"none\"\n[program\npath = 'C:\\ie.exe'\n", "program", 7),
        ('[proxy]\nmode = "none"\n[program]\npath = "ie.exe"\n', "program.path", 8),
        ('[proxy]\nmode = "none"\nuser = "jos\udce9"\n', "proxy.user", 7),
    ],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=ascii)
def test_only_what_is_refused_falls_back(bad: str, name: str, line: int, ends: str) -> None:
    text = (GOOD + bad).replace("\n", ends)
    parsed = parse_file(text)
    assert [(fault.name, fault.line) for fault in parsed.faults] == [(name, line)]
    assert parsed.values == {
        "ca_file": "/etc/ca.pem",
        "licence_number": "IEA-0000-1234",
        "proxy_mode": ProxyMode.NONE,
    }
    assert [each.removeprefix("# ") for each in parsed.readable.split("\n")] == text.split("\n")
    assert parsed.faults[0].concerns(name.lower())


@pytest.mark.parametrize(
    "text", ['x = """\n' + GOOD, GOOD + "rien du tout\n", "\0\0\0", "= 1\n" + GOOD, "x = [1,\n" + GOOD]
)
def test_a_file_whose_rest_is_unclear_is_refused_whole(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_file(text)
    assert [fault.name for fault in caught.value.faults] == [""]


def test_a_file_of_nothing_but_errors_is_refused_whole_and_soon() -> None:
    assert faults("".join(f"[a{number}]\nb = x\n" for number in range(2000))) == [("", 2)]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("", ""),
        ('"C:\\Program Files\\ie.exe"', "C:\\Program Files\\ie.exe"),
        (" « C:/ie.exe » ", "C:/ie.exe"),
        ("\u202aC:\\ie.exe", "C:\\ie.exe"),
        ("'/opt/ie'", "/opt/ie"),
        ("%ProgramFiles%\\ie.exe", "%ProgramFiles%\\ie.exe"),
        ("C:\\ie\u00a0plus.exe", "C:\\ie plus.exe"),
    ],
)
def test_a_path_is_cleaned(written: str, meant: str) -> None:
    assert DECLARATIONS["program.path"].check(written) == meant


@pytest.mark.parametrize(
    "written",
    [
        "ie.exe",
        "..\\ie.exe",
        "C:ie.exe",
        "\\ie.exe",
        "~/ie",
        '"C:\\ie.exe" /q',
        "https://a.fr/ie.exe",
        "ms-settings:",
        "\\\\serveur\\partage\\ie.exe",
        "//serveur/partage/ie.exe",
        "\\\\?\\C:\\ie.exe",
        "\\\\.\\pipe\\ie.exe",
        "C:\\\\serveur\\ie.exe",
        "C:\\ie.txt:ie.exe",
        "%ProgramFiles%\\ie.txt:ie.exe",
        "C:\\ie.lnk",
        "C:\\ie.bat",
        "C:\\ie",
        "%ProgramFiles%\\ie.exe\\",
        "C:\\\0",
        1,
    ],
    ids=ascii,
)
def test_a_path_that_means_something_else_elsewhere_is_refused(written: object) -> None:
    with pytest.raises(SettingsError):
        DECLARATIONS["program.path"].check(written)


@pytest.mark.parametrize(
    ("path", "on_windows", "on_linux"),
    [
        ("C:\\ie.exe", True, False),
        ("C:/ie.exe", True, False),
        ("/opt/ie", False, True),
        ("\\\\serveur\\partage\\ie.exe", False, False),
        ("\\\\?\\UNC\\serveur\\ie.exe", False, False),
        ("C:ie.exe", False, False),
        ("ie.exe", False, False),
        ("%Nulle%\\ie.exe", False, False),
    ],
)
def test_a_path_is_complete_on_its_own_system(path: str, on_windows: bool, on_linux: bool) -> None:
    assert settings.is_usable_path(path, on_windows=True) is on_windows
    assert settings.is_usable_path(path, on_windows=False) is on_linux


def test_a_file_of_authorities_is_on_this_pc_whatever_its_name() -> None:
    check = DECLARATIONS["connection.ca_file"].check
    assert check("C:\\ca.pem") == "C:\\ca.pem"
    for path in ("\\\\serveur\\ca.pem", "//serveur/ca.pem", "ca.pem", "https://a.fr/ca.pem"):
        with pytest.raises(SettingsError):
            check(path)


def test_the_variables_of_a_path_are_those_of_the_environment() -> None:
    environment = {"PROGRAMFILES": "C:\\Program Files", "ProgramFiles(x86)": "D:\\x86"}
    for path, meant in (
        ("%ProgramFiles%\\ie.exe", "C:\\Program Files\\ie.exe"),
        ("%PROGRAMFILES(X86)%\\ie.exe", "D:\\x86\\ie.exe"),
        ("C:\\ie.exe", "C:\\ie.exe"),
    ):
        assert settings.expand_variables(path, environment) == meant
    with pytest.raises(KeyError):
        settings.expand_variables("%Nulle%\\ie.exe", environment)


def test_nesting_without_end_is_a_fault_of_the_file_and_no_crash() -> None:
    assert faults("x = " + "[" * 20_000) == [("", 0)]


def test_a_number_without_end_is_a_fault_of_the_file_and_no_crash() -> None:
    assert faults("x = " + "9" * 5000) == [("", 0)]


@pytest.mark.parametrize(
    "line", ["a." * 51 + "a = 1", "[" + "a." * 51 + "a]", "x = {" + "a." * 51 + "a = 1}"]
)
def test_a_name_without_end_is_a_fault_of_the_file_and_takes_no_time(line: str) -> None:
    assert faults(f"schema = 1\n{line}") == [("", 2)]


def test_dots_in_a_value_or_in_a_remark_do_not_count() -> None:
    hosts = ";".join(["a.b.c"] * 30)
    assert faults(f"# {'.' * 80}\n[proxy]\nbypass = '{hosts}' # …") == []


def test_a_long_line_takes_no_time_to_pass_over() -> None:
    for blank, name in ((" " * 1000, "connection"), (" " * 100_000, "")):
        assert faults(
            f"[connection]\n{blank}#\n[{blank}a{blank}]\n{blank}b{blank}=1\n[connection.c]\n[connection ]"
        ) == [(name, 6)]
    assert faults(f"[connection]\n{blank}#\n\tsecure\t= 1") == [("connection.secure", 3)]


def test_a_refused_file_says_in_its_message_where() -> None:
    with pytest.raises(SettingsError, match=r"schema, line 2: une version"):
        parse_file("# demain\nschema = 99")


@given(st.text(max_size=200))
def test_whatever_is_in_the_file_it_is_read_or_refused(text: str) -> None:
    try:
        values = parse_file(text).values
    except SettingsError:
        return
    assert set(values) <= {field.name for field in fields(Settings)}


def test_a_pasted_address_in_the_file_is_cleaned() -> None:
    assert parse_values('[connection]\nauthentication = "« https://a.fr/ »"') == {
        "authentication": "https://a.fr"
    }


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("", ""),
        ("proxy.fr", "http://proxy.fr:80"),
        ("proxy.fr:3128", "http://proxy.fr:3128"),
        ("« http://10.0.0.1:8080 »", "http://10.0.0.1:8080"),
    ],
)
def test_a_proxy_address_always_has_its_port(written: str, meant: str) -> None:
    assert parse_values(f'[proxy]\naddress = "{written}"') == {"proxy_address": meant}


def test_a_file_without_a_schema_is_one_written_by_hand() -> None:
    assert upgrade({"licence": {"number": "1"}}) == {"schema": 1, "licence": {"number": "1"}}
    assert parse_values('[licence]\nnumber = "1"') == {"licence_number": "1"}


def test_there_is_a_step_from_every_earlier_schema() -> None:
    assert set(settings.STEPS) == set(range(settings.SCHEMA))


def test_steps_are_taken_one_after_another_from_where_the_file_stands() -> None:
    def step(number: int) -> settings.Step:
        def take(document: Document) -> Document:
            assert document["schema"] == number
            return {**document, "schema": number + 1, "steps": f"{document.get('steps', '')}{number}"}

        return take

    steps = {number: step(number) for number in range(1, 4)}
    assert upgrade({"schema": 1}, steps, 4) == {"schema": 4, "steps": "123"}
    assert upgrade({"schema": 3}, steps, 4) == {"schema": 4, "steps": "3"}
    assert upgrade({"schema": 4}, steps, 4) == {"schema": 4}
    with pytest.raises(SettingsError):
        upgrade({"schema": 5}, steps, 4)


def test_the_policy_lies_on_top_and_locks_what_it_sets() -> None:
    own = parse_values('[connection]\nauthentication = "https://moi.fr"\n[licence]\nnumber = "7"')
    policy = parse_values('[connection]\nauthentication = "https://admin.fr"\nca_file = "/ca.pem"')
    both = apply_policy(own, policy)
    assert both.settings.authentication == "https://admin.fr"
    assert both.settings.ca_file == "/ca.pem"
    assert both.settings.licence_number == "7"
    assert both.locked == {"authentication", "ca_file"}


def test_the_policy_locks_even_what_it_sets_to_the_default() -> None:
    assert apply_policy({"secure": False}, {"secure": True}).locked == {"secure"}
    assert apply_policy({"secure": False}, {"secure": True}).settings.secure


def test_in_secure_mode_every_server_address_is_https() -> None:
    own = {"authentication": "http://a.fr", "updates": "http://b.fr:8080/x"}
    secure = apply_policy(own, {}).settings
    assert (secure.authentication, secure.updates) == ("https://a.fr", "https://b.fr:8080/x")
    clear = apply_policy({**own, "secure": False}, {}).settings
    assert (clear.authentication, clear.updates) == ("http://a.fr", "http://b.fr:8080/x")


@given(st.booleans(), st.sampled_from(("http://a.fr", "https://a.fr", "http://a.fr:8080/x")))
def test_what_is_in_force_can_always_be_read(secure: bool, address: str) -> None:
    in_force = apply_policy({"secure": secure, "authentication": address}, {}).settings
    read_address = addresses.parse(in_force.authentication)
    assert read_address.secure or not secure


def test_a_name_that_no_setting_has_is_listed_with_the_nearest() -> None:
    text = """\
schema = 1
colour = "red"
[conection]
updates = "https://a.fr"
[connection]
autentication = "https://a.fr"
[assistance]
Maximum_Day = 3
[printer]
name = "x"
"""
    assert parse_file(text).unknown == (
        UnknownName("colour", 2),
        UnknownName("conection.updates", 4, "connection.updates"),
        UnknownName("connection.autentication", 6, "connection.authentication"),
        UnknownName("assistance.Maximum_Day", 8, "assistance.maximum_days"),
        UnknownName("printer.name", 10),
    )
    assert parse_file(COMPLETE).unknown == ()


def test_a_name_in_capitals_is_refused_and_not_unknown() -> None:
    parsed = parse_file("[proxy]\nMode = 'none'\n")
    assert [fault.name for fault in parsed.faults] == ["proxy.Mode"]
    assert parsed.unknown == ()


def test_the_unknown_names_that_are_listed_are_bounded() -> None:
    many = "\n".join(f"'{'a' * 50_000}{number}' = 1" for number in range(MOST_UNKNOWN + 5))
    assert len(parse_file(many).unknown) == MOST_UNKNOWN


def test_what_has_changed_is_written_and_nothing_else() -> None:
    assert list_changes(DEFAULTS, DEFAULTS) == {}
    assert list_changes(DEFAULTS, replace(DEFAULTS, licence_number="IEA-1")) == {"licence.number": "IEA-1"}


def test_what_is_official_is_the_policys_alone() -> None:
    policy_only = {name for name, declaration in DECLARATIONS.items() if declaration.policy_only}
    assert policy_only >= {"connection.official_authentication", "connection.official_updates"}


@pytest.mark.parametrize(
    ("name", "longest", "begin", "end"),
    [("program.path", 1000, "C:\\", ".exe"), ("proxy.bypass", 2000, "", "")],
)
def test_a_long_text_is_refused_and_the_longest_is_not(name: str, longest: int, begin: str, end: str) -> None:
    middle = "a" * (longest - len(begin) - len(end))
    DECLARATIONS[name].check(f"{begin}{middle}{end}")
    with pytest.raises(SettingsError):
        DECLARATIONS[name].check(f"{begin}a{middle}{end}")
