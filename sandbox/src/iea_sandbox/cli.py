"""The command ``iea-sandbox``: serve the world, break it, mend it."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_data_path

from iea_sandbox.faults import OPTION_NAMES, PARTS, UnknownFault, describe_faults

if TYPE_CHECKING:
    from iea_sandbox.world import World

_EXAMPLES = """\
exemple :
  iea-sandbox serve
  iea-sandbox break auth --how 503 --retry-after 5
  iea-sandbox break proxy --how password
  iea-sandbox mend

pannes (--how) :
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0 fine, 1 failed, 2 wrong usage, 3 no sandbox running."""
    for stream in (sys.stdout, sys.stderr):
        # Windows' code pages lack half of the letters that we print
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    given = _parser().parse_args(arguments)
    # imported late: --help and wrong arguments are answered before the network's modules are loaded
    from iea_sandbox.orders import Unreachable

    run: Callable[[argparse.Namespace], int] = given.run
    try:
        return run(given)
    except UnknownFault as error:
        print(error, file=sys.stderr)
        return 2
    except Unreachable as error:
        print(error, file=sys.stderr)
        return 3
    except OSError as error:
        print(f"Impossible : {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def default_home() -> Path:
    """Return the sandbox's folder, if no option names another."""
    return Path(os.environ.get("IEA_SANDBOX_HOME") or user_data_path("iea-sandbox", appauthor=False))


def _parser() -> argparse.ArgumentParser:
    home = argparse.ArgumentParser(add_help=False)
    add_home_option(home)
    parser = argparse.ArgumentParser(
        prog="iea-sandbox",
        description="Le monde du programme de connexion sur cette machine : serveur d’authentification, serveur de mise à jour, "
        "et de quoi casser chaque pièce pendant qu’il tourne.",
        epilog=_EXAMPLES + describe_faults(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="commande")

    serve = commands.add_parser("serve", parents=[home], help="ouvrir les deux serveurs jusqu’à Ctrl+C")
    serve.add_argument("--auth-port", type=int, default=0, metavar="PORT", help="0 : au choix du système")
    serve.add_argument("--updates-port", type=int, default=0, metavar="PORT", help="0 : au choix du système")
    add_port_options(serve)
    serve.set_defaults(run=_serve)

    breaking = commands.add_parser(
        "break",
        parents=[home],
        help="casser une pièce",
        epilog="pannes (--how) :\n" + describe_faults(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    breaking.add_argument("part", choices=PARTS, metavar="pièce", help=", ".join(PARTS))
    breaking.add_argument("--how", required=True, metavar="PANNE", help="une des pannes ci-dessous")
    for option, kind, metavar, text in (
        ("at", str, "TEXTE", "seulement les demandes dont l’adresse contient ce texte"),
        ("retry-after", int, "S", "secondes annoncées dans Retry-After"),
        ("location", str, "ADRESSE", "adresse d’une redirection"),
        ("days", int, "J", "avance de l’horloge en jours (retard : négatif)"),
        ("dialect", str, "NOM", "mots du refus : rfc, keycloak, oidc-provider…"),
        ("issuer", str, "NOM", "organisation qui signe un certificat"),
    ):
        breaking.add_argument(f"--{option}", type=kind, metavar=metavar, help=text)
    breaking.set_defaults(run=_order, action="break")

    mend = commands.add_parser("mend", parents=[home], help="réparer une pièce, ou tout")
    mend.add_argument("part", nargs="?", choices=PARTS, metavar="pièce", help=", ".join(PARTS))
    mend.set_defaults(run=_order, action="mend")

    status = commands.add_parser("status", parents=[home], help="dire ce qui tourne et ce qui est cassé")
    status.add_argument("--json", action="store_true", help="pour un programme")
    status.set_defaults(run=_order, action="status")
    return parser


def add_home_option(parser: argparse.ArgumentParser) -> None:
    """Add the option for the sandbox's folder."""
    parser.add_argument(
        "--home",
        type=Path,
        default=default_home(),
        metavar="DOSSIER",
        help="dossier du bac à sable (sinon IEA_SANDBOX_HOME, sinon celui de l’utilisateur)",
    )


def add_port_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for the services that a PC looks for at a fixed port."""
    for name, port, service in (("names", 53, "service de noms (DNS)"), ("script", 80, "script de proxy")):
        text = f"{service} ; un poste le cherche au port {port}"
        parser.add_argument(f"--{name}-port", type=int, default=0, metavar="PORT", help=text)


def _serve(given: argparse.Namespace) -> int:
    from iea_sandbox.control import attach
    from iea_sandbox.world import World

    # so that ``finally`` below is reached
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # a client that speaks TLS to the "plain-http" port is no news
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    with World(
        given.home,
        authentication_port=given.auth_port,
        updates_port=given.updates_port,
        names_port=given.names_port,
        script_port=given.script_port,
    ) as world:
        path = attach(world, given.home)
        try:
            _introduce(world, path)
            # in slices: Windows delivers Ctrl+C between two of them
            while not threading.Event().wait(1):
                pass
        finally:
            path.unlink(missing_ok=True)
    return 0


def _introduce(world: World, path: Path) -> None:
    licence = world.licence()
    for name, value in {
        "Serveur d’authentification": world.authentication.address,
        "Serveur de mise à jour": world.updates.address,
        "Proxy": f"{world.proxy_address} (script : {world.script_address})",
        "Service de noms": f"127.0.0.1:{world.names.port}",
        "Autorité de certification": world.ca_file,
        "Licence": f"{licence.number}, clé {licence.key}",
        "Tout le reste": path,
    }.items():
        print(f"{name:<26} : {value}")
    print("Ctrl+C pour arrêter.", flush=True)


def _order(given: argparse.Namespace) -> int:
    """Send an order to the running sandbox and print its status."""
    from iea_sandbox.orders import order, render_status

    values = vars(given)
    parameters = {
        name: str(values[name]) for name in ("part", "how", *OPTION_NAMES) if values.get(name) is not None
    }
    status = order(given.home, given.action, parameters)
    if values.get("json"):
        print(json.dumps(status, indent=2, ensure_ascii=False))
    else:
        print(*render_status(status), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
