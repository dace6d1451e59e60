"""A PC with python-tuf's own client that reads a repository in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface, Updater  # type: ignore[attr-defined]

BASE = "https://maj.example/"


class UpdateClient(FetcherInterface):
    """A client that trusts *root*, with its own *place* for what it has verified."""

    def __init__(self, site: Path, root: bytes, place: Path) -> None:
        self._site = site
        self._root = root
        self._place = place
        for name in ("metadata", "targets"):
            (place / name).mkdir(parents=True, exist_ok=True)

    def _fetch(self, url: str) -> Iterator[bytes]:
        file = self._site / url.removeprefix(BASE)
        if not file.is_file():
            raise DownloadHTTPError(url, 404)
        return iter((file.read_bytes(),))

    def load(self, *names: str) -> dict[str, bytes]:
        """Refresh, and return these targets as far as they exist. Raises as TUF does."""
        metadata, targets = (str(self._place / name) for name in ("metadata", "targets"))
        updater = Updater(
            metadata, f"{BASE}metadata/", targets, f"{BASE}targets/", fetcher=self, bootstrap=self._root
        )
        updater.refresh()
        described = {name: updater.get_targetinfo(name) for name in names}
        return {
            name: Path(updater.download_target(info)).read_bytes() for name, info in described.items() if info
        }
