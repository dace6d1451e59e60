"""Real servers, and certificates that the sandbox does not make."""

from __future__ import annotations

import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from iea_agent.services.network import Credentials
from iea_sandbox.world import World


@contextmanager
def tls_server(certificate: trustme.LeafCert) -> Iterator[int]:
    """A port that shows *certificate* and hangs up once the handshake is over."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    with served(context) as port:
        yield port


@contextmanager
def served(context: ssl.SSLContext) -> Iterator[int]:
    """A port that makes handshakes with *context* and hangs up after each."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                connection, _ = listener.accept()
                with connection:
                    if over.is_set():
                        return
                    connection.settimeout(5)
                    try:
                        with context.wrap_socket(connection, server_side=True) as secured:
                            secured.recv(1)
                    except OSError:  # it did not like the certificate
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port: int = listener.getsockname()[1]
        try:
            yield port
        finally:
            over.set()
            socket.create_connection(("127.0.0.1", port), 5).close()
            thread.join(5)


def own_file(folder: Path, *pems: bytes) -> Path | None:
    """Write the administrator's file with *pems*; return None if there are none."""
    if not pems:
        return None
    file = folder / "own.pem"
    file.write_bytes(b"".join(pems))
    return file


def revocation_list(authority: trustme.CA, *certificates: trustme.LeafCert) -> bytes:
    """What *authority* has revoked, valid for a day."""
    issuer = x509.load_pem_x509_certificate(authority.cert_pem.bytes())
    key = load_pem_private_key(authority.private_key_pem.bytes(), None)
    now = datetime.now(UTC)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(now - timedelta(hours=1))
        .next_update(now + timedelta(days=1))
    )
    for certificate in certificates:
        serial = x509.load_pem_x509_certificate(certificate.cert_chain_pems[0].bytes()).serial_number
        revoked = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build()
        builder = builder.add_revoked_certificate(revoked)
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM)  # type: ignore[arg-type]


@contextmanager
def openssl_server(folder: Path, *options: str) -> Iterator[int]:
    """Run ``openssl s_server``; its authority is in ``folder/authority.pem``."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    with subprocess.Popen(
        ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", folder / "server.pem", "-www", *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            ready = next(line for line in server.stdout if line.startswith("ACCEPT"))
            yield int(ready.rpartition(":")[2])
        finally:
            server.kill()


@contextmanager
def run_nginx(folder: Path, configuration: str, port: int) -> Iterator[None]:
    """Run nginx with *configuration*, whose *port* answers in clear."""
    file = folder / "nginx.conf"
    file.write_text(configuration, encoding="utf-8")
    with subprocess.Popen(
        ["nginx", "-p", folder, "-c", file, "-g", "error_log stderr notice;"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        output = []
        for line in process.stderr:
            output.append(line)
            # its ports are open, and a worker serves them
            if "start worker process " in line:
                break
        else:
            raise AssertionError("".join(output))
        try:
            with socket.create_connection(("127.0.0.1", port), 10) as ready:
                ready.sendall(b"GET / HTTP/1.0\r\n\r\n")
                assert ready.recv(100)
            yield
        finally:
            process.terminate()
            process.communicate(timeout=10)


_CONFIGURATION = """
daemon off;
error_log stderr;
pid {folder}/nginx.pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    ssl_certificate {folder}/nginx.pem; ssl_certificate_key {folder}/nginx.pem;
    server {{ listen 127.0.0.1:{secure} ssl; location / {{ proxy_pass http://127.0.0.1:9; }} }}
    server {{ listen 127.0.0.1:{picky} ssl; ssl_client_certificate {folder}/authority.pem; ssl_verify_client on; }}
    server {{ listen 127.0.0.1:{strict} ssl; ssl_reject_handshake on; }}
    server {{ listen 127.0.0.1:{plain}; return 301 https://localhost$request_uri; }}
}}
"""


class Nginx:
    """nginx on loopback in its usual configurations, running inside the block."""

    def __init__(self, folder: Path, world: World) -> None:
        self._folder = folder
        self._authority = world.ca_file.read_bytes()
        self._pem = world.authority.pem()
        self._ports: dict[str, int] = {}
        self._running: AbstractContextManager[None]

    def address(self, what: str) -> str:
        """An address that shows *what*."""
        scheme, port = {
            "in-clear": ("http", "secure"),
            "unavailable": ("https", "secure"),
            "client-certificate": ("https", "picky"),
            "unknown-name": ("https", "strict"),
            "to-https": ("http", "plain"),
            "port-80": ("https", "plain"),
        }[what]
        return f"{scheme}://localhost:{self._ports[port]}"

    def __enter__(self) -> Nginx:
        self._ports = dict(zip(("secure", "picky", "strict", "plain"), free_ports(4), strict=True))
        (self._folder / "nginx.pem").write_bytes(self._pem)
        (self._folder / "authority.pem").write_bytes(self._authority)
        text = _CONFIGURATION.format(folder=self._folder, **self._ports)
        self._running = run_nginx(self._folder, text, self._ports["plain"])
        self._running.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.__exit__(kind, error, trace)


_SQUID = """
http_port 127.0.0.1:{open} name=open
http_port 127.0.0.1:{closed} name=closed
auth_param basic program /usr/lib/squid/basic_ncsa_auth {folder}/passwords
auth_param basic realm mandataire
auth_param basic casesensitive on
acl open myportname open
acl forbidden dstdomain interdit.example
acl known proxy_auth REQUIRED
http_access deny forbidden
http_access allow open
http_access allow known
http_access deny all
cache deny all
access_log none
pid_filename none
netdb_filename none
coredump_dir {folder}
visible_hostname mandataire.example
"""


class Squid:
    """squid on loopback; the port *closed* asks for ``CREDENTIALS``.

    One server is forbidden.
    """

    CREDENTIALS = Credentials("Zoé", "un mot de passe, é :")
    FORBIDDEN = "interdit.example"

    def __init__(self) -> None:
        self.open, self.closed = (f"http://127.0.0.1:{port}" for port in free_ports(2))
        self._folder = tempfile.TemporaryDirectory(prefix="squid")
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Squid:
        folder = Path(self._folder.name)
        folder.chmod(0o755)  # squid leaves the rights of root behind
        hashed = subprocess.run(
            ["openssl", "passwd", "-apr1", "-stdin"],
            input=self.CREDENTIALS.password,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
        (folder / "passwords").write_text(f"{self.CREDENTIALS.user}:{hashed.stdout}", encoding="utf-8")
        ports = {"open": self.open.rpartition(":")[2], "closed": self.closed.rpartition(":")[2]}
        (folder / "squid.conf").write_text(_SQUID.format(folder=folder, **ports), encoding="utf-8")
        self._process = subprocess.Popen(
            ["squid", "-N", "-d", "1", "-f", folder / "squid.conf"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        output, listening = [], 0
        for line in self._process.stderr:
            output.append(line)
            listening += "Accepting HTTP Socket connections" in line
            if listening == len(ports):
                for port in ports.values():
                    _wait_for(int(port))
                return self
        raise AssertionError("".join(output))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.kill()  # squid takes its time to end by itself
        self._process.communicate(timeout=10)
        self._folder.cleanup()


def _wait_for(port: int) -> None:
    """Wait until *port* is open.

    squid reports it a moment before it listens (TcpAcceptor is an asynchronous job).
    """
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 10).close()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)  # nothing tells of it
        else:
            return


def free_ports(number: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    try:
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
