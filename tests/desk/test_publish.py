"""`iea-desk publish`: from the first key to files that a client accepts."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tuf.api.metadata import Metadata, Root, Targets  # type: ignore[attr-defined]

from iea_agent.domain.signed_policy import POLICY_FILE, find_notice, parse_notices, parse_policy
from iea_desk.cli import main
from iea_desk.folder_check import check_publication
from iea_desk.keys import DeskError
from iea_desk.private_files import read_private, write_private
from iea_desk.publication import Publication, hold_folder
from iea_desk.publish_commands import ORDERS
from iea_desk.publisher_keys import load_signers
from iea_desk.release_orders import set_policy
from iea_desk.signed_folder import write_whole
from tests.desk.update_client import UpdateClient
from tests.passwords import make_current_register

SHEET = """
kind = "product"
version = "{version}"
installed_bytes = 400_000_000
closes = ["ImpactEmploi.exe"]
not_before = 2026-12-01T08:00:00Z
[minimum]
windows = "10.0.17763"
[installer]
type = "exe"
arguments = ["/S"]
scope = "machine"
success = [0]
reboot = [3010, 1641]
busy = [1618]
[detect]
registry = 'HKLM\\SOFTWARE\\Urssaf\\Impact emploi'
value = "Version"
"""
POLICY = """
support_address = "assistance@exemple.fr"
[[changes]]
name = "2027-03"
rehearses = {rehearses:%Y-%m-%dT%H:%M:%SZ}
begins = {begins:%Y-%m-%dT%H:%M:%SZ}
authentication = {{ old = "https://impact-emploi.urssaf.fr", new = "https://connexion.urssaf.fr/ie" }}
"""


class Publisher:
    """A release manager with a repository, keys, and files to publish."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.folder, self.keys = place / "depot", place / "clefs"
        self.site, self.draft = self.folder / "site", self.folder / "brouillon"

    def run(self, order: str, *arguments: str | Path, keys: Path | None = None) -> tuple[int, str]:
        """Run one order; return its exit code and all that it says."""
        output = io.StringIO()
        common = ["--folder", str(self.folder), "--keys", str(keys or self.keys)]
        with redirect_stdout(output), redirect_stderr(output):
            try:
                code = main(["publish", order, *map(str, arguments), *common])
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else 1
        return code, output.getvalue()

    def do(self, order: str, *arguments: str | Path) -> str:
        """Run an order that must be obeyed."""
        code, text = self.run(order, *arguments)
        assert code == 0, text
        return text

    def refuse(self, order: str, *arguments: str | Path) -> str:
        """Run an order that must change nothing; return the sentence."""
        before = self.files()
        code, text = self.run(order, *arguments)
        assert code != 0, text
        assert self.files() == before
        assert text.strip().endswith((".", "?")), text
        assert "Traceback" not in text
        return text

    def files(self) -> dict[Path, bytes]:
        """Return the content of every file of the repository."""
        files = (file for file in self.folder.rglob("*") if file.is_file() and file.name != "verrou")
        return {file: file.read_bytes() for file in files}

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file of the release manager's own."""
        file = self.place / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    def prepare(self, version: str) -> tuple[Path, str, Path]:
        """Draft the notes of *version*, and return what ``add`` wants."""
        self.do("notes", version, self.write("notes.md", f"# Version\u00a0{version}\r\n"))
        setup = self.write(f"ImpactEmploi-{version}.exe", f"MZ {version}")
        return setup, "--sheet", self.write("fiche.toml", SHEET.format(version=version))

    def add(self, version: str) -> None:
        """Publish *version*."""
        self.do("add", *self.prepare(version))
        self.do("sign")

    def client(self, name: str) -> UpdateClient:
        """Return a PC that trusts the first root."""
        anchor = (self.site / "metadata" / "1.root.json").read_bytes()
        return UpdateClient(self.site, anchor, self.place / "pc" / name)

    def release(self, name: str) -> dict[str, object]:
        """Return the published description of a file."""
        targets = Publication(self.folder).signed.find_published(Targets.type)
        assert targets is not None
        custom = targets.signed.targets[name].custom["iea"]
        assert isinstance(custom, dict)
        return custom


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Publisher:
    """A repository with one version; two of three owners sign its root."""
    publisher = Publisher(tmp_path_factory.mktemp("publisher"))
    for name in ("marie", "paul", "luc", "serveur"):
        publisher.do("key", name, "--type", "ecdsa" if name == "paul" else "ed25519")
    owners = ("--root", "marie,paul,luc", "--root-threshold", "2", "--targets", "marie")
    publisher.do("init", *owners, "--online", "serveur")
    publisher.do("sign")
    publisher.add("3.00.72")
    return publisher


@pytest.fixture
def publisher(prepared: Publisher, tmp_path: Path) -> Publisher:
    copy = Publisher(tmp_path / "place")
    shutil.copytree(
        prepared.place, copy.place, ignore=shutil.ignore_patterns("*.pem"), copy_function=shutil.copyfile
    )
    # a copy of a file has other rights on Windows
    for key in prepared.keys.glob("*.pem"):
        write_private(copy.keys / key.name, read_private(key))
    return copy


SETUP = "impact-emploi/ImpactEmploi-3.00.72.exe"
NEXT_SETUP = "impact-emploi/ImpactEmploi-3.00.73.exe"


def test_a_client_gets_the_version_and_its_notes(publisher: Publisher) -> None:
    notes = "notes/3.00.72.fr.md"
    assert publisher.client("new").load(SETUP, notes) == {
        SETUP: b"MZ 3.00.72",
        notes: "# Version\u00a03.00.72\n".encode(),
    }
    release = publisher.release(SETUP)
    assert release["rollout"] == {"percent": 5, "salt": "3.00.72"}
    assert release["not_before"] == "2026-12-01T08:00:00Z"
    assert "Aucune faute." in publisher.do("check")


def test_files_to_send_are_named_in_order_and_the_timestamp_is_last(publisher: Publisher) -> None:
    publisher.do("add", *publisher.prepare("3.00.73"))
    lines = [line.strip() for line in publisher.do("sign").splitlines() if line.startswith("  site/")]
    kinds = [line.split("/")[1] for line in lines]
    assert kinds == sorted(kinds, reverse=True), "targets before metadata"
    assert lines[-1] == "site/metadata/timestamp.json"
    assert publisher.client("new").load(NEXT_SETUP) == {NEXT_SETUP: b"MZ 3.00.73"}


def test_nothing_of_a_draft_is_online(publisher: Publisher) -> None:
    before = {file: data for file, data in publisher.files().items() if publisher.site in file.parents}
    publisher.do("add", *publisher.prepare("3.00.73"))
    publisher.do("roll-out", "3.00.72", "50")
    assert {
        file: data for file, data in publisher.files().items() if publisher.site in file.parents
    } == before
    assert "Brouillon abandonné" in publisher.do("discard")
    assert publisher.files() == before
    assert "rien à signer" in publisher.refuse("sign")


# keys of several


def take_away(publisher: Publisher, *names: str) -> Path:
    """Take the private keys of these owners to another place."""
    place = publisher.place / "ailleurs"
    place.mkdir(exist_ok=True)
    for name in names:
        shutil.move(publisher.keys / f"{name}.pem", place / f"{name}.pem")
        shutil.copy(publisher.keys / f"{name}.json", place)
    return place


def test_who_must_still_sign_is_named_and_signs_elsewhere(publisher: Publisher) -> None:
    elsewhere = take_away(publisher, "paul", "luc")
    publisher.do("renew", "root")
    code, text = publisher.run("sign")
    assert code == 1
    assert "« marie » signe la racine" in text
    assert "il manque 1 signature, parmi : luc, paul" in text
    code, text = publisher.run("sign", keys=elsewhere)
    assert (code, "2.root.json" in text) == (0, True), text
    root = Metadata[Root].from_bytes((publisher.site / "metadata" / "2.root.json").read_bytes())
    assert len(root.signatures) == 3
    assert publisher.client("new").load(SETUP)


def test_without_the_online_key_nothing_is_published(publisher: Publisher) -> None:
    elsewhere = take_away(publisher, "serveur")
    publisher.do("roll-out", "3.00.72", "25")
    code, text = publisher.run("sign")
    assert code == 1
    assert "l’instantané (snapshot), il manque 1 signature, parmi : serveur" in text
    assert publisher.run("sign", keys=elsewhere)[0] == 0
    assert publisher.release(SETUP)["rollout"] == {"percent": 25, "salt": "3.00.72"}


@pytest.mark.parametrize("role", ["root", "targets", "online"])
def test_a_key_is_replaced_and_old_clients_follow(publisher: Publisher, role: str) -> None:
    old = publisher.client("old")
    assert old.load(SETUP)
    publisher.do("key", "anne")
    owner = {"root": "luc", "targets": "marie", "online": "serveur"}[role]
    publisher.do("rotate", role, "--old", owner, "--new", "anne")
    publisher.do("sign")
    assert old.load(SETUP)
    (publisher.keys / f"{owner}.pem").unlink()
    publisher.add("3.00.73")
    assert old.load(NEXT_SETUP)
    assert publisher.client("new").load(NEXT_SETUP)
    assert "Aucune faute." in publisher.do("check")


@pytest.mark.parametrize("role", ["targets", "online"])
def test_a_lost_key_is_replaced_by_the_root_alone(publisher: Publisher, role: str) -> None:
    old = publisher.client("old")
    assert old.load(SETUP)
    lost = "serveur"
    if role == "targets":
        # marie has a key of the root, too: here she owns another one
        publisher.do("key", "anne")
        publisher.do("rotate", "targets", "--old", "marie", "--new", "anne")
        publisher.do("sign")
        lost = "anne"
    (publisher.keys / f"{lost}.pem").unlink()
    publisher.do("key", "jean")
    publisher.do("rotate", role, "--old", lost, "--new", "jean")
    text = publisher.do("sign")
    assert text.index("root.json") < text.index("timestamp.json")
    assert old.load(SETUP)
    assert publisher.client("new").load(SETUP)


@pytest.mark.linux  # the same on Windows
def test_nobody_is_locked_out(publisher: Publisher) -> None:
    assert "plus personne" in publisher.refuse("rotate", "targets", "--old", "marie")
    assert "plus personne" in publisher.refuse("rotate", "root", "--threshold", "4")
    assert "Il y a : luc, marie, paul" in publisher.refuse("rotate", "root", "--old", "zoe", "--new", "paul")
    assert "copiez-y" in publisher.refuse("rotate", "root", "--new", "zoe")
    assert "--threshold" in publisher.refuse("rotate", "root")


def test_a_key_may_be_encrypted(publisher: Publisher) -> None:
    secret = publisher.place / "phrase.txt"
    write_private(secret, "une longue phrase\n")
    publisher.do("key", "anne", "--passphrase", "--secret-file", secret)
    assert "ENCRYPTED" in (publisher.keys / "anne.pem").read_text()
    publisher.do("rotate", "targets", "--old", "marie", "--new", "anne")
    publisher.do("sign", "--secret-file", secret)
    publisher.do("roll-out", "3.00.72", "40")
    wrong: Callable[[str], str] = lambda _what: "une autre phrase"  # noqa: E731
    with pytest.raises(DeskError, match="n’ouvre pas"):
        load_signers(publisher.keys, Publication(publisher.folder).keyids, wrong)
    publisher.do("sign", "--secret-file", secret)


@pytest.mark.linux  # the same on Windows
def test_a_token_that_does_not_sign_is_told(publisher: Publisher) -> None:
    publisher.do("key", "jeton", "--type", "ecdsa")
    public = publisher.keys / "jeton.json"
    public.write_text(public.read_text().replace("file2:jeton.pem", "hsm:2?label=IEA"))
    (publisher.keys / "jeton.pem").unlink()
    publisher.do("rotate", "root", "--new", "jeton")
    assert "Le jeton ne signe pas" in publisher.refuse("sign", "--secret-file", publisher.keys / "marie.pem")


def test_a_key_is_never_overwritten_badly_named_or_weakly_encrypted(publisher: Publisher) -> None:
    before = {file: file.read_bytes() for file in publisher.keys.iterdir()}
    assert "existe déjà" in publisher.refuse("key", "marie")
    assert "minuscules" in publisher.refuse("key", "../marie")
    assert "PYKCS11LIB" in publisher.refuse("key", "jeton", "--token", "2")
    assert {file: file.read_bytes() for file in publisher.keys.iterdir()} == before


@pytest.mark.linux
def test_a_private_key_that_others_can_read_is_not_used(publisher: Publisher) -> None:
    publisher.do("roll-out", "3.00.72", "40")
    (publisher.keys / "marie.pem").chmod(0o644)
    assert "chmod 600" in publisher.run("sign")[1]


# orders that would harm


def test_a_version_goes_up_only(publisher: Publisher) -> None:
    publisher.do("add", *publisher.prepare("3.00.73"))
    # what is not public yet may be corrected
    publisher.do("add", *publisher.prepare("3.00.73"))
    publisher.do("sign")
    for version in ("3.00.73", "3.00.71", "V72"):
        arguments = publisher.prepare(version)
        assert "pas plus récente que 3.00.73" in publisher.refuse("add", *arguments)


def test_a_roll_out_does_not_shrink_and_a_withdrawn_version_stays_away(publisher: Publisher) -> None:
    publisher.do("roll-out", "3.00.72", "50")
    publisher.do("sign")
    assert "ne rétrécit pas" in publisher.refuse("roll-out", "V72", "25")
    assert publisher.run("roll-out", "3.00.72", "0")[0] == 2
    publisher.do("withdraw", "3.00.72")
    publisher.do("sign")
    assert publisher.release(SETUP)["rollout"] == {"percent": 0, "salt": "3.00.72"}
    assert "ne revient pas" in publisher.refuse("roll-out", "3.00.72", "100")
    assert "Il y a : 3.00.72" in publisher.refuse("withdraw", "3.00.99")
    publisher.do("withdraw", "3.00.72", "--remove")
    publisher.do("sign")
    assert publisher.client("new").load(SETUP) == {}


@pytest.mark.linux  # the same on Windows
@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('scope = "machine"', 'scope = "everybody"', "installer.scope"),
        ('kind = "product"', "", "kind\u00a0» manque"),
        ('[minimum]\nwindows = "10.0.17763"', "minimum = 3", "minimum"),
        ("success = [0]", "success = [3010]", "stands twice"),
        ('value = "Version"', 'value = "Version"\nfiel = "x"', "detect"),
        ("installed_bytes", "instaled_bytes", "installed_bytes"),
        ('type = "exe"', 'type = "msi"', "installer.type"),
        ('version = "3.00.73"', 'version = "la suivante"', "version"),
        ("[installer]", "[installer", "TOML"),
    ],
)
def test_a_sheet_that_agents_would_not_understand_is_refused(
    publisher: Publisher, old: str, new: str, reason: str
) -> None:
    setup, flag, sheet = publisher.prepare("3.00.73")
    text = sheet.read_text("utf-8")
    assert old in text
    sheet.write_text(text.replace(old, new), "utf-8")
    assert reason in publisher.refuse("add", setup, flag, sheet)


@pytest.mark.linux  # the same on Windows
def test_a_version_has_notes_a_content_and_a_name_for_every_disk(publisher: Publisher) -> None:
    sheet = publisher.write("fiche.toml", SHEET.format(version="3.00.73"))
    setup = publisher.write("ImpactEmploi-3.00.73.exe", "MZ")
    assert "publish notes 3.00.73" in publisher.refuse("add", setup, "--sheet", sheet)
    publisher.do("notes", "3.00.73", publisher.write("notes.md", "# Notes"))
    assert "ne peut pas être proposé" in publisher.refuse(
        "add", publisher.write("vide.exe", b""), "--sheet", sheet
    )
    assert "no file name" in publisher.refuse("add", publisher.write("é è.exe", b"MZ"), "--sheet", sheet)


@pytest.mark.linux  # the same on Windows
@pytest.mark.parametrize(
    "content", [b"x" * 65_537, b"\xff\xfe#", b"", b"# Titre \x1b[2J", "renversé \u202e".encode()]
)
def test_notes_are_a_readable_text_of_64_kilobytes(publisher: Publisher, content: bytes) -> None:
    publisher.refuse("notes", "3.00.73", publisher.write("notes.md", content))
    publisher.refuse("notes", "suivante", publisher.write("notes.md", b"# Notes"))


@pytest.mark.linux  # the same on Windows
def test_a_repository_is_made_once(publisher: Publisher) -> None:
    owners = ("--root", "marie", "--targets", "marie", "--online", "serveur")
    assert "n’est pas écrasé" in publisher.refuse("init", *owners)


def test_a_mistyped_folder_is_not_made(tmp_path: Path) -> None:
    nowhere = Publisher(tmp_path)
    assert "publish init" in nowhere.refuse("check")
    assert not nowhere.folder.exists()


def test_two_commands_do_not_write_at_once(publisher: Publisher) -> None:
    publisher.do("roll-out", "3.00.72", "50")
    with (
        hold_folder(publisher.folder),
        pytest.raises(DeskError, match="Une autre commande"),
        hold_folder(publisher.folder, patience=0),
    ):
        pass


# policy, notices, register


def write_policy(publisher: Publisher, days: float, more: str = "") -> Path:
    begins = (datetime.now(UTC) + timedelta(days=days)).replace(microsecond=0)
    text = more + POLICY.format(begins=begins, rehearses=begins - timedelta(days=25))
    return publisher.write("politique.toml", text)


def test_a_policy_is_published_as_agents_read_it(publisher: Publisher) -> None:
    publisher.do("policy", write_policy(publisher, 30))
    publisher.do("sign")
    policy = parse_policy(publisher.client("new").load(POLICY_FILE)[POLICY_FILE].decode())
    assert policy.support_address == "assistance@exemple.fr"
    assert [change.name for change in policy.changes] == ["2027-03"]
    # what is announced already may stay until its day
    later = Publication(publisher.folder, now=datetime.now(UTC) + timedelta(days=20))
    set_policy(later, publisher.place / "politique.toml")


@pytest.mark.linux  # the same on Windows
@pytest.mark.parametrize(
    ("days", "more", "reason"),
    [
        (12, "", "Il en faut 21"),
        (30, 'proxy = "http://proxy:3128"\n', "decided on the PC"),
        (30, 'suport = "x"\n', "faute de frappe"),
        (30, "suport = 07:32:00\n", "faute de frappe"),
        (30, 'minimum = { product = "3.00.72" }\n', "exclurait tout le monde"),
        (30, 'minimum = { product = "9.00" }\n', "exclurait tout le monde"),
    ],
)
def test_a_policy_that_would_harm_is_refused(
    publisher: Publisher, days: float, more: str, reason: str
) -> None:
    assert reason in publisher.refuse("policy", write_policy(publisher, days, more))


def test_a_notice_is_published_and_ended(publisher: Publisher) -> None:
    now = datetime.now().astimezone()
    publisher.do("notice", "Le serveur est en panne.", "--since", f"{now:%Y-%m-%d} 0:00", "--next", "23:59")
    publisher.do("sign")
    text = publisher.client("new").load("notices.json")["notices.json"].decode()
    notice = find_notice(parse_notices(text), now.timestamp())
    assert notice is not None
    assert (notice.text.fr, notice.no_need_to_write) == ("Le serveur est en panne.", True)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    assert notice.since == midnight.timestamp()
    assert notice.next_news == (midnight + timedelta(hours=23, minutes=59)).timestamp()
    publisher.do("notice", "--end")
    publisher.do("sign")
    assert parse_notices(publisher.client("new").load("notices.json")["notices.json"].decode()) == ()


@pytest.mark.linux  # the same on Windows
@pytest.mark.parametrize(
    "arguments",
    [(), ("Panne.", "--end"), ("Panne.", "--since", "25:00"), ("Panne.", "--next", "demain"), ("x" * 301,)],
)
def test_a_notice_that_says_nothing_is_refused(publisher: Publisher, arguments: tuple[str, ...]) -> None:
    publisher.refuse("notice", *arguments)


def test_a_register_of_a_lower_generation_is_refused(publisher: Publisher) -> None:
    # its hashes take long, and nobody can verify them here
    registers = {
        number: make_current_register().to_text().replace('"generation":1', f'"generation":{number}')
        for number in (2, 3)
    }
    for register in registers.values():
        publisher.do("register", publisher.write("registre.json", register))
    assert "en est à la 3" in publisher.refuse("register", publisher.write("registre.json", registers[2]))
    assert "pas un registre" in publisher.refuse("register", publisher.write("registre.json", "{}"))


@pytest.mark.linux  # the same on Windows
def test_the_examples_of_the_guide_work(publisher: Publisher) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "publishing.md").read_text("utf-8")
    sheet, policy = re.findall(r"^```toml\n(.*?)^```", guide, re.DOTALL | re.MULTILINE)
    setup = publisher.prepare("3.00.73")[0]
    publisher.do("add", setup, "--sheet", publisher.write("fiche.toml", sheet))
    publisher.do("roll-out", "3.00.73", "100")
    publication = Publication(publisher.folder, now=datetime(2026, 12, 1, tzinfo=UTC))
    (change,) = set_policy(publication, publisher.write("politique.toml", policy)).changes
    assert change.begins - change.rehearses == 28 * 86_400 - 3600
    orders = set(re.findall(r"iea-desk publish ([a-z-]+)", guide))
    assert orders <= set(ORDERS)
    assert set(ORDERS) - orders <= {"rotate", "discard"}
    assert all(f"`{order}" in guide for order in ("rotate", "discard"))


# terms, faults, interruptions


def test_a_timer_renews_what_half_of_its_term_is_over(publisher: Publisher) -> None:
    assert "Rien à renouveler" in publisher.do("refresh")
    publisher.do("roll-out", "3.00.72", "50")
    drafted = publisher.files()
    assert "2.snapshot.json" not in publisher.do("refresh", "--force")
    assert publisher.client("new").load(SETUP)
    assert {file: data for file, data in publisher.files().items() if publisher.draft in file.parents} == {
        file: data for file, data in drafted.items() if publisher.draft in file.parents
    }
    signers = load_signers(publisher.keys, Publication(publisher.folder).keyids, str)
    later = Publication(publisher.folder, signers, now=datetime.now(UTC) + timedelta(days=8))
    assert later.refresh() == ["metadata/4.snapshot.json", "metadata/timestamp.json"]


def test_an_expired_root_is_renewed_before_anything_else(publisher: Publisher) -> None:
    signers = load_signers(publisher.keys, Publication(publisher.folder).keyids, str)
    late = datetime.now(UTC) + timedelta(days=366)
    for order in (Publication.refresh, Publication.publish):
        with pytest.raises(DeskError, match="a expiré"):
            order(Publication(publisher.folder, signers, now=late))
    publication = Publication(publisher.folder, signers, now=late)
    publication.renew("root")
    publication.renew("targets")
    publication.publish()
    assert publication.list_ends()["root"] > late + timedelta(days=364)


@pytest.mark.linux  # the same on Windows
def test_what_expires_soon_is_said_in_time(publisher: Publisher) -> None:
    for days, words in ((10, "L’horodatage"), (70, "La liste des fichiers"), (310, "La racine")):
        now = datetime.now(UTC) + timedelta(days=days)
        report = check_publication(Publication(publisher.folder, now=now))
        assert any(sentence.startswith((words, words.lower())) for sentence in report.advice), report.advice


def test_each_fault_of_a_folder_has_a_sentence(publisher: Publisher) -> None:
    (setup,) = (publisher.site / "targets" / "impact-emploi").glob("*.exe")
    content = setup.read_bytes()
    setup.write_bytes(content[:-1] + b"!")
    assert "n’est pas celui qui est signé" in publisher.refuse("check")
    setup.unlink()
    assert "manque : « impact-emploi/" in publisher.refuse("check")
    setup.write_bytes(content)
    timestamp = publisher.site / "metadata" / "timestamp.json"
    sound = timestamp.read_bytes()
    document = json.loads(sound)
    document["signed"]["version"] += 1
    timestamp.write_text(json.dumps(document))
    assert "Un poste refuserait ce dépôt" in publisher.refuse("check")
    timestamp.write_bytes(b"<html>")
    assert "Reprenez ce fichier" in publisher.refuse("check")
    timestamp.write_bytes(sound)
    (publisher.site / "targets" / "x.part").write_bytes(b"")
    assert "interrompue" in publisher.refuse("check")


@pytest.mark.linux  # the same on Windows
def test_a_root_that_is_missing_between_two_is_a_fault(publisher: Publisher) -> None:
    for _ in range(2):
        publisher.do("renew", "root")
        publisher.do("sign")
    (publisher.site / "metadata" / "2.root.json").unlink()
    assert "Il manque 2.root.json" in publisher.refuse("check")


def test_a_draft_of_a_repository_that_moved_on_is_refused(publisher: Publisher) -> None:
    publisher.do("roll-out", "3.00.72", "50")
    drafted = Path(shutil.copytree(publisher.draft, publisher.place / "copie", copy_function=shutil.copyfile))
    publisher.do("sign")
    publisher.do("roll-out", "3.00.72", "60")
    publisher.do("sign")
    shutil.copytree(drafted, publisher.draft, copy_function=shutil.copyfile)
    for order in (("sign",), ("roll-out", "3.00.72", "70")):
        assert "Le brouillon est périmé" in publisher.refuse(*order)
    publisher.do("discard")
    publisher.do("check")


class PowerCut(Exception):
    """Nothing is written any more."""


def test_a_publication_that_breaks_off_at_any_file_is_finished_by_the_same_order(
    publisher: Publisher,
) -> None:
    old = publisher.client("old")
    assert old.load(SETUP)
    publisher.do("add", *publisher.prepare("3.00.73"))
    publisher.do("key", "anne")
    publisher.do("rotate", "online", "--old", "serveur", "--new", "anne")
    start = Path(shutil.copytree(publisher.folder, publisher.place / "debut", copy_function=shutil.copyfile))
    signers = load_signers(publisher.keys, Publication(publisher.folder).keyids, str)
    for limit in range(1, 7):
        shutil.rmtree(publisher.folder)
        shutil.copytree(start, publisher.folder, copy_function=shutil.copyfile)
        written: list[Path] = []

        def cut(path: Path, content: bytes | Path, written: list[Path] = written, limit: int = limit) -> None:
            if len(written) == limit:
                raise PowerCut
            written.append(path)
            write_whole(path, content)

        publication = Publication(publisher.folder, signers, write=cut)
        publication.sign()
        publication.save()
        try:
            publication.publish()
        except PowerCut:
            # all was written, but the draft is still there
            pass
        else:
            assert limit == 6
            continue
        assert publisher.client(f"between-{limit}").load(SETUP)
        publisher.do("sign")
        assert publisher.client(f"after-{limit}").load(NEXT_SETUP)
        assert "Aucune faute." in publisher.do("check")
