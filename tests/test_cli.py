"""The commands as an administrator uses them.

Real processes, real servers, a real vault.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import zipfile
from base64 import b64encode
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from referencing import Registry, Resource

from iea_agent import __version__
from iea_agent.domain import pasted_text
from iea_agent.domain.phone_code import decode_phone_code
from iea_agent.domain.support_report import parse_report
from tests.installations import Installation
from tests.services.conftest import proxy, raw_server

DOCS = Path(__file__).parents[1] / "docs"


def validate(document: Any, name: str) -> None:
    """Hold *document* against its schema in docs/."""
    schemas = {file.name: json.loads(file.read_text(encoding="utf-8")) for file in DOCS.glob("*.schema.json")}
    beside: Registry[Any] = Registry().with_resources(
        (file, Resource.from_contents(schema)) for file, schema in schemas.items()
    )
    Draft202012Validator(schemas[f"{name}.schema.json"], registry=beside).validate(document)


@pytest.mark.linux
@pytest.mark.usefixtures("system_vault")
def test_the_program_is_launched_only_where_it_may_be_used(
    installation: Installation, tmp_path: Path, running: ExitStack
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        program = tmp_path / "Impact emploi é" / "impact"
        program.parent.mkdir()
        call = f"import socket; socket.create_connection(('127.0.0.1', {listener.getsockname()[1]}))"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{call}"\n')
        program.chmod(0o755)
        installation.license()
        agent = installation.start(running)
        agent.until("connected")
        done = installation.run("launch")
        assert done.returncode == 4
        assert "logiciel introuvable" in done.stderr

        assert installation.run("settings", "set", "program.path", str(program)).returncode == 0
        assert installation.run("reconnect").returncode == 0
        assert installation.run("launch").returncode == 0
        listener.settimeout(20)
        listener.accept()[0].close()

        installation.world.break_("auth", "unknown")
        assert installation.run("reconnect").returncode == 4
        done = installation.run("launch")
        assert (done.returncode, done.stdout) == (4, "")
        assert "connexion ou mode assistance nécessaire" in done.stderr
        listener.settimeout(0)
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.mark.linux
@pytest.mark.usefixtures("system_vault")
def test_launching_starts_the_agent_and_waits_for_its_first_answer(
    installation: Installation, tmp_path: Path, running: ExitStack
) -> None:
    running.callback(installation.run, "quit")
    done = installation.run("launch")
    assert (done.returncode, done.stdout) == (4, "")
    assert "connexion ou mode assistance nécessaire" in done.stderr, "no licence"
    assert installation.json("status")["problem"]["code"] == "IEA-C01"
    assert installation.run("quit").returncode == 0

    program = tmp_path / "impact"
    program.write_text(f"#!/bin/sh\nmkfifo '{tmp_path / 'made'}'\n")
    program.chmod(0o755)
    installation.license()
    assert installation.run("settings", "set", "program.path", str(program)).returncode == 0
    assert installation.run("launch").returncode == 0
    assert installation.json("status")["state"] == "connected"


def test_without_an_agent_it_is_said(installation: Installation) -> None:
    for command in (["status"], ["reconnect"], ["quit"]):
        done = installation.run(*command)

        assert (done.returncode, done.stdout) == (3, "")
        assert "pas démarré" in done.stderr


@pytest.mark.parametrize(
    ("words", "named"), [((), "diagnose"), (("licence",), "set"), (("assistance",), "off")]
)
def test_without_a_command_they_are_listed(
    installation: Installation, words: tuple[str, ...], named: str
) -> None:
    done = installation.run(*words)

    assert (done.returncode, done.stderr) == (2, "")
    assert f"\n    {named} " in done.stdout


@pytest.mark.parametrize("words", [["journal"], ["settings", "get"], ["version", "--json"], ["--help"], []])
def test_an_output_that_nobody_reads_is_no_error(installation: Installation, words: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "iea_agent", *words], env=installation.environment, stdin=subprocess.DEVNULL,
            stdout=closed, stderr=subprocess.PIPE, timeout=60, check=False,
        )  # fmt: skip

    assert (done.returncode, done.stderr) == (1, b"")


def test_what_is_logged_is_not_for_the_terminal(installation: Installation) -> None:
    policy = installation.folder / "policy" / "policy.toml"
    policy.unlink(missing_ok=True)
    policy.mkdir(parents=True)
    done = installation.run("settings", "get")

    assert done.returncode == 0
    assert done.stderr.startswith("Paramètres refusés")
    assert "policy.toml" in done.stderr

    journal = installation.folder / "state" / "journal.jsonl"
    journal.mkdir(parents=True)
    done = installation.run("journal")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Ce fichier ne peut pas être lu")


def test_what_support_asks_for_is_prepared_without_an_agent(installation: Installation) -> None:
    file = installation.folder / "new" / "support.zip"
    done = installation.run("support", "--code", "--file", str(file), "--level", "strict")

    assert (done.returncode, done.stderr) == (0, "")
    assert str(file) in done.stdout
    code = done.stdout.splitlines()[1]
    reading = decode_phone_code(code)
    assert (reading.state, reading.version) == (None, __version__)
    assert f"{code[2]} comme " in done.stdout.splitlines()[2]
    with zipfile.ZipFile(file) as archive:
        assert parse_report(archive.read("report.json")).phone_code == code

    done = installation.run("support", "--file", str(installation.folder))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Ce fichier ne peut pas être écrit")


def test_pages_are_printed_from_what_is_on_the_disk(installation: Installation) -> None:
    at = time.time() - 7200
    lines = (
        {"at": at, "state": "disconnected", "code": "IEA-N02"},
        {"at": at + 3600, "state": "connected", "before": 3600},
    )
    installation.write("state/log-book.jsonl", "".join(f"{json.dumps(line)}\n" for line in lines))
    done = installation.run("statement", "--text")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Durée : 1 heure" in done.stdout.replace("\xa0", " ")
    assert "n’est pas une preuve" in done.stdout
    done = installation.run("statement", "--number", "2")
    assert (done.returncode, done.stderr) == (1, "Le carnet de connexion ne contient pas cet incident.\n")
    done = installation.run("sheet", "--text")
    assert (done.returncode, done.stderr) == (0, "")
    assert "TCP " in done.stdout
    assert "accès direct" in done.stdout.partition("Chemin actuel")[2].partition("Dernier test")[0]


INTERRUPTED = """
import sys

class Interrupt:
    def find_spec(self, name, *_):
        if name == "iea_agent.assembly.installation":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupt())
from iea_agent import cli
sys.exit(cli.main(["version"]))
"""


@pytest.mark.linux  # the same program; once is enough
def test_ctrl_and_c_leave_no_trace_also_while_modules_are_imported() -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")


@pytest.mark.linux  # elsewhere there is no such file
def test_a_full_disk_under_the_output_is_said(installation: Installation) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "iea_agent", "version"], env=installation.environment, stdin=subprocess.DEVNULL,
            stdout=full, stderr=subprocess.PIPE, timeout=60, check=False,
        )  # fmt: skip

    assert done.returncode == 1
    assert "disque plein (Errno 28)" in done.stderr.decode()
    assert b"Traceback" not in done.stderr


@pytest.mark.linux  # Windows passes whole characters
def test_an_argument_that_is_no_text_is_refused_at_once(installation: Installation) -> None:
    commands: tuple[tuple[str | bytes, ...], ...] = (
        ("assistance", "on", "--reason", b"\xff"),
        ("settings", "set", "licence.number", b"\xed\xa0\x80"),
    )
    for words in commands:
        done = subprocess.run(
            [sys.executable, "-m", "iea_agent", *words], env=installation.environment, stdin=subprocess.DEVNULL,
            capture_output=True, timeout=60, check=False,
        )  # fmt: skip

        assert (done.returncode, done.stdout) == (2, b"")
        assert b"illisibles" in done.stderr
        assert b"Traceback" not in done.stderr


def test_what_is_shown_commands_no_terminal(installation: Installation) -> None:
    event = {"at": "2026-11-23T12:00:00Z", "event": "entering", "reason": "panne\x1b[1A\x1b[2K\u202e"}
    installation.write("state/journal.jsonl", json.dumps(event, ensure_ascii=False) + "\n")
    installation.write("settings/settings.toml", 'schema = 1\n[licence]\nnumber = "1\\u001b[2K"\n')

    for words in (["journal"], ["settings", "get"], ["settings", "set", "x\x1b[1A", "1"], ["\x1b[1A"]):
        done = installation.run(*words)
        output = done.stdout + done.stderr
        assert "\x1b" not in output
        assert "\u202e" not in output
    assert "panne\\u001b[1A\\u001b[2K\\u202e" in installation.run("journal").stdout


def test_wrong_usage(installation: Installation) -> None:
    assert installation.run("settings", "set", "connection.nothing", "x").returncode == 2
    assert installation.run("nonsense").returncode == 2
    assert installation.run("proxy", "set", "marie", given="\n").returncode == 2


def test_settings_are_read_changed_and_refused(installation: Installation) -> None:
    assert (
        installation.run("settings", "set", "connection.updates", "« https://exemple.fr/maj »").returncode
        == 0
    )
    before = installation.json("settings", "get")["settings"]

    assert before["connection.updates"] == {"value": "https://exemple.fr/maj", "origin": "settings"}
    assert before["connection.secure"] == {"value": True, "origin": "default"}
    assert before["connection.ca_file"]["origin"] == "policy"

    locked = installation.run("settings", "set", "connection.ca_file", "x.pem")
    assert locked.returncode == 4
    assert "administrateur" in locked.stderr
    refused = installation.run("settings", "set", "connection.updates", "https://a b")
    assert refused.returncode == 2
    assert "connection.updates" in refused.stderr
    assert (
        installation.json("settings", "get")["settings"]["connection.updates"] == before["connection.updates"]
    )


def test_the_servers_are_tested_without_an_agent_and_nothing_is_saved(installation: Installation) -> None:
    before = (installation.folder / "settings" / "settings.toml").read_bytes()

    document = installation.json("test")
    validate(document, "test")
    assert document["conclusion"] == "connected"
    assert [server["passed"] for server in document["servers"]] == [True, True]
    assert document["servers"][1]["stages"][-1]["detail"].startswith("signatures checked")

    installation.world.break_("updates", "badly-signed")
    failed = installation.run("test", "--authentication", "https://serveur.invalid", "--repairs", "--json")
    document = json.loads(failed.stdout)
    validate(document, "test")
    assert failed.returncode == 1
    assert document["servers"][0]["problem"]["code"] == "IEA-N02"
    assert document["servers"][0]["failed_stage"] == "name"
    assert document["servers"][1]["problem"]["code"] == "IEA-U03"
    assert document["servers"][1]["failed_stage"] == "metadata"
    assert document["repairs"] == [
        {
            "kind": "official-address",
            "servers": ["authentication"],
            "changes": {"connection.authentication": installation.world.authentication.address},
        }
    ]
    assert (installation.folder / "settings" / "settings.toml").read_bytes() == before


def test_a_malformed_address_is_named(installation: Installation) -> None:
    done = installation.run("test", "--updates", "https://exemple.fr:99999")

    assert done.returncode == 1
    assert "IEA-C02" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"\r\n",
        b" \n",
        "\u200b\u00a0\n".encode(),
        b"\xff\xfe",
        b"cl\0ef\n",
        b"cl\x1b[Aef\n",
        b"\xff\xfe\x00\xd8",
    ],
    ids=ascii,
)
def test_a_licence_without_a_usable_key_is_not_saved(given: bytes, installation: Installation) -> None:
    before = (installation.folder / "settings" / "settings.toml").read_bytes()
    done = installation.run("licence", "set", "IEA-0000-9999", given=given)

    assert (done.returncode, done.stdout) == (2, "")
    assert "clé de licence" in done.stderr
    assert "rien n’a été enregistré" in done.stderr
    assert (installation.folder / "settings" / "settings.toml").read_bytes() == before


def test_every_kind_of_setting_is_set_as_it_is_typed(installation: Installation) -> None:
    for name, typed in (
        ("connection.ipv4_only", "true"),
        ("proxy.mode", "none"),
        ("proxy.user", "\u200bmarie\u00a0"),
        ("proxy.bypass", "localhost, *.fr"),
        ("licence.number", " IEA\u20110000\u200b-1234"),
    ):
        assert installation.run("settings", "set", name, typed).returncode == 0, name
    values = {
        name: entry["value"] for name, entry in installation.json("settings", "get")["settings"].items()
    }
    assert values["connection.ipv4_only"] is True
    assert values["proxy.mode"] == "none"
    assert values["proxy.user"] == "marie"
    assert values["proxy.bypass"] == "localhost;*.fr"
    assert values["licence.number"] == "IEA-0000-1234"
    assert installation.run("settings", "set", "connection.ipv4_only", "Non").returncode == 0
    name = "connection.ipv4_only"
    assert installation.json("settings", "get", name)["settings"][name]["value"] is False
    assert "invisibles" in installation.run("settings", "set", "licence.number", "A\u00adB").stderr
    refused = installation.run("settings", "set", "licence.number", "A B")
    assert refused.returncode == 2
    assert "licence.number" in refused.stderr


@pytest.mark.linux  # the same code everywhere, and under Wine each command takes seconds to start
def test_a_refused_value_is_named_wherever_settings_are_shown(installation: Installation) -> None:
    file = installation.folder / "settings" / "settings.toml"
    own = f'{file.read_text("utf-8")}\n[proxy]\naddress = "https://proxy.fr:8080"\nuser = "marie"\n'
    file.write_text(own, "utf-8")
    line = own.split("\n").index('address = "https://proxy.fr:8080"') + 1
    policy = installation.folder / "policy" / "policy.toml"
    policy.write_text(f'{policy.read_text("utf-8")}\n[program]\npath = "ie.exe"\n', "utf-8")

    listed = installation.run("settings", "get")
    tested = installation.run("test")
    for text in (listed.stderr, tested.stdout, installation.run("diagnose").stdout):
        assert f"proxy.address, ligne {line}, settings.toml" in text
        assert "program.path, ligne " in text
        assert "policy.toml" in text
    assert "proxy.user = marie" in listed.stdout
    assert tested.returncode == 0, "the policy's authorities stay in force"
    assert "proxy.address" not in installation.run("settings", "get", "proxy.user").stderr
    assert "proxy.address" in installation.run("settings", "get", "proxy.address").stderr

    faults = installation.json("settings", "get")["faults"]
    document = installation.json("test")
    validate(document, "test")
    assert document["setting_faults"] == faults
    assert len(faults) == 2
    assert installation.run("settings", "set", "licence.number", "IEA-1").returncode == 0
    assert 'address = "https://proxy.fr:8080"' in file.read_text("utf-8")


@pytest.mark.linux  # the same code everywhere, and under Wine each command takes seconds to start
def test_what_the_last_test_said_is_remembered(installation: Installation) -> None:
    file = installation.folder / "state" / "last-test.json"
    assert installation.run("test", "--authentication", "https://a.invalid").returncode == 1
    assert not file.exists(), "of the settings in force only"
    installation.world.break_("updates", "refuse")
    assert installation.run("test").returncode == 1
    document = json.loads(file.read_text("utf-8"))
    assert document.pop("at") > 1_700_000_000
    assert document == {"schema": 1, "authentication": "", "updates": "IEA-N04"}


@pytest.mark.linux  # the same code everywhere, and under Wine each command takes seconds to start
def test_a_mistyped_name_of_the_policy_is_named_with_the_nearest(installation: Installation) -> None:
    policy = installation.folder / "policy" / "policy.toml"
    policy.write_text(f"{policy.read_text('utf-8')}\n[assistance]\nmaximum_day = 3\n", "utf-8")
    expected = "nom inconnu, ignoré. Vouliez-vous écrire « assistance.maximum_days »"
    listed = installation.run("settings", "get")
    diagnosis = installation.run("diagnose").stdout
    (fault,) = installation.json("settings", "get")["faults"]
    for text in (listed.stderr, diagnosis, fault):
        assert "assistance.maximum_day, ligne " in text
        assert expected in text.replace("\u00a0", " ").replace("\\xa0", " ")
    assert listed.returncode == 0


@pytest.mark.usefixtures("system_vault")
class TestWithAVault:
    """What needs the licence key."""

    @pytest.mark.parametrize(
        "data",
        [
            # under Wine each command takes seconds to start: what PowerShell writes, and what a mail adds
            pytest.param("{}\r\n".encode("utf-8-sig"), marks=pytest.mark.linux, id="utf-8"),
            pytest.param(b"\xff\xfe" + "{}\r\n".encode("utf-16-le"), id="utf-16-le"),
            pytest.param(b"\xfe\xff" + "{}\n".encode("utf-16-be"), marks=pytest.mark.linux, id="utf-16-be"),
            pytest.param("\u200b {}\u00a0\n".encode(), id="invisible"),
        ],
    )
    def test_a_key_from_powershell_or_a_mail_is_the_key(
        self, data: bytes, installation: Installation
    ) -> None:
        licence = installation.world.licence("good")
        form = pasted_text.decode_text(data, "ascii").format(licence.key)
        mark, encoding = pasted_text.detect_mark(data)
        given = data[:mark] + form.encode(encoding or "utf-8")

        done = installation.run("licence", "set", f"\u200b{licence.number} ", given=given)
        assert done.returncode == 0, done.stderr
        assert "du numéro de licence" in done.stderr
        assert ("de la clé" in done.stderr) is ("\u200b" in form)
        assert installation.run("test").returncode == 0

    def test_a_refused_licence_is_the_third_case_of_the_sheet(self, installation: Installation) -> None:
        installation.license("suspended")
        done = installation.run("test")

        assert done.returncode == 4
        assert "Connexion aux serveurs réussie" in done.stdout
        assert "Serveur d’authentification / Autorisation refusée" in done.stdout

        installation.license("unknown")
        assert "Licence d’installation non reconnue" in installation.run("test").stdout

    def test_a_day_of_the_agent(self, installation: Installation, running: ExitStack) -> None:
        agent = installation.start(running)
        agent.until("disconnected", "IEA-C01")

        installation.license()
        status = agent.until("connected")
        validate(status, "status")
        assert status["last_contact"] is not None

        installation.world.break_("auth", "503", retry_after=120)
        assert installation.run("reconnect").returncode == 1
        status = agent.until("disconnected", "IEA-S15")
        validate(status, "status")
        assert "2 minutes" in status["problem"]["particulars"]
        assert installation.run("status").returncode == 1

        installation.world.break_("auth", "intercepted")
        assert installation.run("reconnect").returncode == 1
        status = agent.until("disconnected", "IEA-T12")
        assert "Avast" in status["problem"]["particulars"]
        assert "a changé aujourd’hui à" in status["problem"]["particulars"]

        installation.world.break_("auth", "refused")
        assert installation.run("reconnect").returncode == 4

        installation.world.mend()
        assert installation.run("reconnect").returncode == 0
        assert installation.run("status").returncode == 0
        assert installation.run("run", "--no-tray").returncode == 0, "a second start hands over to the first"
        assert installation.run("quit").returncode == 0
        assert agent.process.wait(20) == 0

    def test_saved_settings_are_tried_and_answered_at_once(
        self, installation: Installation, running: ExitStack
    ) -> None:
        installation.license()
        agent = installation.start(running)
        agent.until("connected")

        installation.run("settings", "set", "proxy.mode", "manual")
        installation.run("settings", "set", "proxy.address", "http://localhost:9")
        agent.until("disconnected", "IEA-P01")

    def test_a_broken_settings_file_costs_nothing(
        self, installation: Installation, running: ExitStack
    ) -> None:
        installation.license()
        assert installation.run("test").returncode == 0  # the file is good, and remembered as such
        installation.write("settings/settings.toml", "[connection\nsecure = maybe\n")

        agent = installation.start(running)
        agent.until("connected")

        assert installation.json("diagnose")["faults"] != []
        assert len(list((installation.folder / "settings").glob("settings.broken-*.toml"))) == 1

    def test_through_a_proxy_with_a_password_no_secret_is_anywhere(
        self, installation: Installation, running: ExitStack
    ) -> None:
        key = installation.world.licence("good").key
        password = "secret du proxy"
        between = running.enter_context(raw_server(proxy(wanted=f"marie:{password}".encode())))
        with (installation.folder / "settings" / "settings.toml").open("a", encoding="utf-8") as settings:
            settings.write(f'\n[proxy]\nmode = "manual"\naddress = "{between.address}"\n')
        assert installation.run("proxy", "set", "marie", given=f"{password}\n").returncode == 0
        installation.license()
        agent = installation.start(running)
        agent.until("connected")

        commands = {
            command: installation.run(*command.split())
            for command in ("diagnose", "diagnose --json", "status --json", "settings get", "test --json")
        }
        tested = json.loads(commands["test --json"].stdout)
        validate(tested, "test")
        assert tested["conclusion"] == "connected"
        assert {(s["route"], s["route_source"]) for s in tested["servers"]} == {(between.address, "settings")}
        diagnosed = json.loads(commands["diagnose --json"].stdout)
        assert diagnosed["proxy_password"] == "saved"
        assert diagnosed["impact_emploi_version"] == ""
        validate(json.loads(commands["status --json"].stdout), "status")
        way = {"value": between.address, "origin": "settings", "detail": ""}
        assert diagnosed["routes"] == {"authentication": way, "updates": way}

        assert installation.run("proxy", "forget").returncode == 0
        agent.until("disconnected", "IEA-P02")
        installation.run("quit")
        agent.process.wait(20)

        outputs = [done.stdout + done.stderr for done in commands.values()]
        files = [file for file in installation.folder.rglob("*") if file.is_file()]
        assert any(file.suffix == ".log" for file in files)
        for text in (*outputs, *(file.read_bytes().decode("utf-8", "replace") for file in files)):
            assert key not in text
            assert password not in text
            assert b64encode(f"marie:{password}".encode()).decode() not in text


@pytest.mark.linux  # Wine keeps no rights
def test_what_others_than_administrators_may_write_is_named_and_counts_for_nothing(
    installation: Installation,
) -> None:
    folder = installation.folder / "policy"
    before = installation.json("settings", "get")
    assert before["settings"]["connection.ca_file"]["origin"] == "policy"
    assert installation.json("diagnose")["faults"] == []

    folder.chmod(0o777)
    refused = installation.json("settings", "get")
    assert refused["settings"]["connection.ca_file"] == {"value": "", "origin": "default"}
    assert ["policy.toml" in fault and "administrateurs" in fault for fault in refused["faults"]] == [True]
    faults = "\n".join(installation.json("diagnose")["faults"])
    assert "policy.toml" in faults
    assert f"root.json\u00a0: [Errno 1] may be changed by everybody: '{folder}'" in faults

    folder.chmod(0o755)
    (folder / "root.json").chmod(0o666)
    tested = json.loads(installation.run("test", "--json").stdout)
    validate(tested, "test")
    updates = tested["servers"][1]
    assert (updates["passed"], updates["failed_stage"]) == (False, "metadata")
    assert updates["problem"]["code"] == "IEA-C07"
    assert "root.json" in json.dumps(updates)
