"""The command `iea-desk`, from the first key to a password that a PC accepts."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from iea_agent.domain.password_check import Candidate, Right, Wrong, check_candidate, find_candidate
from iea_agent.domain.password_register import Kdf, Register, parse_register
from iea_agent.domain.typed_password import TypedPassword, parse_typed_password
from iea_desk.cli import main
from iea_desk.key_store import ACCOUNT, open_desk_vault
from iea_desk.keys import KeyRing, parse_keys
from iea_desk.private_files import read_private

QUICK = ("--kdf-n", "16")
WEAK = Kdf(2, 1, 1)
Desk = Callable[..., tuple[int, str, str]]


@pytest.fixture
def desk(capsys: pytest.CaptureFixture[str]) -> Desk:
    """Return a function that runs one command: exit code, output, error output."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as ended:  # argparse
            code = ended.code if isinstance(ended.code, int) else 1
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture
def ring(tmp_path: Path, desk: Desk) -> Path:
    """A master key in a file."""
    path = tmp_path / "trousseau.json"
    assert desk("init", "--kid", "2026a", "--key-file", path)[0] == 0
    return path


def secrets_of(path: Path) -> list[str]:
    """Return every master key in the file, in hexadecimal."""
    keys = parse_keys(read_private(path))
    assert isinstance(keys, KeyRing)
    return [key.key.hex() for key in keys.keys]


def november_register(ring: Path, output: Path, days: int) -> list[str]:
    """Return the command for a register of *days* days from November 2026 on."""
    files = ["--key-file", str(ring), "--output", str(output)]
    return ["register", *files, "--first-day", "2026-11-01", "--days", str(days)]


def check(typed: str, register: Register, day: date) -> Right | Wrong:
    """Check *typed* as a PC does on *day*."""
    password = parse_typed_password(typed)
    assert isinstance(password, TypedPassword)
    candidate = find_candidate(password, register, day)
    assert isinstance(candidate, Candidate)
    return check_candidate(candidate)


def test_from_the_first_key_to_a_right_password(tmp_path: Path, desk: Desk, ring: Path) -> None:
    """The keeper makes key, register and month key; the front desk has a month key."""
    output, month = tmp_path / "registre.json", tmp_path / "novembre.txt"
    code, printed, _ = desk(*november_register(ring, output, 61), *QUICK)
    assert code == 0
    assert "du 2026-11-01 au 2026-12-31" in printed
    register = parse_register(output.read_text(encoding="ascii"), weakest=WEAK)
    assert (register.kid, register.generation, register.scope) == ("2026a", 1, "*")
    assert desk("month-key", "--key-file", ring, "--month", "2026-11", "--output", month)[0] == 0

    code, printed, _ = desk("password", "--key-file", month, "--day", "2026-11-24", "--json")
    assert code == 0
    document = json.loads(printed)
    assert (document["day"], document["last_day"], document["kid"]) == ("2026-11-24", "2026-11-27", "2026a")
    for form in ("letters", "words"):
        assert check(document[form], register, date(2026, 11, 26)) == Right(date(2026, 11, 24), "2026a")
        assert document[form] in document["mail"]["body"].split("\n"), "alone on its line"
    assert "Utilisable jusqu’au vendredi 27 novembre 2026 inclus." in document["mail"]["body"]

    code, printed, _ = desk("password", "--key-file", month, "--day", "2026-11-24")
    assert code == 0
    assert document["spoken"] in printed
    assert document["mail"]["body"] in printed
    assert desk("password", "--key-file", month, "--day", "2026-12-01")[0] == 1
    assert desk("month-key", "--key-file", month)[0] == 4


def test_an_installation_of_its_own(tmp_path: Path, desk: Desk, ring: Path) -> None:
    output = tmp_path / "registre.json"
    where = ("--key-file", ring)
    span = ("--first-day", "2026-11-01", "--days", "5")
    assert desk("register", *where, "--output", output, *span, "--scope", "IEA-1", *QUICK)[0] == 0
    register = parse_register(output.read_text(encoding="ascii"), weakest=WEAK)
    own = json.loads(desk("password", *where, "--day", "2026-11-02", "--for", "IEA-1", "--json")[1])
    every = json.loads(desk("password", *where, "--day", "2026-11-02", "--json")[1])
    assert check(own["letters"], register, date(2026, 11, 2)) == Right(date(2026, 11, 2), "2026a")
    assert check(every["letters"], register, date(2026, 11, 2)) == Wrong(date(2026, 11, 2))


def test_rotation_keeps_the_old_key_for_pcs_with_the_old_register(
    tmp_path: Path, desk: Desk, ring: Path
) -> None:
    registers = []
    for name in ("old", "new"):
        output = tmp_path / name
        assert desk(*november_register(ring, output, 5), *QUICK)[0] == 0
        registers.append(parse_register(output.read_text(encoding="ascii"), weakest=WEAK))
        if name == "old":
            assert desk("rotate", "--kid", "2026b", "--key-file", ring)[0] == 0
    old, new = registers
    assert (old.generation, new.generation) == (1, 2)
    for kid, right, wrong in (("2026a", old, new), ("2026b", new, old)):
        document = json.loads(
            desk("password", "--key-file", ring, "--day", "2026-11-02", "--kid", kid, "--json")[1]
        )
        assert check(document["letters"], right, date(2026, 11, 2)) == Right(date(2026, 11, 2), kid)
        assert check(document["words"], wrong, date(2026, 11, 2)) == Wrong(date(2026, 11, 2))


def test_generations_only_rise(tmp_path: Path, desk: Desk, ring: Path) -> None:
    def make(name: str, *more: str) -> int:
        return desk(
            "register", "--key-file", ring, "--output", tmp_path / name, "--days", "2", *QUICK, *more
        )[0]

    assert make("third", "--generation", "3") == 0
    assert make("again") == 0
    assert parse_register((tmp_path / "again").read_text(), weakest=WEAK).generation == 3
    assert make("second", "--generation", "2") == 4
    desk("rotate", "--key-file", ring)
    assert make("fourth") == 0
    assert parse_register((tmp_path / "fourth").read_text(), weakest=WEAK).generation == 4


def test_a_register_is_verified_before_it_is_published(tmp_path: Path, desk: Desk, ring: Path) -> None:
    output = tmp_path / "registre.json"
    assert desk(*november_register(ring, output, 30), *QUICK)[0] == 0
    verify = ("register", "--key-file", ring, *QUICK, "--verify")
    code, printed, _ = desk(*verify, output)
    assert code == 0
    assert "du 2026-11-01 au 2026-11-30\u00a0: 30 empreintes, toutes justes." in printed
    code, printed, _ = desk(*verify, output, "--sample", "5")
    assert code == 0
    assert "30 empreintes, 5 vérifiées, justes." in printed

    document = json.loads(output.read_text("ascii"))
    planted = {"empreintes": base64.b64encode(bytes(30 * 16)).decode()}
    for change, complaint in (
        (planted, "L’empreinte du 2026-11-01 n’est pas celle que donne la clé 2026a"),
        ({"generation": 1_000_000}, "ce registre ne vient pas d’ici"),
        ({"kid": "2025z"}, "Aucune clé ne s’appelle «\u00a02025z\u00a0» ici"),
        ({"nb_jours": 31}, "n’est pas un registre"),
    ):
        output.write_text(json.dumps({**document, **change}), encoding="ascii")
        code, printed, error = desk(*verify, output)
        assert (code, printed) == (1 if "kid" in change else 4, "")
        assert complaint in error
    # a PC refuses a weak one
    output.write_text(json.dumps(document), encoding="ascii")
    assert desk("register", "--key-file", ring, "--verify", output)[0] == 4
    assert desk(*verify, tmp_path / "nowhere")[0] == 1


def test_nothing_is_overwritten(desk: Desk, ring: Path) -> None:
    before = ring.read_bytes()
    assert desk("init", "--key-file", ring)[0] == 4
    assert desk("month-key", "--key-file", ring, "--output", ring)[0] == 4
    assert desk("register", "--key-file", ring, "--output", ring, "--days", "2", *QUICK)[0] == 4
    assert ring.read_bytes() == before


def test_no_master_key_is_ever_shown(tmp_path: Path, desk: Desk, ring: Path) -> None:
    printed = "".join(
        "".join(map(str, desk(*command, "--key-file", ring)))
        for command in (
            ("password",),
            ("password", "--json"),
            ("month-key",),
            ("month-key", "--output", tmp_path / "m"),
            ("register", "--output", tmp_path / "r", "--days", "3", *QUICK),
            ("rotate",),
            ("init",),
        )
    )
    files = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "m", tmp_path / "r"))
    secrets = secrets_of(ring)
    assert len(secrets) == 2
    for secret in secrets:
        assert secret not in printed + files
        assert secret.upper() not in printed + files


@pytest.mark.linux
def test_a_file_that_others_can_read_is_refused_with_the_remedy(desk: Desk, ring: Path) -> None:
    ring.chmod(0o644)
    code, output, complaint = desk("password", "--key-file", ring)
    assert (code, output) == (4, "")
    assert f"chmod 600 '{ring}'" in complaint


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("password", "--day", "2026-02-30"),
        ("password", "--day", "hier"),
        ("month-key", "--month", "2026-13"),
        ("password", "--for", "a b"),
        ("register",),
        ("register", "--output", "x", "--days", "0"),
        ("register", "--output", "x", "--days", "7401"),
        ("register", "--output", "x", "--kdf-n", "17"),
        ("register", "--output", "x", "--verify", "x"),
        ("register", "--verify", "x", "--sample", "0"),
    ],
)
def test_a_command_written_wrongly(desk: Desk, arguments: tuple[str, ...]) -> None:
    assert desk(*arguments)[0] == 2


def test_a_month_that_is_none_is_asked_for_as_a_month(desk: Desk) -> None:
    code, _, complaint = desk("month-key", "--month", "2026-13")
    assert code == 2
    assert complaint.endswith("--month\u00a0: un mois comme 2026-12 est attendu\n")


def test_what_is_no_key_file_is_a_sentence(tmp_path: Path, desk: Desk, ring: Path) -> None:
    assert desk("password", "--key-file", tmp_path / "nowhere")[0] == 1
    assert desk("password", "--key-file", tmp_path)[0] == 1
    assert desk("init", "--key-file", tmp_path / "no" / "folder")[0] == 1
    ring.write_bytes(b"\xff\xfe\x00")
    code, _, complaint = desk("password", "--key-file", ring)
    assert code == 1
    assert "n’est pas un fichier de clés" in complaint
    ring.write_text("bonjour", encoding="utf-8")
    assert desk("password", "--key-file", ring)[0] == 1


@pytest.mark.usefixtures("system_vault", "vault_of_its_own")
def test_the_vault(tmp_path: Path, desk: Desk) -> None:
    assert desk("password")[0] == 1
    assert desk("init", "--kid", "2026a")[0] == 0
    assert desk("init")[0] == 4
    assert desk("rotate", "--kid", "2026b")[0] == 0
    letters = [
        json.loads(desk("password", "--kid", kid, "--json")[1])["letters"] for kid in ("2026a", "2026b")
    ]
    assert letters[0] != letters[1]
    assert desk("register", "--output", tmp_path / "r", "--days", "2", *QUICK)[0] == 0


@pytest.fixture
def vault_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An account that this test alone uses."""
    monkeypatch.setenv("IEA_DESK_VAULT", f"IEA Desk test {tmp_path}")
    yield
    open_desk_vault().delete_secret(ACCOUNT)


@pytest.mark.linux
def test_without_a_vault_a_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "iea_desk", "password"],
        env={**os.environ, "DBUS_SESSION_BUS_ADDRESS": f"unix:path={tmp_path}/none", "HOME": str(tmp_path)},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Le coffre-fort du système ne répond pas")
    assert "Traceback" not in done.stderr


def test_an_argument_does_not_command_the_terminal(tmp_path: Path, desk: Desk, ring: Path) -> None:
    clear = "\x1b[2J"
    for command in (
        ["password", "--key-file", tmp_path / f"{clear}.json"],
        ["register", "--key-file", ring, "--verify", tmp_path / f"{clear}.json"],
        ["month-key", "--key-file", ring, "--kid", clear],
        [clear],
        ["password", f"--{clear}"],
    ):
        code, printed, errors = desk(*command)
        assert code != 0, command
        assert "\x1b" not in printed + errors, command
        assert "1b[2J" in errors, command


def test_a_register_that_was_killed_goes_on_where_it_was(tmp_path: Path, desk: Desk, ring: Path) -> None:
    output = tmp_path / "registre.json"
    begun = tmp_path / "registre.json.partiel"
    command = november_register(ring, output, 40)
    strength = ["--kdf-n", "16384"]
    with subprocess.Popen(
        [sys.executable, "-m", "iea_desk", *command, *strength],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stderr is not None
        while b" 10 %" not in (line := running.stderr.readline().replace("\u00a0".encode(), b" ")):
            assert line, "it ended before its time"
        running.kill()
    assert not output.exists()
    lines = begun.read_text(encoding="ascii").split("\n")[:-1]
    contents = [line.rpartition(" ")[0] for line in lines]
    salt, hashes = json.loads(contents[0])["salt"], contents[1:]
    assert 4 <= len(hashes) < 40

    # another key of the same name, another span: not the same register
    other = tmp_path / "other.json"
    assert desk("init", "--kid", "2026a", "--key-file", other)[0] == 0
    assert desk(*[str(other) if part == str(ring) else part for part in command], *strength)[0] == 4
    assert desk(*command[:-1], "41", *strength)[0] == 4

    with begun.open("a", encoding="ascii") as file:
        file.write("00112233")  # a line that was cut short
    code, _, progress = desk(*command, *strength)
    assert code == 0
    assert f"({len(hashes)} jours sur 40)" in progress
    register = parse_register(output.read_text(encoding="ascii"))
    assert (register.salt.hex(), register.days) == (salt, 40)
    assert register.digests.hex().startswith("".join(hashes))
    for distance in (0, len(hashes) - 1, len(hashes), 39):
        day = date(2026, 11, 1) + timedelta(days=distance)
        document = json.loads(desk("password", "--key-file", ring, "--day", day.isoformat(), "--json")[1])
        assert check(document["letters"], register, day) == Right(day, "2026a")
    assert not begun.exists()


@pytest.mark.parametrize("rubbish", ["x\n", "{}\n", '{"salt": 7}\n', "[]\n"])
def test_what_is_no_unfinished_register_is_left_alone(
    tmp_path: Path, desk: Desk, ring: Path, rubbish: str
) -> None:
    begun = tmp_path / "r.partiel"
    begun.write_text(rubbish, encoding="ascii")
    assert desk("register", "--key-file", ring, "--output", tmp_path / "r", "--days", "2", *QUICK)[0] == 4
    assert begun.read_text(encoding="ascii") == rubbish


INTERRUPTED = """
import sys

class Interrupt:
    def find_spec(self, name, *_):
        if name == "iea_desk.cli":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupt())
import iea_desk.__main__  # runs the command
"""


@pytest.mark.linux  # the same program; once is enough
def test_ctrl_and_c_leave_no_trace_also_while_modules_are_imported() -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr.decode().strip()) == (1, b"", "Interrompu.")
