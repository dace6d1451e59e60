"""axe-core, which looks for barriers in a page: fetched once, pinned by its hash."""

from __future__ import annotations

import base64
import hashlib
import io
import subprocess
import tarfile
from pathlib import Path

VERSION = "4.14.1"
_SHA512 = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
"""What npm calls its integrity."""
_DOWNLOADS = Path(__file__).resolve().parents[2] / "build" / "downloads"
_SECONDS = 120


def load_axe() -> str:
    """Return the script."""
    package = _DOWNLOADS / f"axe-core-{VERSION}.tgz"
    if not package.exists():
        _DOWNLOADS.mkdir(parents=True, exist_ok=True)
        command = ["npm", "pack", f"axe-core@{VERSION}", "--silent", "--pack-destination", str(_DOWNLOADS)]
        subprocess.run(command, check=True, timeout=_SECONDS, capture_output=True, cwd=_DOWNLOADS)
    data = package.read_bytes()
    assert base64.b64encode(hashlib.sha512(data).digest()).decode() == _SHA512, (
        f"{package} is not what was pinned"
    )
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        script = archive.extractfile("package/axe.min.js")
        assert script is not None
        return script.read().decode()
