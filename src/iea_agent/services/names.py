"""Names: their addresses within a limit, IPv4 and IPv6 asked side by side.

The system's name service has no limit of its own, and cannot be interrupted: it is asked in daemon threads, which may outlive the wait. It gives
one of three answers about a name: the addresses; that there are none (NXDOMAIN, NODATA); or that it could not find out, which may pass.
"""

from __future__ import annotations

import queue
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from iea_agent.domain.addresses import is_public_name

Ask: TypeAlias = Callable[[str, socket.AddressFamily], Sequence[str]]
"""Returns a name's addresses of one family, as the system finds them. Raises ``OSError`` (``socket.gaierror``)."""
Resolve: TypeAlias = Callable[[str], Sequence[str]]
"""Returns the IP addresses of a host name, the preferred first. Raises ``OSError`` (``socket.gaierror``)."""
Answer: TypeAlias = Sequence[str] | Exception

SLOWER_FAMILY_SECONDS = 0.25
"""How long the addresses of one family wait for those of the other (RFC 8305, section 3, with room for a slow network)."""
MADE_UP_NAME = "iea-agent-verification.invalid"
"""A name that cannot exist (RFC 6761, section 6.4)."""

# winsock2.h: WSAHOST_NOT_FOUND, WSANO_DATA; Python's names for them depend on the system
_NO_SUCH_NAME = 11001 if sys.platform == "win32" else socket.EAI_NONAME
_NO_ADDRESS = frozenset((11004,))
if sys.platform != "win32":
    _NO_ADDRESS = frozenset((socket.EAI_NODATA, socket.EAI_ADDRFAMILY))


class NameWithoutIpv4(socket.gaierror):
    """A name with IPv6 addresses only, where only IPv4 may be used."""

    def __init__(self, host: str) -> None:
        super().__init__(_NO_SUCH_NAME, f"{host} has no IPv4 address")


def says_no_address(error: OSError | None) -> bool:
    """Return whether the name service knows that there is no such name or address.

    Otherwise it failed (SERVFAIL, FORMERR, REFUSED) or was silent, which says nothing about the name.
    """
    return isinstance(error, socket.gaierror) and error.errno in (_NO_SUCH_NAME, *_NO_ADDRESS)


def resolve(host: str, lookups: Sequence[Resolve], seconds: float) -> list[str]:
    """Return what *lookups*, made side by side, say of *host* within *seconds*.

    Raises ``OSError``; ``TimeoutError`` if that is because no answer came. The first of the lookups decides that a name does not exist.
    """
    answers: queue.SimpleQueue[tuple[int, Answer]] = queue.SimpleQueue()

    def look_up(number: int) -> None:
        try:
            answers.put((number, lookups[number](host)))
        # raised again on the thread that waits
        except Exception as error:  # noqa: BLE001
            answers.put((number, error))

    for number in range(len(lookups)):
        threading.Thread(target=look_up, args=(number,), name="name", daemon=True).start()
    collected = _collect(answers, len(lookups), seconds)
    addresses = [each for answer in collected if not isinstance(answer, Exception | None) for each in answer]
    if not addresses:
        raise _judge(host, collected)
    return addresses if len(lookups) == 1 else sorted(addresses, key=_rank)


def _collect(
    answers: queue.SimpleQueue[tuple[int, Answer]], count: int, seconds: float
) -> list[Answer | None]:
    """Return the answer of each lookup, None if it is late.

    Once one has an address within reach, the others have a short time left. On a network of IPv6 only, the IPv4 addresses that come first are of no
    use, and the others come late: DNS64 asks twice (RFC 6147).
    """
    deadline = time.monotonic() + seconds
    collected: list[Answer | None] = [None] * count
    while None in collected:
        try:
            number, answer = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        collected[number] = answer
        if not isinstance(answer, Exception) and any(map(_is_within_reach, answer)):
            deadline = min(deadline, time.monotonic() + SLOWER_FAMILY_SECONDS)
    return collected


def _judge(host: str, answers: Sequence[Answer | None]) -> Exception:
    """Return the error that says most about a name without addresses."""
    errors = [answer for answer in answers if isinstance(answer, Exception)]
    first = answers[0]
    if isinstance(first, socket.gaierror) and first.errno == _NO_SUCH_NAME:
        return first
    unsure = [error for error in errors if not (isinstance(error, OSError) and says_no_address(error))]
    if unsure:
        return unsure[0]
    if None in answers:
        return TimeoutError(f"no answer about {host} from the name service")
    return errors[0] if errors else socket.gaierror(_NO_SUCH_NAME, "the name has no address")


def _rank(address: str) -> tuple[bool, bool]:
    """Return the place of *address*: what can be reached, and IPv6, come first.

    That is rule 1 of RFC 6724, section 6.
    """
    return not _is_within_reach(address), ":" not in address


def _is_within_reach(address: str) -> bool:
    """Return whether the system's table of routes has a way to *address*.

    Nothing is sent.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            asking.connect((address, 9))
    except OSError:
        return False
    return True


def resolve_by_system(
    host: str, seconds: float, *, ipv4_only: bool = False, ask: Ask | None = None
) -> list[str]:
    """Return the addresses of *host* as the system (*ask*) finds them in *seconds*.

    Raises ``OSError``, ``NameWithoutIpv4`` if *ipv4_only* hides what there is.
    """
    deadline = time.monotonic() + seconds
    by_ipv4, by_ipv6 = (
        partial(look_up, family=family, ask=ask or ask_system) for family in (socket.AF_INET, socket.AF_INET6)
    )
    try:
        return resolve(host, [by_ipv4] if ipv4_only else [by_ipv4, by_ipv6], seconds)
    except socket.gaierror as error:
        if not (ipv4_only and says_no_address(error)):
            raise
        absent = error
    try:
        resolve(host, [by_ipv6], max(0.0, deadline - time.monotonic()))
    except OSError:
        raise absent from None
    raise NameWithoutIpv4(host)


def look_up(host: str, *, family: socket.AddressFamily, ask: Ask) -> Sequence[str]:
    """Return the addresses of *host* that are its own.

    A name of the internet is asked for with a final dot: without one the system may add the domain of the office, where a wildcard has an answer for
    every name. The file ``hosts`` and its like know no final dot; what only the name without one has counts if a made-up name has nothing there.
    """
    if not is_public_name(host) or host.endswith("."):
        return _ask_again(host, family, ask)
    try:
        return _ask_again(f"{host}.", family, ask)
    except socket.gaierror as error:
        if error.errno != _NO_SUCH_NAME:
            raise
        absent = error
    addresses = _ask_again(host, family, ask)
    try:
        ask(MADE_UP_NAME, family)
    except OSError:
        return addresses
    raise absent


def _ask_again(host: str, family: socket.AddressFamily, ask: Ask) -> Sequence[str]:
    """Return the addresses; a name service that failed is asked a second time."""
    try:
        return ask(host, family)
    except OSError as error:
        if says_no_address(error):
            raise
    return ask(host, family)


def ask_system(host: str, family: socket.AddressFamily) -> Sequence[str]:
    """Ask the system's name service."""
    try:
        return [str(entry[4][0]) for entry in socket.getaddrinfo(host, None, family, socket.SOCK_STREAM)]
    except socket.gaierror as error:
        if sys.platform == "linux" and error.errno == _NO_SUCH_NAME and _is_not_recovered(host, family):
            raise socket.gaierror(socket.EAI_FAIL, f"the name service failed about {host}") from None
        raise


def _is_not_recovered(host: str, family: socket.AddressFamily) -> bool:
    """Return whether glibc means a failure (FORMERR) by "no such name".

    ``getaddrinfo`` has one number for both. The older ``gethostbyname2_r`` has NO_RECOVERY (netdb.h), and caches nothing.
    """
    import ctypes

    no_recovery = 3
    entry, buffer, length = (
        ctypes.create_string_buffer(64),
        ctypes.create_string_buffer(8192),
        ctypes.c_size_t(8192),
    )
    result, reason = ctypes.c_void_p(), ctypes.c_int()
    question = getattr(ctypes.CDLL(None), "gethostbyname2_r", None)
    if question is None:
        return False
    question(host.encode(), family, entry, buffer, length, ctypes.byref(result), ctypes.byref(reason))
    return reason.value == no_recovery
