"""Orders to a running sandbox.

It does without the servers' libraries, which take a second to load.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from iea_sandbox.faults import PARTS, UnknownFault

FILE = "sandbox.json"
_TIMEOUT = 10.0
_ANSWER_LIMIT = 1024 * 1024


class Unreachable(Exception):
    """No sandbox answers; the message is French, for a person."""


def order(home: Path, action: str, parameters: Mapping[str, str]) -> dict[str, object]:
    """Send "break", "mend" or "status" to the sandbox of *home*.

    Returns its status afterwards. Raises UnknownFault with its reason if it refuses, Unreachable if it does not
    answer.
    """
    try:
        control = json.loads((home / FILE).read_text(encoding="utf-8"))["control"]
        connection = HTTPConnection("127.0.0.1", control["port"], timeout=_TIMEOUT)
        try:
            connection.request(
                "GET" if action == "status" else "POST",
                f"/{action}?{urlencode(parameters)}",
                headers={"Authorization": f"Bearer {control['token']}"},
            )
            response = connection.getresponse()
            answer = json.loads(response.read(_ANSWER_LIMIT))
        finally:
            connection.close()
    except (OSError, ValueError, KeyError, HTTPException) as error:
        raise Unreachable(f"Aucun bac à sable ne répond dans {home} ({error}).") from error
    if response.status != 200:
        raise UnknownFault(str(answer.get("error", response.status)))
    return dict(answer)


def render_status(status: Mapping[str, Any]) -> Iterator[str]:
    """Yield lines for a person: each part's fault, then what to type and to set."""
    broken = status["broken"]
    where = {
        "auth": status["authentication"],
        "updates": status["updates"],
        "proxy": status["proxy"]["address"],
        "pac": status["pac"],
        "names": status["names"]["server"],
    }
    for part in PARTS:
        state = f"cassé ({broken[part]})" if broken[part] else "en état"
        yield f"{part:<8} {where.get(part, '–')} : {state}"
    if any(broken[part] for part in ("address", "names", "network", "pac")):
        yield "À saisir dans les paramètres du programme de connexion :"
        yield from (f"  {address}" for address in status["to_type"].values())
    if broken["names"]:
        yield f"Le service de noms de ce poste doit être {status['names']['server']}."
    if broken["proxy"]:
        proxy = status["proxy"]
        yield f"À saisir comme proxy : {proxy['address']} (utilisateur {proxy['user']}, mot de passe {proxy['password']})"
    if broken["pac"]:
        yield f"À indiquer à Windows comme script de proxy : {status['pac']}"
