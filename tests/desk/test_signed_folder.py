"""A repository in a folder serves every client at every moment of a publication."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner, Signer  # type: ignore[attr-defined]

from iea_desk.signed_folder import LIFETIMES, FolderError, NotSigned, SignedFolder, write_whole
from tests.desk.update_client import UpdateClient

NOTES = "notes/3.00.73.fr.md"
ONE, TWO = b"# une", b"# deux"


class PowerCut(Exception):
    """Nothing is written any more."""


def make_keys() -> dict[str, Signer]:
    return {role: CryptoSigner.generate_ed25519() for role in LIFETIMES}


def open_folder(site: Path, *signers: Signer) -> SignedFolder:
    return SignedFolder(site, signers, write=write_whole)


@pytest.fixture(scope="module")
def keys() -> dict[str, Signer]:
    return make_keys()


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, keys: dict[str, Signer]) -> Path:
    """A repository with one target."""
    site = tmp_path_factory.mktemp("first")
    folder = open_folder(site, *keys.values())
    with folder.edit_root() as root:
        for role, signer in keys.items():
            root.add_key(signer.public_key, role)
    folder.add_target(NOTES, ONE)
    folder.publish()
    return site


@pytest.fixture
def site(first: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(first, tmp_path / "site", copy_function=shutil.copyfile))


def publish_second(site: Path, old: dict[str, Signer], write: Callable[[Path, bytes | Path], None]) -> None:
    """Publish another version of the notes, and another file."""
    folder = SignedFolder(site, old.values(), write=write)
    folder.add_target(NOTES, TWO)
    folder.add_target("register.json", b"{}")
    folder.publish()


def replace_keys(site: Path, old: dict[str, Signer], write: Callable[[Path, bytes | Path], None]) -> None:
    """Publish another version of the notes with other keys for every role."""
    new = make_keys()
    folder = SignedFolder(site, [*old.values(), *new.values()], write=write)
    with folder.edit_root() as root:
        for role, signer in new.items():
            root.revoke_key(old[role].public_key.keyid, role)
            root.add_key(signer.public_key, role)
    folder.add_target(NOTES, TWO)
    folder.publish()


CHANGES = [publish_second, replace_keys]


@pytest.mark.parametrize("change", CHANGES)
def test_a_client_that_reads_between_two_files_gets_the_old_or_the_new_whole(
    site: Path, tmp_path: Path, keys: dict[str, Signer], change: Callable[..., None]
) -> None:
    anchor = (site / "metadata" / "1.root.json").read_bytes()
    old = UpdateClient(site, anchor, tmp_path / "old")
    assert old.load(NOTES) == {NOTES: ONE}
    read: list[bytes] = []

    def write(path: Path, content: bytes | Path) -> None:
        write_whole(path, content)
        new = UpdateClient(site, anchor, tmp_path / f"new-{len(read)}")
        read.extend(client.load(NOTES)[NOTES] for client in (new, old))

    change(site, keys, write)
    assert read == sorted(read, key=(ONE, TWO).index)
    assert read[-1] == TWO
    assert len(read) >= 8


@pytest.mark.linux  # test_publish.py has one for both systems
@pytest.mark.parametrize("change", CHANGES)
def test_a_publication_that_broke_off_at_any_file_is_made_again(
    site: Path, tmp_path: Path, keys: dict[str, Signer], change: Callable[..., None]
) -> None:
    anchor = (site / "metadata" / "1.root.json").read_bytes()
    for limit in range(1, 4):
        place = Path(shutil.copytree(site, tmp_path / f"site-{limit}", copy_function=shutil.copyfile))
        written: list[Path] = []

        def cut(path: Path, content: bytes | Path, written: list[Path] = written, limit: int = limit) -> None:
            if len(written) == limit:
                raise PowerCut
            written.append(path)
            write_whole(path, content)

        with pytest.raises(PowerCut):
            change(place, keys, cut)
        assert UpdateClient(place, anchor, tmp_path / f"between-{limit}").load(NOTES) == {NOTES: ONE}
        change(place, keys, write_whole)
        assert UpdateClient(place, anchor, tmp_path / f"after-{limit}").load(NOTES) == {NOTES: TWO}


def test_no_version_is_ever_written_twice(site: Path, keys: dict[str, Signer]) -> None:
    before = {file: file.read_bytes() for file in site.rglob("*.json") if file.name != "timestamp.json"}
    publish_second(site, keys, write_whole)
    replace_keys(site, keys, write_whole)
    assert {file: file.read_bytes() for file in before} == before


def test_what_lacks_a_signature_is_published_in_no_part(site: Path, keys: dict[str, Signer]) -> None:
    before = sorted(site.rglob("*"))
    for lacking in ("targets", "snapshot", "timestamp"):
        folder = open_folder(site, *(signer for role, signer in keys.items() if role != lacking))
        folder.add_target(NOTES, TWO)
        with pytest.raises(NotSigned) as caught:
            folder.publish()
        assert caught.value.role == lacking
        assert sorted(site.rglob("*")) == before
        # the last signature comes later
        folder.signers = tuple(keys.values())
        folder.sign("targets")
        assert folder.find_missing("targets")


def test_a_root_is_signed_by_as_many_as_it_asks_for(tmp_path: Path, keys: dict[str, Signer]) -> None:
    owners = [CryptoSigner.generate_ecdsa(), CryptoSigner.generate_ed25519(), CryptoSigner.generate_ed25519()]
    folder = open_folder(tmp_path, owners[0], keys["targets"], keys["snapshot"], keys["timestamp"])
    with folder.edit_root() as root:
        for role, signer in keys.items():
            for each in owners if role == "root" else (signer,):
                root.add_key(each.public_key, role)
        root.roles["root"].threshold = 2
    folder.add_target(NOTES, ONE)
    with pytest.raises(NotSigned) as caught:
        folder.publish()
    assert caught.value.role == "root"
    assert set(caught.value.result.unsigned) == {each.public_key.keyid for each in owners[1:]}
    assert not list(tmp_path.iterdir())
    folder.signers = (*folder.signers, owners[2])
    assert folder.sign("root") == [owners[2].public_key]
    folder.publish()
    anchor = (tmp_path / "metadata" / "1.root.json").read_bytes()
    assert UpdateClient(tmp_path, anchor, tmp_path / "pc").load(NOTES) == {NOTES: ONE}


def test_signed_again_nothing_else_changes(site: Path, keys: dict[str, Signer]) -> None:
    later = datetime.now(UTC) + timedelta(days=10)
    folder = SignedFolder(site, [keys["snapshot"], keys["timestamp"]], now=later, write=write_whole)
    assert folder.publish(renew=True) == ["metadata/2.snapshot.json", "metadata/timestamp.json"]
    published = folder.find_published("timestamp")
    assert published is not None
    assert published.signed.expires == later.replace(microsecond=0) + LIFETIMES["timestamp"]


@pytest.mark.parametrize("name", ["1.snapshot.json", "1.targets.json", "1.root.json"])
@pytest.mark.parametrize("content", [b"{}", b"<html>", None])
def test_a_damaged_folder_is_named_and_not_changed(
    site: Path, keys: dict[str, Signer], name: str, content: bytes | None
) -> None:
    file = site / "metadata" / name
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    before = sorted(site.rglob("*"))
    with pytest.raises((FolderError, NotSigned)):
        publish_second(site, keys, write_whole)
    assert sorted(site.rglob("*")) == before
