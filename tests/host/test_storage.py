"""Settings and state on disk: written whole, never lost, below the policy."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iea_agent.domain import addresses, refusals, settings
from iea_agent.domain.refusals import Refusal, RefusedError
from iea_agent.host import storage
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


def broken(folder: Path) -> list[Path]:
    """The broken files set aside."""
    return sorted(folder.glob("*.broken-*"))


def whole(path: Path) -> bytes:
    """Return the first eight bytes of *path*.

    All the pieces of eight bytes must be of one writing.
    """
    while True:
        try:
            data = path.read_bytes()
        except PermissionError:  # on Windows, in the very moment of its replacement
            continue
        assert data == data[:8] * 20_000
        return data[:8]


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

    def test_notepads_mark_and_line_ends_are_read(self, store: Storage) -> None:
        store.settings_file.write_bytes(b"\xef\xbb\xbf" + OWN.replace("\n", "\r\n").encode())
        assert store.load().effective.settings.licence_number == "IEA-0000-1234"

    @pytest.mark.parametrize(
        ("data", "line"),
        [
            (b"schema = 1\n[connection\n", 2),
            (b'schema = 1\n[connection]\nsecure = "oui"\n', 3),
            (b"schema = 1\n# \xe9t\xe9 in Latin-1\n", 2),
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

    def test_a_broken_one_leaves_the_last_good_one_in_force(self, store: Storage) -> None:
        store.policy_file.write_text("[connection]\nsecure = false\n")
        store.load()
        store.policy_file.write_text("[connection\n")
        loaded = store.load()
        assert loaded.policy_faults[0].line == 1
        assert loaded.faults == ()
        assert loaded.effective.locked == {"secure"}
        with refused(refusals.SettingLocked("connection.secure")):
            store.save({"connection.secure": True})

    def test_a_withdrawn_one_is_forgotten(self, store: Storage) -> None:
        store.policy_file.write_text("[connection]\nsecure = false\n")
        store.load()
        store.policy_file.unlink()
        assert store.load().effective.locked == frozenset()
        store.policy_file.write_text("=")
        assert store.load().effective.locked == frozenset()

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
            "attribute = {'licence.number': 'licence_number', 'program.path': 'program'}[name]\n"
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
            for name in ("licence.number", "program.path")
        ]
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write(b"go\n")
            writer.stdin.close()
        assert [writer.wait(120) for writer in writers] == [0, 0]
        loaded = store.load().effective.settings
        assert (loaded.licence_number, loaded.program) == ("39", "39")

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
                "program.path": st.text(st.characters(categories=("L", "N", "P", "S")), max_size=50),
            },
        ),
    )
    def test_whatever_the_file_looks_like_the_changes_and_only_they_are_in_it(
        self, text: str, values: dict[str, object]
    ) -> None:
        before = settings.parse_file(text)
        after = settings.parse_file(storage.set_values(text, storage.check_changes(values)))
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
        assert store.read_state("assistance") == {}
        document = {"since": "2026-11-23T17:41:02Z", "tries": [1, 2.5, None], "é": {"deep": True}}
        store.write_state("assistance", document)
        assert store.read_state("assistance") == document
        assert json.loads((store.folders.state / "assistance.json").read_bytes())["schema"] == 1

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"{",
            b"[]",
            b"{}",
            b'{"schema": 2}',
            b"\xff",
            b"[" * 100_000,
            b" " * (storage.LARGEST_STATE + 1),
        ],
    )
    def test_a_broken_one_is_set_aside(self, store: Storage, data: bytes) -> None:
        path = store.folders.state / "journal.json"
        path.write_bytes(data)
        assert store.read_state("journal") == {}
        assert [copy.read_bytes() for copy in broken(store.folders.state)] == [data]
        store.write_state("journal", {"a": 1})
        assert store.read_state("journal") == {"a": 1}

    @pytest.mark.parametrize("name", ["", "../x", "A", "a/b", "a.b", "con:"])
    def test_names_are_names(self, store: Storage, name: str) -> None:
        with pytest.raises(ValueError, match="not a name"):
            store.read_state(name)

    def test_it_is_bounded(self, store: Storage) -> None:
        with pytest.raises(ValueError, match="bytes"):
            store.write_state("journal", {"a": "x" * storage.LARGEST_STATE})


class TestAtomicWriting:
    """The old content or the new, whole."""

    def test_it_replaces_and_leaves_nothing_else(self, tmp_path: Path) -> None:
        path = tmp_path / "new folder" / "file"
        for data in (b"one", b"", b"three" * 100_000):
            storage.write_atomically(path, data)
            assert path.read_bytes() == data
            assert names(path.parent) == {"file"}

    def test_a_failure_leaves_what_was_there_and_nothing_else(self, tmp_path: Path) -> None:
        (tmp_path / "file").mkdir()
        with pytest.raises(OSError, match="file"):
            storage.write_atomically(tmp_path / "file", b"x")
        assert names(tmp_path) == {"file"}

    @pytest.mark.linux
    def test_only_the_person_may_read_it(self, tmp_path: Path) -> None:
        path = tmp_path / "folder" / "file"
        storage.write_atomically(path, b"x")
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700

    @pytest.mark.skipif(sys.platform != "win32", reason="elsewhere an open file is no obstacle")
    def test_it_waits_for_a_reader_to_let_go(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_bytes(b"old")
        script = "import sys; f = open(sys.argv[1], 'rb'); print('open', flush=True); sys.stdin.readline(); f.close()"
        with subprocess.Popen(
            [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as reader:
            assert reader.stdout is not None
            assert reader.stdin is not None
            assert reader.stdout.readline().strip() == b"open"
            with pytest.raises(PermissionError):
                storage.write_atomically(path, b"new")
            assert (path.read_bytes(), names(tmp_path)) == (b"old", {"file"})
            reader.stdin.write(b"\n")
            reader.stdin.flush()
            storage.write_atomically(path, b"new")
        assert path.read_bytes() == b"new"

    def test_what_a_killed_writer_left_is_swept(self, tmp_path: Path) -> None:
        old, fresh, other = (tmp_path / f".{name}.new" for name in ("file.1-1", "file.2-2", "others.1-1"))
        for path in (old, fresh, other):
            path.touch()
        os.utime(old, (1, 1))
        storage.write_atomically(tmp_path / "file", b"x")
        assert names(tmp_path) == {"file", fresh.name, other.name}

    def test_a_kill_at_any_moment_leaves_a_whole_file(self, tmp_path: Path) -> None:
        path = tmp_path / "settings.toml"
        script = (
            "import itertools, sys; from pathlib import Path; from iea_agent.host.storage import write_atomically\n"
            "for number in itertools.count():\n"
            "    write_atomically(Path(sys.argv[1]), b'%08d' % number * 20_000)\n"
            "    if not number: print('writing', flush=True)"
        )
        contents = set()
        for _ in range(30 if sys.platform == "linux" else 6):
            with subprocess.Popen(
                [sys.executable, "-c", script, str(path)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
            ) as writer:
                assert writer.stdout is not None
                assert writer.stdout.readline().strip() == b"writing"
                try:
                    for _ in range(random.randrange(50)):  # noqa: S311 the moment of the crash
                        contents.add(whole(path))
                    deadline = time.monotonic() + 30
                    while (
                        len(contents) < 2 and time.monotonic() < deadline
                    ):  # a slow disk: see it really write
                        contents.add(whole(path))
                finally:
                    writer.kill()
            contents.add(whole(path))
        assert len(contents) > 1
