"""The checks of ``test_fuzz``, run by a coverage-guided fuzzer (Atheris).

For a person who has an hour, on Linux; atheris is not among the project's packages:

    build/uv/bin/uv run --with atheris python -m tests.services.coverage_guided answers --seconds 600

An input may cost 0.2 s of processor time, although the code is slower here than in the suite: each of its branches is counted. Inputs are kept in
build/fuzz and tried first the next time. One that failed is left there too: name its file to see it fail again, and make an example of it.
"""

from __future__ import annotations

import argparse
import json
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import atheris  # type: ignore[import-untyped]  # not among the project's packages
import trustme

with atheris.instrument_imports(
    include=["iea_agent", "h11", "httpcore", "httpx", "email", "tomllib", "urllib.parse"]
):
    from iea_agent.domain import proxy_choice, settings
    from iea_agent.services import certificates
    from iea_agent.services.judge import judge_answer
    from iea_agent.services.messages import Reply, Request
    from tests.budget import within_budget
    from tests.services import test_fuzz
    from tests.services.test_updates import ADDRESS

FOLDER = Path(__file__).parents[2] / "build" / "fuzz"
LONGEST = 8192
"""Bytes of an input."""


class Target(NamedTuple):
    """What reads the input, and inputs to begin with."""

    read: Callable[[bytes], None]
    seeds: tuple[str, ...]


def plainly(test: Any) -> Callable[..., None]:
    """What a test does with one example, bounded as there."""
    inner: Callable[..., None] = test.hypothesis.inner_test
    return inner


def text_of(data: bytes) -> str:
    """As typed, or as read from a file in another encoding."""
    return data.decode("utf-8", "surrogateescape")


def reply_of(data: bytes) -> Reply:
    """Parse a status of three digits, headers, an empty line and a body."""
    head, _, body = data.partition(b"\n\n")
    first, *lines = head.decode("latin-1").split("\n")
    status = int(first) if first.isascii() and first.isdigit() and len(first) == 3 else 200
    fields = (line.partition(":") for line in lines)
    return Reply(status, {name.lower(): value for name, _, value in fields}, body)


def typed(data: bytes) -> None:
    """An address."""
    plainly(test_fuzz.test_any_typed_text_is_an_address_or_is_refused)(text_of(data))


def written(data: bytes) -> None:
    """The settings."""
    plainly(test_fuzz.test_any_settings_file_is_read_or_refused)(text_of(data))


def run_reply(data: bytes) -> None:
    """Judge a reply by its status, as discovery document and as token answer."""
    reply = reply_of(data)
    for scheme in ("http", "https"):
        if (failure := judge_answer(Request("GET", f"{scheme}://serveur.example/"), reply)) is not None:
            test_fuzz.check(failure)
    parts = reply.status, reply.headers, reply.body
    plainly(test_fuzz.test_any_discovery_document)([parts])
    plainly(test_fuzz.test_any_answer_to_a_licence)(*parts)


@within_budget
def run_certificate(data: bytes) -> None:
    """A certificate."""
    parsed = certificates.parse_certificate(data)
    if parsed is not None:
        names = (parsed.certificate.subject, parsed.certificate.issuer, *parsed.issuer_names, *parsed.hosts)
        assert all(name.isprintable() and len(name) <= 200 for name in names)


@within_budget
def listed(data: bytes) -> None:
    """What Windows or a script says of proxies."""
    proxy_choice.parse_proxy_list(text_of(data), "https")
    proxy_choice.is_bypassed(ADDRESS, text_of(data))


class Answers:
    """The bytes of an answer, over a real connection."""

    def __init__(self) -> None:
        self.bytes = b""
        self.address = ""

    def __call__(self, data: bytes) -> None:
        self.bytes = data
        test_fuzz.check_answer(self.address)


ANSWERS = Answers()
DISCOVERY = {"issuer": str(ADDRESS), "token_endpoint": f"{ADDRESS}/token"}
TOKEN = {"access_token": "a", "token_type": "Bearer", "expires_in": 300, "scope": "iea"}
DATES = "Retry-After: 120\nDate: Thu, 01 Jan 1970 00:00:00 GMT\nAge: 1"

TARGETS = {
    "addresses": Target(
        typed,
        (
            "« https://é.fr:8443/auth/ »",
            "http://[fe80::1%25eth0]:80/x",
            "https://a@b:1",
            "0x7f.1",
            "xn--a.fr",
        ),
    ),
    "settings": Target(
        written,
        (
            *(f"{name} = {value}" for name in settings.DECLARATIONS for value in ("true", '"x"', "1")),
            "[a]\nb.c = [{d = 1}]",
        ),
    ),
    "replies": Target(
        run_reply,
        (
            f"200\nContent-Type: text/html\n\n{json.dumps(DISCOVERY)}",
            f"200\n{DATES}\n\n{json.dumps(TOKEN)}",
            f"503\n{DATES}\n\nmaintenance",
            "302\nLocation: //portail.example/?x",
            '407\nProxy-Authenticate: Negotiate, Basic realm="x\\"", charset="UTF-8"',
            '401\n\n{"error": "invalid_client", "error_description": "x"}',
        ),
    ),
    "certificates": Target(run_certificate, ()),
    "proxies": Target(listed, ("PROXY a:80; DIRECT", "http=a:80;https=b:81;socks=c", "*.local;<local>;10.*")),
    "answers": Target(
        ANSWERS,
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Encoding: gzip\r\n\r\nhallo",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=1\r\nhallo\r\n0\r\nT: x\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 301 x\r\nLocation: https://a/\r\n\r\n",
            "HTTP/1.1 101 Up\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
            "\x15\x03\x01\x00\x02\x02\x46",
        ),
    ),
}


def certificate() -> bytes:
    """One to begin with."""
    made = trustme.CA(organization_name="Autorité").issue_cert("localhost", "*.exemple.fr")
    return ssl.PEM_cert_to_DER_cert(made.cert_chain_pems[0].bytes().decode("ascii"))


def main() -> None:
    """Does not return: atheris ends the process."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("input", nargs="?", type=Path, help="a file that failed")
    given = parser.parse_intermixed_args()
    target = TARGETS[given.target]
    corpus = FOLDER / given.target
    corpus.mkdir(parents=True, exist_ok=True)
    seeds = [seed.encode() for seed in target.seeds] or [certificate()]
    for number, seed in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    options = [
        f"-max_total_time={given.seconds}",
        f"-max_len={LONGEST}",
        f"-artifact_prefix={FOLDER}/{given.target}-",
    ]
    atheris.Setup(["", *options, str(given.input or corpus)], target.read)

    def fuzz(address: str) -> None:
        ANSWERS.address = address
        atheris.Fuzz()

    test_fuzz.answering(lambda: ANSWERS.bytes, fuzz)


if __name__ == "__main__":
    main()
