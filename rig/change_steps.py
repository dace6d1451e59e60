"""An announced change of address on the Windows desktop, after the update.

First the PC does not reach the new address, then it does. All is played with the real clock. Two things stand for days that pass: a second policy
brings the day itself, and the record of the first rehearsal is made four hours older, for nobody waits so long for the second one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable

from iea_agent.domain import timing
from iea_agent.domain.diagnosis import PendingChange
from iea_agent.domain.signed_policy import (
    POLICY_FILE,
    AnnouncedChange,
    ReplacedAddress,
    format_time,
    parse_policy,
)
from iea_agent.shell.wording.balloon_text import build_notice_balloon
from iea_agent.shell.wording.time_text import format_date
from iea_sandbox.world import World
from rig.clerk import (
    Clerk,
    Deed,
    Frame,
    Sight,
    close,
    cut_corner,
    left_click,
    quit_agent,
    see_icon,
    see_window,
    start_agent,
    wait_for_balloon,
)
from rig.desktop import PAUSE, NotSeenError
from rig.practical_sheets import Instruction, Section, Sheet
from rig.window_texts import STATUS

DAY = 86_400.0
AHEAD = 8 * DAY
"""The time until the change: the person must be told a week ahead at least."""
PATIENCE = 30.0  # seconds for the agent to act on what it has received
SILENT, REACHED = "127.0.0.2", "127.0.0.1"
"""Where nothing answers, and another name of the sandbox's server."""
TITLE = build_notice_balloon(PendingChange("", 0.0, "")).title


def announce_change(world: World, host: str, begins: float) -> dict[str, object]:
    """Return a policy: the authentication server is at *host* from *begins* on."""
    old = world.authentication.address
    return {
        "schema": 1,
        "changes": [
            {
                "name": f"vers-{host.replace('.', '-')}",
                "rehearses": format_time(begins - timing.REHEARSAL_LEAD - DAY),
                "begins": format_time(begins),
                "authentication": {"old": old, "new": old.replace("localhost", host)},
            }
        ],
    }


def publish_change(host: str, after: float, words: str) -> Deed:
    """Sign a policy with a change to *host*, *after* so many seconds."""

    def perform(clerk: Clerk) -> None:
        policy = announce_change(clerk.stage.world, host, time.time() + after)
        clerk.stage.world.publish({POLICY_FILE: json.dumps(policy).encode()})

    return Deed(words, perform)


def check_for_policy(*events: str) -> Deed:
    """Check for updates, which brings the policy, and wait for *events* in the log."""

    def perform(clerk: Clerk) -> None:
        before = len(clerk.stage.log())
        code, text = clerk.stage.command("update", "check")
        if code != 0:
            raise AssertionError(text)
        # the agent looks at what has come when anything happens, else after a quarter of a minute
        clerk.stage.command("status")
        await_log(clerk, lambda log: holds_in_order(log[before:], events), f"{events}")

    return Deed("« iea-agent update check » apporte la politique signée.", perform)


def grow_older() -> Deed:
    """Quit the agent and make its rehearsal as old as the next one needs."""

    def perform(clerk: Clerk) -> None:
        quit_agent(clerk)
        file = clerk.stage.home / "state" / "changes.json"
        document = json.loads(file.read_text(encoding="utf-8"))
        for record in document["records"].values():
            record["rehearsed"] -= timing.REHEARSAL_FAILED
        file.write_text(json.dumps(document), encoding="utf-8")

    return Deed("Quatre heures passent : le premier essai est vieilli d’autant, poste éteint.", perform)


def await_log(clerk: Clerk, holds: Callable[[str], bool], what: str) -> None:
    """Wait until the agent's log *holds* *what*. Raises NotSeenError."""
    deadline = time.monotonic() + PATIENCE
    while not holds(clerk.stage.log()):
        if time.monotonic() > deadline:
            raise NotSeenError(f"{what} not in the log")
        time.sleep(PAUSE)


def holds_in_order(text: str, parts: Iterable[str]) -> bool:
    """Return whether *text* has the *parts*, one after the other."""
    for part in parts:
        _before, present, text = text.partition(part)
        if not present:
            return False
    return True


def read_change(clerk: Clerk) -> tuple[AnnouncedChange, ReplacedAddress]:
    """Return the change that the policy on the PC announces, and its addresses."""
    file = clerk.stage.home / "state" / "updates" / "targets" / POLICY_FILE
    (change,) = parse_policy(file.read_text(encoding="utf-8")).changes
    if change.authentication is None:
        raise AssertionError(change)
    return change, change.authentication


# what must then be true


def see_told() -> Sight:
    """Wait for the balloon with the day, at least a week before it."""

    def look(clerk: Clerk) -> Frame:
        change, _addresses = read_change(clerk)
        balloon = clerk.stage.balloon(f"le {format_date(change.begins)}")
        if change.begins - time.time() < 7 * DAY:
            raise NotSeenError("the balloon comes too late")
        return cut_corner(clerk, balloon.area)

    return Sight(f"« {TITLE} » : la bulle nomme le jour, plus d’une semaine avant.", look)


def see_note() -> Sight:
    """Wait for the status window with the day and the address under « À noter »."""

    def look(clerk: Clerk) -> Frame:
        change, addresses = read_change(clerk)
        return see_window(STATUS, f"Le {format_date(change.begins)}", addresses.new).look(clerk)

    return Sight("« À noter » nomme le jour, l’adresse et ce qui empêche de l’atteindre.", look)


def see_untold(event: str) -> Sight:
    """See the blue ball, and no balloon since the last *event* in the log."""

    def look(clerk: Clerk) -> Frame:
        frame = see_icon("ball").look(clerk)
        if " balloon " in clerk.stage.log().rpartition(event)[2]:
            raise NotSeenError("silence: there was a balloon")
        return frame

    return Sight("L’icône reste la boule bleue ; aucune bulle n’est venue.", look)


def see_moved() -> Sight:
    """Wait until the agent is connected to the new address, without a word."""

    def look(clerk: Clerk) -> Frame:
        _change, addresses = read_change(clerk)
        host = addresses.new.partition("://")[2]
        clerk.stage.world.requests.wait(
            server="auth",
            matching=lambda request: request.method == "POST" and request.headers.get("host") == host,
            deadline=PATIENCE,
        )
        frame = see_untold(MADE).look(clerk)
        _code, text = clerk.stage.command("status")
        if addresses.new not in text:
            raise NotSeenError(f"{addresses.new} not in the status: {text}")
        return frame

    return Sight(
        "Le poste s’authentifie à la nouvelle adresse ; la boule reste bleue, aucune bulle n’est venue.", look
    )


REHEARSAL, FAILED, PASSED = "rehearsal", "outcome=failed", "outcome=passed"
MADE = "change of addresses made"
"""Parts of lines in the agent's log."""

BAD = (
    Instruction(
        "",
        (check_for_policy(REHEARSAL, FAILED),),
        see_untold(REHEARSAL),
        "Le poste a essayé la future adresse en silence, sans montrer la licence : rien ne répond. Un seul échec peut être un hasard, on ne dit rien.",
        before=(publish_change(SILENT, AHEAD, "L’éditeur annonce une adresse que ce poste n’atteint pas."),),
    ),
    Instruction(
        "",
        (start_agent(),),
        see_told(),
        "Le second échec est dit, une fois. Plus de neuf jours avant, il en faudrait trois.",
        before=(wait_for_balloon(), grow_older()),
    ),
    Instruction("", (left_click(),), see_note()),
)
GOOD = (
    Instruction(
        "",
        (check_for_policy(REHEARSAL, PASSED),),
        see_untold(REHEARSAL),
        "Le même poste tient lieu d’un poste prêt : la future adresse répond, et personne n’apprend rien.",
        before=(
            close(STATUS),
            publish_change(REACHED, AHEAD, "L’éditeur annonce une adresse que ce poste atteint."),
        ),
    ),
    Instruction(
        "",
        (check_for_policy(MADE),),
        see_moved(),
        "Le poste change d’adresse de lui-même.",
        before=(
            publish_change(
                REACHED, -60.0, "Le jour arrive : une seconde politique fixe le début à maintenant."
            ),
        ),
    ),
)
CHANGE_SHEET = Sheet(
    "Après les fiches : un changement d’adresse annoncé",
    "",
    (Section("Un poste qui n’est pas prêt", BAD), Section("Un poste prêt", GOOD)),
)
