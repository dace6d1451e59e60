"""A site with an update repository on a static host or on nginx, and its PCs."""

from __future__ import annotations

import getpass
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

from iea_agent.assembly.installation import Installation
from iea_agent.assembly.servers import Servers
from iea_agent.assembly.updating import Updating
from iea_sandbox.repository import Repository
from iea_sandbox.world import World
from tests.programs import make_program, make_version
from tests.releases import make_description
from tests.services.peers import free_ports, run_nginx

CONTENT = bytes(range(256)) * 400
NAME = "impact-emploi/ImpactEmploi-3.00.73.exe"
OTHER = "impact-emploi/ImpactEmploi-3.00.74.exe"


class Quiet(SimpleHTTPRequestHandler):
    """A static host that says nothing on the terminal, and counts the files it gives."""

    protocol_version = "HTTP/1.1"
    given: ClassVar[list[str]] = []

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def log_request(self, *_: object) -> None:
        if "/targets/" in self.path:
            self.given.append(self.path)


class Site:
    """A repository on a static host at *address*, and the PCs that use it.

    *list_given* returns the targets that the host has given so far. *ca_file* is that of its certificate, if it has one.
    """

    def __init__(
        self, folder: Path, address: str, list_given: Callable[[], list[str]], ca_file: Path | None = None
    ) -> None:
        self.folder = folder
        self.list_given = list_given
        self.address = address
        self._ca_file = ca_file
        self.repository = Repository(folder / "site")
        self.served = folder / "served"
        self.content = CONTENT
        """The file of the version, once it is described."""
        self.describe()

    def describe(self, **changes: object) -> None:
        """Publish the version, described with *changes*, and serve it."""
        description = make_description(**{"minimum.windows": "", "installed_bytes": 0, **changes})
        self.repository.publish({NAME: self.content}, {NAME: {"iea": description}})
        # another one, so that a roll-back has something to go back to
        self.repository.publish()
        self.serve({})

    def serve(self, false: dict[str, bytes]) -> None:
        """Serve what the publisher made, but *false* metadata in the place of some."""
        shutil.rmtree(self.served, ignore_errors=True)
        shutil.copytree(self.repository.folder, self.served, copy_function=shutil.copyfile)
        for name, data in false.items():
            (self.served / "metadata" / name).write_bytes(data)

    def publish_notes(self, text: bytes) -> None:
        """Publish *text* as the *Lisez-moi* of the version, and serve it."""
        self.repository.publish({"notes/3.00.73.fr.md": text})
        self.serve({})

    @property
    def file(self) -> Path:
        """The file of the version, as the host has it."""
        return next((self.served / "targets").rglob("*.exe"))

    def make_pc(self, name: str, shared: Path | None = None) -> Updating:
        """Return the updates of a new PC that trusts the repository."""
        return Updating(Servers(self.install(name, shared)))

    def install(
        self, name: str, shared: Path | None = None, version: tuple[int, int, int] | None = None
    ) -> Installation:
        """Return a new PC that trusts the repository, with Impact emploi in *version*."""
        home = self.folder / name
        (home / "policy").mkdir(parents=True)
        lines = [
            "schema = 1",
            "[connection]",
            f"secure = {'true' if self._ca_file else 'false'}",
            f'updates = "{self.address}"',
            f"ca_file = '{self._ca_file or ''}'",
            "[proxy]",
            'mode = "none"',
        ]
        if shared is not None:
            lines += ["[updates]", f"folder = '{shared}'"]
        if version is not None:
            program = home / "ImpactEmploi.exe"
            program.write_bytes(make_program(make_version((*version, 0), {})))
            lines += ["[program]", f"path = '{program}'"]
        (home / "policy" / "policy.toml").write_text("\n".join(lines), encoding="utf-8")
        installation = Installation.locate({"IEA_AGENT_HOME": str(home)})
        shutil.copyfile(self.repository.first_root, installation.root_file)
        return installation

    def copy_to_stick(self, name: str) -> Path:
        """Return the file of the version on a stick with all that the host has."""
        shutil.copytree(self.served, self.folder / name, copy_function=shutil.copyfile)
        return next((self.folder / name / "targets").rglob("*.exe"))


@contextmanager
def open_site(folder: Path) -> Iterator[Site]:
    """Serve a new repository from *folder* on loopback."""
    handler = partial(Quiet, directory=str(folder / "served"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        Quiet.given.clear()
        yield Site(folder, f"http://127.0.0.1:{server.server_port}", Quiet.given.copy)
        server.shutdown()
        thread.join()


_CONFIGURATION = """
{user}
daemon off;
pid {folder}/nginx.pid;
events {{}}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    # as Debian's own nginx.conf has it
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_certificate {folder}/nginx.pem; ssl_certificate_key {folder}/nginx.pem;
    server {{ listen 127.0.0.1:{secure} ssl; root {folder}/served; }}
    server {{ listen 127.0.0.1:{plain}; return 204; }}
}}
"""


@contextmanager
def open_nginx_site(folder: Path, world: World) -> Iterator[Site]:
    """Serve a new repository from *folder* by Debian's nginx, over TLS.

    Its certificate is by the authority of *world*. ``access.log`` has a line for each answer.
    """
    (folder / "nginx.pem").write_bytes(world.authority.pem())
    secure, plain = free_ports(2)
    # its workers read folders that are the test's alone
    user = "user root;" if getpass.getuser() == "root" else ""
    text = _CONFIGURATION.format(user=user, folder=folder, secure=secure, plain=plain)

    def list_given() -> list[str]:
        lines = (folder / "access.log").read_text(encoding="utf-8").splitlines()
        return [line for line in lines if "/targets/" in line]

    with run_nginx(folder, text, plain):
        yield Site(folder, f"https://localhost:{secure}", list_given, world.ca_file)
