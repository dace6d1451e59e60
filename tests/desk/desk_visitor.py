"""A visitor of the desk's pages: it asks, and reads what it is answered."""

from __future__ import annotations

import itertools
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html.parser import HTMLParser

import httpx

from iea_desk.web.desk_pages import DeskSources
from iea_desk.web.desk_server import HEAD_SECONDS, DeskServer

EMPTY = ("br", "input", "link", "meta")
TYPED = ("input", "textarea", "select")


class PageReader(HTMLParser):
    """What a page holds; it fails where the page is not well made."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words = ""
        self.links: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        assert not self.open
        assert text.startswith("<!DOCTYPE html>\n")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the beginning of an element."""
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs)
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Take its end: elements stand in each other whole."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Take a text."""
        self.words += data
        if self.open[-1:] == ["a"]:
            self.links.append((self.attributes[-1][1]["href"] or "", data))

    def list_values(self, name: str, tag: str = "") -> list[str]:
        """Return the values of the attribute *name*, of every element or of *tag*."""
        return [
            attributes[name] or ""
            for kind, attributes in self.attributes
            if name in attributes and tag in ("", kind)
        ]

    def check(self) -> None:
        """Check what helps a person who does not see the page, or has no mouse."""
        assert self.list_values("lang", "html") == ["fr"]
        assert [self.tags.count(tag) for tag in ("title", "h1", "main")] == [1, 1, 1]
        levels = [int(tag[1]) for tag in self.tags if re.fullmatch(r"h[1-6]", tag)]
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels)), levels
        names = self.list_values("id")
        assert len(set(names)) == len(names)
        labels = self.list_values("for", "label")
        for tag, attributes in self.attributes:
            if tag in TYPED:
                assert attributes["id"] in labels, attributes
            assert not [each for each in attributes if each.startswith("on") or each == "style"]
            for reference in ("aria-describedby", "aria-labelledby", "for", "data-copy"):
                assert attributes.get(reference) in (None, *names), attributes
        assert not {"style", "iframe", "object", "base"} & set(self.tags)
        for link in self.list_values("href") + self.list_values("src") + self.list_values("action"):
            assert not re.match(r"(?!mailto:)[a-z]+:|//", link), link


class Visitor:
    """The browser that was given the *address* of a server."""

    def __init__(self, address: str, *, looks_first: bool = False) -> None:
        self.client = httpx.Client(trust_env=False, timeout=20)
        self.address = address
        if looks_first:
            assert self.client.head(address).status_code == 405
        entered = self.client.get(address)
        assert entered.status_code == 303, entered.text
        self.start = str(entered.url.join(entered.headers["location"]))
        self.origin = self.start.split("/", 3)[0] + "//" + self.start.split("/", 3)[2]

    def get(self, place: str = "", headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Ask for a page."""
        return self.client.get(self.start + place, headers=headers)

    def post(
        self,
        place: str,
        fields: Mapping[str, str] | None = None,
        file: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send a form, as parts if it has a *file*, and follow where it leads."""
        answer = self.client.post(
            self.start + place,
            data=fields or {},
            files=None if file is None else {"fichier": ("demande", file)},
            headers={"Origin": self.origin, **(headers or {})},
        )
        return self.get(answer.headers["location"]) if answer.status_code == 303 else answer

    def connect(self, sent: str = "") -> socket.socket:
        """Return a connection on which only *sent* was sent.

        "HOST" and "FOLDER" in it stand for the server's.
        """
        host = self.origin.removeprefix("http://")
        connection = socket.create_connection(("127.0.0.1", int(host.rpartition(":")[2])), timeout=20)
        folder = self.start.split("/")[3]
        connection.sendall(sent.replace("HOST", host).replace("FOLDER", folder).encode())
        return connection

    def read_page(self, answer: httpx.Response) -> PageReader:
        """Return what *answer* holds, checked."""
        page = PageReader(answer.text)
        page.check()
        return page


@contextmanager
def serve(
    sources: DeskSources, *, looks_first: bool = False, head_seconds: float = HEAD_SECONDS
) -> Iterator[Visitor]:
    """Serve *sources*, and give the browser that was opened.

    A program that checks links *looks_first*.
    """
    server = DeskServer(sources, head_seconds)
    thread = threading.Thread(target=server.run, name="desk")
    thread.start()
    try:
        visitor = Visitor(server.address, looks_first=looks_first)
        yield visitor
        visitor.client.close()
    finally:
        server.stop()
        thread.join(20)
        assert not thread.is_alive()
