"""Settings and state on disk: written whole, never lost, below the policy."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iea_agent.domain import addresses, password_tries, refusals, settings
from iea_agent.domain.assistance_record import parse_assistance
from iea_agent.domain.password_register import parse_generation
from iea_agent.domain.refusals import Refusal, RefusedError
from iea_agent.domain.settings import UnknownName
from iea_agent.host import NotTrustedError, settings_file, state_files, storage
from iea_agent.host.regular_files import read_bounded
from iea_agent.host.storage import Folders, Storage

OWN = """\
# Written by the treasurer
schema = 1

[licence]
number = "IEA-0000-1234"   # from the letter of May

[connection]
authentication = "https://auth.example.fr"
later = "a setting of another version"

[other]
kept = [1, 2]
"""


PATH_FORM = "C:/{}.exe" if sys.platform == "win32" else "/{}"
"""A complete path of a program on this system."""

STATE_EXAMPLES: dict[str, dict[str, object]] = {
    "assistance": {"since": 1_800_000_000.0},
    "attempts": password_tries.Tries(clock=1.8e9, failures=3, recent=(1.7e9,), generation=1).to_document(),
    "register": {"generation": 3},
}
STATES = [
    ("assistance", parse_assistance),
    ("attempts", password_tries.parse_tries),
    ("register", parse_generation),
]
"""Each state file that holds times and numbers, and what reads it."""


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """Folders of an installation, empty, below a home with a space and an accent."""
    folders = Folders.locate({"IEA_AGENT_HOME": str(tmp_path / "chez Zoé")})
    for folder in (folders.settings, folders.policy, folders.state):
        folder.mkdir(parents=True)
    return folders


@pytest.fixture
def store(folders: Folders) -> Storage:
    """The storage of these folders."""
    return Storage(folders)


def names(folder: Path) -> set[str]:
    """What is in *folder*, hidden files too."""
    return {path.name for path in folder.iterdir()}


@contextmanager
def refused(refusal: Refusal) -> Iterator[None]:
    """Expect that *refusal* is raised."""
    with pytest.raises(RefusedError) as error:
        yield
    assert error.value.refusal == refusal


ROOT_ALONE = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="only root makes a device"
)


def make_no_file(path: Path, kind: str) -> None:
    """Put at *path* what is no file: by *kind* a full folder, a pipe, a link to one."""
    if sys.platform != "win32" and kind == "pipe":
        os.mkfifo(path)
    elif sys.platform != "win32" and kind == "link":
        os.mkfifo(path.with_name("pipe"))
        path.symlink_to(path.with_name("pipe"))
    elif sys.platform != "win32" and kind == "device":
        # /dev/ptmx under another name: it is waited for
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(5, 2))
    else:
        path.mkdir()
        (path / "x").touch()


def broken(folder: Path) -> list[Path]:
    """The broken files set aside."""
    return sorted(folder.glob("*.broken-*"))


class TestFolders:
    """Where things are."""

    def test_a_moved_home_holds_them_all(self, tmp_path: Path) -> None:
        here = Folders.locate({"IEA_AGENT_HOME": str(tmp_path)})
        assert (here.settings, here.state, here.policy, here.logs) == tuple(
            tmp_path / name for name in ("settings", "state", "policy", "logs")
        )

    def test_two_homes_have_two_names(self, tmp_path: Path) -> None:
        one, two = (Folders.locate({"IEA_AGENT_HOME": str(tmp_path / name)}).name for name in "ab")
        assert one != two
        assert one == Folders.locate({"IEA_AGENT_HOME": str(tmp_path / "a")}).name
        assert one.startswith("IEA Agent ")

    def test_without_it_they_are_where_the_system_wants_them(self) -> None:
        here = Folders.locate({})
        assert here.name == "IEA Agent"
        assert len({here.settings, here.policy}) == 2
        for folder in (here.settings, here.state, here.policy, here.logs):
            assert folder.is_absolute()
            assert "IEA Agent" in folder.parts
        if sys.platform == "win32":
            assert here.settings == Path(os.environ["LOCALAPPDATA"], "IEA Agent")
            assert here.policy == Path(os.environ["PROGRAMDATA"], "IEA Agent")


class TestLoading:
    """What is in force, whatever the disk holds."""

    def test_nothing_there_gives_the_defaults_and_writes_nothing(self, store: Storage) -> None:
        loaded = store.load()
        assert loaded == storage.LoadedSettings(settings.Effective(settings.DEFAULTS, frozenset()))
        assert names(store.folders.settings) == set()

    def test_the_persons_file_counts(self, store: Storage) -> None:
        store.settings_file.write_text(OWN, "utf-8")
        loaded = store.load()
        assert loaded.effective.settings.authentication == "https://auth.example.fr"
        assert loaded.effective.settings.licence_number == "IEA-0000-1234"
        assert (loaded.faults, loaded.set_aside) == ((), None)

    def test_of_a_file_that_is_too_large_the_true_limit_is_said(self, store: Storage) -> None:
        store.settings_file.write_text("#" * (settings_file.LARGEST_SETTINGS + 1), "utf-8")
        [fault] = store.load().faults
        assert f"{settings_file.LARGEST_SETTINGS // 1024} Kio" in fault.expected

    def test_notepads_mark_and_line_ends_are_read(self, store: Storage) -> None:
        store.settings_file.write_bytes(b"\xef\xbb\xbf" + OWN.replace("\n", "\r\n").encode())
        assert store.load().effective.settings.licence_number == "IEA-0000-1234"

    @pytest.mark.parametrize(
        ("data", "line"),
        [
            (b"schema = 1\n[connection\n", 2),
            (b"schema = 1\n[connection]\nauthentication = https://a.fr\n", 3),
            (b"\xff\xfe\x00\xd8", 1),
            (b"\x00\x00\x00\x00", 1),
        ],
    )
    def test_a_broken_file_is_set_aside_once_and_the_last_good_one_used(
        self, store: Storage, data: bytes, line: int
    ) -> None:
        store.settings_file.write_text(OWN, "utf-8")
        store.load()
        store.settings_file.write_bytes(data)
        first, second = store.load(), store.load()
        assert first.effective.settings.authentication == "https://auth.example.fr"
        assert first.faults
        assert first.faults[0].line == line
        assert first == second
        assert broken(store.folders.settings) == [first.set_aside]
        assert first.set_aside is not None
        assert first.set_aside.read_bytes() == store.settings_file.read_bytes() == data

    def test_a_broken_file_and_no_good_one_before_give_the_defaults(self, store: Storage) -> None:
        store.settings_file.write_text("=")
        loaded = store.load()
        assert loaded.faults
        assert loaded.effective.settings == settings.DEFAULTS

    def test_a_mended_file_counts_again(self, store: Storage) -> None:
        store.settings_file.write_text("=")
        store.load()
        store.settings_file.write_text(OWN, "utf-8")
        assert store.load().faults == ()
        assert store.load().effective.settings.licence_number == "IEA-0000-1234"

    def test_five_broken_ones_are_kept(self, store: Storage) -> None:
        for number in range(8):
            store.settings_file.write_text(f"= {number}")
            store.load()
        assert [path.read_text() for path in broken(store.folders.settings)] == [
            f"= {n}" for n in range(3, 8)
        ]

    def test_a_giant_file_is_not_swallowed(self, store: Storage) -> None:
        with store.settings_file.open("wb") as file:
            file.truncate(2**33)
        loaded = store.load()
        assert loaded.faults
        assert loaded.set_aside is None
        assert loaded.effective.settings == settings.DEFAULTS

    def test_what_is_no_file_is_reported(self, store: Storage) -> None:
        store.settings_file.mkdir()
        store.policy_file.mkdir()
        loaded = store.load()
        assert loaded.faults
        assert loaded.policy_faults

    def test_a_newer_file_is_never_touched(self, store: Storage) -> None:
        store.settings_file.write_text(OWN, "utf-8")
        store.load()
        newer = OWN.replace("schema = 1", "schema = 2").replace("auth.", "new.")
        store.settings_file.write_text(newer, "utf-8")
        loaded = store.load()
        assert loaded.faults[0].name == "schema"
        assert loaded.effective.settings.authentication == "https://auth.example.fr"
        with refused(refusals.SettingsNewer(str(store.settings_file))):
            store.save({"connection.secure": False})
        assert store.settings_file.read_text("utf-8") == newer
        assert broken(store.folders.settings) == []


class TestRefusedValues:
    """One value that is refused falls back alone, and nothing is written away."""

    BAD = OWN + '\n[proxy]\nmode = "manual"\naddress = "https://proxy.fr:8080"\nuser = "marie"\n'

    def test_the_others_stay_in_force_and_it_is_named(self, store: Storage) -> None:
        store.settings_file.write_text(self.BAD, "utf-8")
        loaded = store.load()
        assert [(fault.name, fault.line) for fault in loaded.faults] == [("proxy.address", 16)]
        values = loaded.effective.settings
        assert (values.licence_number, values.proxy_user, values.proxy_address) == (
            "IEA-0000-1234",
            "marie",
            "",
        )
        assert loaded.set_aside is None

    def test_what_held_before_holds_until_it_is_mended(self, store: Storage) -> None:
        good = self.BAD.replace("https://proxy", "http://proxy").replace("marie", "paul")
        store.settings_file.write_text(good, "utf-8")
        store.load()
        store.settings_file.write_text(self.BAD, "utf-8")
        for _ in range(2):
            values = store.load().effective.settings
            assert (values.proxy_address, values.proxy_user) == ("http://proxy.fr:8080", "marie")

    def test_saving_another_setting_keeps_its_line(self, store: Storage) -> None:
        store.settings_file.write_text(self.BAD, "utf-8")
        store.save({"licence.number": "IEA-0000-9999"})
        assert store.settings_file.read_text("utf-8") == self.BAD.replace("0000-1234", "0000-9999")
        assert [fault.name for fault in store.load().faults] == ["proxy.address"]
        assert broken(store.folders.settings) == []
        store.save({"proxy.address": "proxy.fr"})
        assert store.load().faults == ()
        assert "https://proxy.fr:8080" in broken(store.folders.settings)[0].read_text("utf-8")

    def test_a_line_that_is_no_toml_becomes_a_comment_when_something_is_saved(self, store: Storage) -> None:
        store.settings_file.write_text(OWN + '[program]\npath = "C:\\Exemple\\ie.exe"\n', "utf-8")
        assert [fault.name for fault in store.load().faults] == ["program.path"]
        store.save({"proxy.user": "marie"})
        text = store.settings_file.read_text("utf-8")
        assert OWN in text
        assert '# path = "C:\\Exemple\\ie.exe"' in text
        assert store.load().effective.settings.proxy_user == "marie"
        assert len(broken(store.folders.settings)) == 1

    def test_what_stands_for_a_section_is_set_aside(self, store: Storage) -> None:
        store.settings_file.write_text('proxy = "proxy.fr"\n[licence]\nnumber = "1"\n')
        store.save({"proxy.user": "marie"})
        values = store.load().effective.settings
        assert (values.licence_number, values.proxy_user) == ("1", "marie")
        assert [path.read_text() for path in broken(store.folders.settings)] == [
            'proxy = "proxy.fr"\n[licence]\nnumber = "1"\n'
        ]

    def test_of_a_policy_too(self, store: Storage) -> None:
        authority = str(store.folders.policy / "ca.pem")
        Path(authority).touch()
        store.policy_file.write_text(
            f"[connection]\nca_file = '{authority}'\n[proxy]\naddress = 'socks5://p'\n", "utf-8"
        )
        loaded = store.load()
        assert loaded.effective.settings.ca_file == authority
        assert loaded.effective.locked == {"ca_file", "proxy_address"}
        assert [(fault.name, fault.line) for fault in loaded.policy_faults] == [("proxy.address", 4)]

    def test_an_unknown_name_of_the_policy_is_reported_and_refuses_nothing(self, store: Storage) -> None:
        store.policy_file.write_text("[proxy]\nmod = 'none'\nuser = 'marie'\n", "utf-8")
        store.settings_file.write_text("[proxy]\nmod = 'none'\n", "utf-8")
        loaded = store.load()
        assert loaded.unknown == (UnknownName("proxy.mod", 2, "proxy.mode", "policy.toml"),)
        assert loaded.all_faults == ()
        assert loaded.effective.locked == {"proxy_user"}

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
    def test_a_file_of_notepad_is_read_and_saved(self, store: Storage, encoding: str) -> None:
        mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
        for file in (store.settings_file, store.policy_file):
            file.write_bytes(mark + "[proxy]\r\nuser = 'Zoé'\r\n".encode(encoding))
            assert store.load().effective.settings.proxy_user == "Zoé"
        store.policy_file.unlink()
        store.save({"licence.number": "1"})
        values = store.load().effective.settings
        assert (values.proxy_user, values.licence_number) == ("Zoé", "1")

    @pytest.mark.parametrize("name", ["program.path", "connection.ca_file"])
    def test_a_path_with_an_unknown_variable_is_not_saved(self, store: Storage, name: str) -> None:
        store.save({"licence.number": "1"})
        before = store.settings_file.read_bytes()
        with pytest.raises(RefusedError) as refusal:
            store.save({name: "%IEA_TEST_ROOT%/x"})
        assert isinstance(refusal.value.refusal, refusals.SettingsInvalid)
        assert store.settings_file.read_bytes() == before

    @pytest.mark.parametrize("name", ["program.path", "connection.ca_file"])
    def test_a_path_is_saved_if_it_leads_to_a_file_now(
        self, store: Storage, tmp_path: Path, name: str
    ) -> None:
        file = tmp_path / "ie.exe"
        for is_folder in (False, True):
            if is_folder:
                file.mkdir()
            with pytest.raises(RefusedError) as refusal:
                store.save({name: str(file)})
            assert isinstance(refusal.value.refusal, refusals.SettingsInvalid)
            assert "existe" in refusal.value.refusal.faults[0].expected
        file.rmdir()
        file.touch()
        store.save({name: str(file)})
        file.unlink()
        assert store.load().faults == (), "what is gone later is named where it is used"

    def test_bytes_of_a_code_page_cost_one_value(self, store: Storage) -> None:
        store.settings_file.write_bytes("# été\n[proxy]\nuser = 'Zoé'\nmode = 'none'\n".encode("cp1252"))
        loaded = store.load()
        assert [(fault.name, fault.line) for fault in loaded.faults] == [("proxy.user", 3)]
        store.save({"licence.number": "1"})
        assert b"user = 'Zo\xe9'" in store.settings_file.read_bytes()
        assert store.load().effective.settings.proxy_mode is settings.ProxyMode.NONE

    def test_a_path_with_variables_is_expanded_where_it_is_used(self, store: Storage) -> None:
        text = "[program]\npath = '\"%IEA_TEST_ROOT%/ie.exe\"'\n[licence]\nnumber = '1'\n"
        store.settings_file.write_text(text)
        loaded = store.load()
        assert [(fault.name, fault.line) for fault in loaded.faults] == [("program.path", 2)]
        with pytest.MonkeyPatch.context() as environment:
            root = "C:/opt" if sys.platform == "win32" else "/opt"
            environment.setenv("IEA_TEST_ROOT", root)
            assert store.load().effective.settings.program == f"{root}/ie.exe"
            store.save({"licence.number": "2"})
        assert "%IEA_TEST_ROOT%" in store.settings_file.read_text()

    def test_a_folder_in_its_place_is_set_aside(self, store: Storage) -> None:
        store.settings_file.mkdir()
        (store.settings_file / "x").touch()
        store.save({"licence.number": "1"})
        assert store.load().effective.settings.licence_number == "1"
        assert (broken(store.folders.settings)[0] / "x").exists()

    @pytest.mark.linux
    @pytest.mark.parametrize("kind", ["pipe", "link", pytest.param("device", marks=ROOT_ALONE)])
    def test_a_pipe_or_a_device_in_its_place_is_not_waited_for(self, store: Storage, kind: str) -> None:
        make_no_file(store.settings_file, kind)
        assert store.load().faults
        store.save({"licence.number": "1"})
        assert store.load().effective.settings.licence_number == "1"
        if kind == "link":
            assert store.settings_file.with_name("pipe").is_fifo(), "what it leads to is not replaced"

    def test_too_many_brackets_are_a_fault(self, store: Storage) -> None:
        store.settings_file.write_text("x = " + "[" * 5_000 + "]" * 5_000)
        assert store.load().faults
        store.save({"licence.number": "1"})
        assert store.load().effective.settings.licence_number == "1"


def test_the_publishers_support_address_stands_below_the_persons_and_the_policys(
    store: Storage, folders: Folders
) -> None:
    signed = folders.state / "updates" / "targets" / "policy.json"
    signed.parent.mkdir(parents=True)
    default = settings.DEFAULTS.support_address
    for text, wanted in (
        ('{"schema": 1, "support_address": "aide@exemple.fr"}', "aide@exemple.fr"),
        ('{"schema": 1}', default),
        ('{"schema": 1, "support_address": "aide@exemple.fr?cc=autre@exemple.fr"}', default),
        ('{"schema": 1, "support_address": "aide@exemple.fr", "proxy": {}}', default),
        ("{", default),
        ('{"schema": 1, "support_address": "aide@exemple.fr"}', "aide@exemple.fr"),
    ):
        signed.write_text(text)
        loaded = store.load()
        assert loaded.effective.settings.support_address == wanted
        assert (loaded.all_faults, loaded.effective.locked) == ((), frozenset())
    store.settings_file.write_text('schema = 1\n[support]\naddress = "moi@exemple.fr"\n')
    assert store.load().effective.settings.support_address == "moi@exemple.fr"
    store.policy_file.write_text('schema = 1\n[support]\naddress = "dsi@exemple.fr"\n')
    assert store.load().effective.settings.support_address == "dsi@exemple.fr"


def test_the_publishers_policy_is_read_once_for_whoever_asks(store: Storage, folders: Folders) -> None:
    signed = folders.state / "updates" / "targets" / "policy.json"
    signed.parent.mkdir(parents=True)
    signed.write_text('{"schema": 1, "support_address": "aide@exemple.fr"}')
    assert store.load().effective.settings.support_address == "aide@exemple.fr"
    policy, before = store.texts.load_policy(), signed.stat()
    # of the same size and time: who reads it again would see it
    signed.write_text('{"schema": 1, "support_address": "zzzz@exemple.fr"}')
    os.utime(signed, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert store.load().effective.settings.support_address == "aide@exemple.fr"
    assert store.texts.load_policy() is policy


class TestPolicy:
    """The administrator's file on top."""

    def test_what_it_sets_is_locked(self, store: Storage) -> None:
        store.settings_file.write_text(OWN, "utf-8")
        store.policy_file.write_text('[connection]\nauthentication = "https://policy.example.fr"\n')
        effective = store.load().effective
        assert effective.settings.authentication == "https://policy.example.fr"
        assert effective.locked == {"authentication"}
        before = store.settings_file.read_bytes()
        with refused(refusals.SettingLocked("connection.authentication")):
            store.save({"connection.authentication": "https://mine.fr", "licence.number": "1"})
        assert store.settings_file.read_bytes() == before
        store.save({"licence.number": "1"})
        assert store.load().effective.settings.licence_number == "1"

    def test_a_broken_one_leaves_the_one_before_in_force_as_long_as_the_program_runs(
        self, store: Storage
    ) -> None:
        store.policy_file.write_text("[connection]\nsecure = false\n")
        store.load()
        store.policy_file.write_text("[connection]\nauthentication = '''\nhttps")
        loaded = store.load()
        assert loaded.policy_faults
        assert loaded.faults == ()
        assert loaded.effective.locked == {"secure"}
        assert not loaded.effective.settings.secure
        with refused(refusals.SettingLocked("connection.secure")):
            store.save({"connection.secure": True})

    @pytest.mark.parametrize(
        "content",
        [b"[connection]\nauthentication = '''\nhttps", b"\xff\xfe\x00\xd8", b"schema = 2\n", b"x" * 300_000],
        ids=["open text", "no text", "newer", "giant"],
    )
    def test_one_of_which_nothing_can_be_used_fixes_all_but_the_licence(
        self, store: Storage, content: bytes
    ) -> None:
        """Nobody knows what it fixed, so the person's own values hold for nothing else."""
        store.settings_file.write_text(
            f"{OWN}\n[proxy]\nmode = 'none'\n".replace("later", "secure = false\nlater")
        )
        (store.folders.state / "policy.last-good.toml").write_text("[assistance]\nmaximum_days = 1\n")
        store.policy_file.write_bytes(content)
        loaded = store.load()
        assert loaded.policy_faults
        expected = replace(settings.DEFAULTS, licence_number="IEA-0000-1234")
        if content.startswith((b"x", b"\xff")):
            # it cannot be read as a whole, so it may demand a certificate
            expected = replace(expected, pins=settings.UNMET_PIN)
        assert loaded.effective.settings == expected
        names = {each.attribute for each in settings.DECLARATIONS.values()}
        assert loaded.effective.locked == names - {"licence_number"}
        assert store.load() == loaded

    @pytest.mark.parametrize(
        ("line", "attribute"),
        [
            ("[connection]\nsecure = 'oui'", "secure"),
            ("[connection]\nSecure = true", "secure"),
            ("[connection]\nsecure = oui", "secure"),
            ("[connection\nsecure = true", "secure"),
            ("[assistance]\nmaximum_days = 'dix'", "assistance_days"),
            ("[program]\npath = '%IEA_TEST_ROOT%/ie.exe'", "program"),
        ],
    )
    def test_a_refused_value_stays_fixed(self, store: Storage, line: str, attribute: str) -> None:
        """The person's own value does not hold instead, nor a copy in his folder."""
        own = (
            "[connection]\nsecure = false\n[assistance]\nmaximum_days = 1\n[program]\npath = '/opt/own.exe'\n"
        )
        store.settings_file.write_text(own)
        (store.folders.state / "policy.last-good.toml").write_text(own)
        store.policy_file.write_text(f"[proxy]\nmode = 'none'\n{line}\n")
        loaded = store.load()
        assert loaded.policy_faults
        effective = loaded.effective
        assert attribute in effective.locked
        assert getattr(effective.settings, attribute) == getattr(settings.DEFAULTS, attribute)
        assert effective.settings.proxy_mode is settings.ProxyMode.NONE, "what is right in it holds"

    @pytest.mark.parametrize(
        "content",
        [
            "[connection]\npins = 'sha256/short'\n",
            "[connection]\npins = Certigna\n",
            "[connection]\nPins = 'Certigna'\n",
            "[connection\npins = 'Certigna'\n",
            "[connection]\npins = ['Certigna']\n",
            "connection = 1 # pins\n",
            "[connection]\nscope = '''\npins = 'Certigna'\n",
            "schema = 2\n[connection]\npins = 'Certigna'\n",
            "[connection]\npins = 'Certigna'\n" + "# \n" * 40_000,
        ],
    )
    def test_pins_that_cannot_be_read_are_met_by_nothing(self, store: Storage, content: str) -> None:
        """Without a pin the agent would trust whom the administrator does not."""
        store.policy_file.write_text(content)
        loaded = store.load()
        assert loaded.policy_faults
        assert loaded.effective.settings.pins == settings.UNMET_PIN
        assert "pins" in loaded.effective.locked

        store.policy_file.write_text("[connection]\npins = 'Certigna'\n")
        assert store.load().effective.settings.pins == "Certigna"
        store.policy_file.write_text(content)
        assert store.load().effective.settings.pins == "Certigna", "the one before, until the program ends"

    def test_a_faulty_policy_without_pins_demands_none(self, store: Storage) -> None:
        for content in ("[connection\nsecure = true\n", "schema = 2\n", "[connection]\nscope = '''\n"):
            store.policy_file.write_text(content)
            loaded = store.load()
            assert loaded.policy_faults
            assert loaded.effective.settings.pins == ""

    def test_a_withdrawn_one_is_forgotten(self, store: Storage) -> None:
        store.policy_file.write_text("[connection]\nsecure = false\n")
        store.load()
        store.policy_file.unlink()
        assert store.load().effective.locked == frozenset()
        store.policy_file.write_text("[proxy]\naddress = 'x y'")
        assert store.load().effective.locked == {"proxy_address"}

    @pytest.mark.linux
    @pytest.mark.parametrize("place", ["policy.toml", ""])
    def test_one_that_somebody_else_may_write_is_nobodys_word(self, store: Storage, place: str) -> None:
        store.settings_file.write_text(OWN, "utf-8")
        store.policy_file.write_text("[connection]\nsecure = false\n[program]\npath = '/tmp/evil'\n")
        signature = store.policy_signature()
        (store.folders.policy / place).chmod(0o777)
        loaded = store.load()
        assert loaded.effective.locked == frozenset()
        assert loaded.effective.settings.program == ""
        assert [(fault.name, fault.file) for fault in loaded.policy_faults] == [("", "policy.toml")]
        assert "administrateurs" in loaded.policy_faults[0].expected
        assert store.policy_signature() != signature, "the agent notices it within a minute"
        (store.folders.policy / place).chmod(0o700)
        assert store.policy_signature() == signature
        assert store.load().effective.locked == {"secure", "program"}

    def test_of_a_program_that_ships_only_administrators_write_it(self, store: Storage) -> None:
        """The Windows Python of the rig has one user, who is no administrator."""
        shipped = Storage(replace(store.folders, has_own_policy=False))
        store.policy_file.write_text("[connection]\nsecure = false\n")
        assert store.load().effective.locked == {"secure"}
        if sys.platform != "win32" and os.geteuid() == 0:
            os.chown(store.policy_file, 65534, -1)
        assert shipped.load().effective.locked == frozenset()
        assert shipped.load().policy_faults

    def test_its_authorities_are_an_administrators_too(self, store: Storage) -> None:
        file = store.folders.policy / "autorite.pem"
        store.policy_file.write_text(f"[connection]\nca_file = '{file}'\n", "utf-8")
        missing = store.load()
        assert [(fault.name, fault.line) for fault in missing.policy_faults] == [("connection.ca_file", 2)]
        assert missing.effective.settings.ca_file == ""
        assert "ca_file" in missing.effective.locked
        signature = store.policy_signature()
        file.touch()
        assert store.policy_signature() != signature, "the agent notices it within a minute"
        assert store.load().effective.settings.ca_file == str(file)
        assert store.load().policy_faults == ()
        assert store.choose_reader(file) == store.read_administrators_file
        assert store.choose_reader(file.with_name("own.pem")) is None, "a person's own"
        if sys.platform != "win32":
            file.chmod(0o666)
            assert store.load().effective.settings.ca_file == str(file), (
                "the one before, until the program ends"
            )
            with pytest.raises(NotTrustedError):
                (store.choose_reader(file) or read_bounded)(file, 10)
            assert Storage(store.folders).load().effective.settings.ca_file == ""
            assert "administrateurs" in store.load().policy_faults[0].expected

    def test_nothing_is_ever_written_beside_it(self, store: Storage) -> None:
        for content in ("[connection]\nsecure = false\n", "="):
            store.policy_file.write_text(content)
            store.load()
            assert names(store.folders.policy) == {"policy.toml"}

    def test_its_signature_changes_with_it(self, store: Storage) -> None:
        signatures = [store.policy_signature()]
        for content in ("", "[connection]\n"):
            store.policy_file.write_text(content)
            signatures += [store.policy_signature()]
        assert signatures[0] is None
        assert len(set(signatures)) == 3
        assert store.policy_signature() == signatures[-1]


class TestSaving:
    """All of the changes or none, and nothing else."""

    def test_comments_order_and_unknown_names_stay(self, store: Storage) -> None:
        store.settings_file.write_text(OWN, "utf-8")
        store.save({"licence.number": "IEA-0000-9999", "connection.updates": "https://maj.example.fr"})
        assert store.settings_file.read_text("utf-8") == OWN.replace("0000-1234", "0000-9999").replace(
            'version"\n', 'version"\nupdates = "https://maj.example.fr"\n'
        )

    def test_the_first_file_says_its_schema(self, store: Storage) -> None:
        store.save({"proxy.mode": settings.ProxyMode.NONE, "connection.secure": False})
        assert store.settings_file.read_text("utf-8").startswith("schema = 1\n")
        assert store.load().effective.settings.proxy_mode is settings.ProxyMode.NONE

    def test_a_pasted_address_is_clean_on_disk(self, store: Storage) -> None:
        store.save({"connection.authentication": "  «\u00a0https://auth.example.fr\u00a0».\n"})
        assert 'authentication = "https://auth.example.fr"' in store.settings_file.read_text("utf-8")

    def test_none_takes_a_setting_out(self, store: Storage) -> None:
        store.settings_file.write_text(OWN, "utf-8")
        store.save({"connection.authentication": None, "proxy.mode": None})
        assert store.load().effective.settings.authentication == addresses.OFFICIAL_AUTHENTICATION
        assert "later" in store.settings_file.read_text("utf-8")

    def test_bad_values_are_named_and_nothing_is_written(self, store: Storage) -> None:
        store.settings_file.write_text(OWN, "utf-8")
        faults = tuple(
            settings.SettingFault(name, 0, settings.DECLARATIONS[name].kind.expected)
            for name in ("connection.secure", "proxy.mode")
        )
        with refused(refusals.SettingsInvalid("connection.secure", faults)):
            store.save({"licence.number": "good", "connection.secure": "oui", "proxy.mode": "magic"})
        assert store.settings_file.read_text("utf-8") == OWN
        with refused(refusals.SettingUnknown("licence.key")):
            store.save({"licence.key": "marker"})

    def test_what_is_the_administrators_alone_is_locked(self, store: Storage) -> None:
        with refused(refusals.SettingLocked("assistance.maximum_days")):
            store.save({"assistance.maximum_days": 3})

    def test_saving_over_a_broken_file_keeps_it_aside(self, store: Storage) -> None:
        store.settings_file.write_text(OWN, "utf-8")
        store.load()
        store.settings_file.write_text("[licence\nnumber = 'mine'")
        store.save({"connection.secure": False})
        assert [path.read_text() for path in broken(store.folders.settings)] == ["[licence\nnumber = 'mine'"]
        loaded = store.load()
        assert loaded.faults == ()
        assert loaded.effective.settings.licence_number == "IEA-0000-1234"
        assert loaded.effective.settings.secure is False

    def test_saving_over_a_giant_file_moves_it_aside(self, store: Storage) -> None:
        with store.settings_file.open("wb") as file:
            file.truncate(2**33)
        store.save({"connection.secure": False})
        assert [path.stat().st_size for path in broken(store.folders.settings)] == [2**33]
        assert store.load().effective.settings.secure is False

    def test_a_good_copy_is_kept(self, store: Storage) -> None:
        store.save({"licence.number": "1"})
        store.settings_file.write_text("=")
        assert store.load().effective.settings.licence_number == "1"

    def test_where_nothing_can_be_written_nothing_is_lost(self, store: Storage) -> None:
        store.settings_file.write_text(OWN, "utf-8")
        store.load()
        blocked = Storage(replace(store.folders, settings=store.settings_file))
        with pytest.raises(RefusedError) as refusal:
            blocked.save({"licence.number": "2"})
        assert isinstance(refusal.value.refusal, refusals.SettingsNotWritten)
        assert refusal.value.refusal.path == str(blocked.settings_file)
        assert refusal.value.refusal.reason == type(refusal.value.__cause__).__name__
        assert isinstance(refusal.value.__cause__, OSError)
        assert store.settings_file.read_text("utf-8") == OWN

    @pytest.mark.linux
    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a disk that is always full")
    def test_a_full_disk_leaves_the_old_file_and_no_other(self, store: Storage) -> None:
        """Limit the size of files: the kernel then refuses to write, as a full disk would.

        A process can set such a limit for itself.
        """
        store.settings_file.write_text(OWN, "utf-8")
        store.load()
        script = (
            "import os, resource, signal; from iea_agent.host.storage import *\n"
            "from iea_agent.domain.refusals import RefusedError\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))\n"
            "try: Storage(Folders.locate(os.environ)).save({'licence.number': '2'})\n"
            "except RefusedError as error: print(error.__cause__.errno)"
        )
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "IEA_AGENT_HOME": str(store.folders.settings.parent)},
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        assert done.stdout.strip().isdigit(), done.stderr
        assert store.settings_file.read_text("utf-8") == OWN
        assert names(store.folders.settings) == {
            "settings.toml",
            "settings.last-good.toml",
            "settings.toml.lock",
        }

    def test_two_who_save_at_once_lose_nothing(self, store: Storage) -> None:
        """The dialog and the command line: each changes its own setting, many times."""
        script = (
            "import os, sys; from iea_agent.host.storage import Folders, Storage\n"
            "store = Storage(Folders.locate(os.environ)); name = sys.argv[1]\n"
            "attribute = {'licence.number': 'licence_number', 'proxy.user': 'proxy_user'}[name]\n"
            "sys.stdin.readline()\n"
            "for number in range(40):\n"
            "    store.save({name: str(number)})\n"
            "    assert getattr(store.load().effective.settings, attribute) == str(number)\n"
        )
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", script, name],
                stdin=subprocess.PIPE,
                env={**os.environ, "IEA_AGENT_HOME": str(store.folders.settings.parent)},
            )
            for name in ("licence.number", "proxy.user")
        ]
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write(b"go\n")
            writer.stdin.close()
        assert [writer.wait(120) for writer in writers] == [0, 0]
        loaded = store.load().effective.settings
        assert (loaded.licence_number, loaded.proxy_user) == ("39", "39")

    @given(
        text=st.sampled_from(
            [
                "",
                OWN,
                "connection.secure = true\nlicence.number = '1'",
                "connection = { secure = true } # inline\n",
                "[other]\na = 1\n[connection]\n[connection.sub]\nb = 2\n[licence]\n",
                "# only a comment",
                "[[list]]\na = 1\n[[list]]\na = 2\n",
                '["licence"]\n"number" = "x"\n',
                "schema = 0\n",
                "[a.b]\nc = 1\n[proxy]\nmode = 'none' # why\n[a.d]\ne = 2\n",
            ]
        ),
        values=st.fixed_dictionaries(
            {},
            optional={
                "connection.secure": st.one_of(st.none(), st.booleans()),
                "connection.authentication": st.sampled_from(
                    [None, "https://é.example.fr", "http://[::1]:81/x"]
                ),
                "licence.number": st.one_of(st.none(), st.from_regex(r"[!-~]{0,100}", fullmatch=True)),
                "proxy.mode": st.sampled_from(list(settings.ProxyMode)),
                "program.path": st.text("aZé日7+$ ", max_size=50).map(PATH_FORM.format),
            },
        ),
    )
    def test_whatever_the_file_looks_like_the_changes_and_only_they_are_in_it(
        self, text: str, values: dict[str, object]
    ) -> None:
        before = settings.parse_file(text).values
        after = settings.parse_file(
            settings_file.set_values(text, settings_file.check_changes(values))
        ).values
        for name, declaration in settings.DECLARATIONS.items():
            if name not in values:
                assert after.get(declaration.attribute) == before.get(declaration.attribute)
            elif values[name] is None:
                assert declaration.attribute not in after
            else:
                assert after[declaration.attribute] == declaration.check(values[name])


class TestState:
    """Small documents that survive restarts."""

    def test_what_is_written_is_read(self, store: Storage) -> None:
        assert store.read_state("assistance", dict) is None
        document = {"since": "2026-11-23T17:41:02Z", "tries": [1, 2.5, None], "é": {"deep": True}}
        store.write_state("assistance", document)
        assert store.read_state("assistance", dict) == document
        assert json.loads((store.folders.state / "assistance.json").read_bytes())["schema"] == 1

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"{",
            b"[]",
            b"{}",
            b'{"schema": 2}',
            b"\0" * 100,
            b'{"schema": 1, "a": NaN}',
            b'{"schema": 1, "a": -Infinity}',
            b'{"schema": 1, "a": ' + b"9" * 5000 + b"}",
            b"\xff",
            b"[" * 100_000,
            b" " * (state_files.LARGEST_STATE + 1),
        ],
    )
    def test_a_broken_one_is_set_aside(self, store: Storage, data: bytes) -> None:
        path = store.folders.state / "journal.json"
        path.write_bytes(data)
        assert store.read_state("journal", dict) is None
        assert [copy.read_bytes() for copy in broken(store.folders.state)] == [data]
        store.write_state("journal", {"a": 1})
        assert store.read_state("journal", dict) == {"a": 1}

    @pytest.mark.parametrize(
        "kind",
        [
            "folder",
            *(pytest.param(kind, marks=pytest.mark.linux) for kind in ("pipe", "link")),
            pytest.param("device", marks=[pytest.mark.linux, ROOT_ALONE]),
        ],
    )
    def test_what_is_no_file_is_set_aside(self, store: Storage, kind: str) -> None:
        path = store.folders.state / "journal.json"
        make_no_file(path, kind)
        assert store.read_state("journal", dict) is None
        assert len(broken(store.folders.state)) == 1
        store.write_state("journal", {"a": 1})
        assert store.read_state("journal", dict) == {"a": 1}

    @pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b""])
    def test_a_mark_of_notepad_is_no_fault(self, store: Storage, mark: bytes) -> None:
        (store.folders.state / "journal.json").write_bytes(mark + b'{"schema": 1, "a": 1}')
        assert store.read_state("journal", dict) == {"a": 1}

    @pytest.mark.parametrize(("name", "parse"), STATES)
    @pytest.mark.parametrize(
        "value",
        ["1e300", "1e400", "1e13", "-1", "true", '"1"', "[]", "{}", "9" * 400],
        ids=lambda value: value[:8],
    )
    def test_an_impossible_value_is_set_aside(
        self, store: Storage, name: str, parse: Callable[[Mapping[str, object]], object], value: str
    ) -> None:
        """Every time and number of every state file, each with what cannot be."""
        path = store.folders.state / f"{name}.json"
        good = STATE_EXAMPLES[name]
        for field in good:
            fields = {**{key: json.dumps(each) for key, each in good.items()}, field: value}
            if json.loads(value) == good[field] or (field, value) in (
                ("distrusted", "true"),
                ("recent", "[]"),
            ):
                continue
            text = ", ".join(f'"{key}": {each}' for key, each in fields.items())
            path.write_text(f'{{"schema": 1, {text}}}')
            assert store.read_state(name, parse) is None, text
            assert not path.exists()
        store.write_state(name, good)
        assert store.read_state(name, parse) is not None

    @pytest.mark.parametrize("name", ["", "../x", "A", "a/b", "a.b", "con:"])
    def test_names_are_names(self, store: Storage, name: str) -> None:
        with pytest.raises(ValueError, match="not a name"):
            store.read_state(name, dict)

    def test_it_is_bounded(self, store: Storage) -> None:
        with pytest.raises(ValueError, match="bytes"):
            store.write_state("journal", {"a": "x" * state_files.LARGEST_STATE})
