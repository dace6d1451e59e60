"""A bad network between the agent and the sandbox.

It is slow and lossy, and on the agent's side it is IPv6 only (NAT64, DNS64).
The two ends are network namespaces of this machine. Each has a TUN device, and a thread of ours carries the packets between them: it delays
them, loses some, and translates between IPv6 and IPv4 (RFC 7915). Kernels without netem can do that, too. The sandbox's end is the namespace of one
thread; sockets belong to the namespace of the thread that makes them, so the servers there are started by that thread, and any
thread may give them orders. Needs root and /dev/net/tun.
"""

from __future__ import annotations

import array
import ctypes
import fcntl
import heapq
import ipaddress
import json
import os
import random
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

DELAY = 0.15  # seconds, each way
LOSS = 0.01  # the share of packets lost, each way
DNS64_SECONDS = 0.5
"""By how much later the translated address comes."""
TUN = Path("/dev/net/tun")
AGENT, GATEWAY = ipaddress.IPv6Address("2001:db8::2"), ipaddress.IPv6Address("2001:db8::1")
DEAD_NAME_SERVER = ipaddress.IPv6Address("2001:db8::dead")
SERVER = ipaddress.IPv4Address("192.0.2.1")
"""What the name server gives as the server's IPv4 address. For the sandbox's end it is loopback, where the sandbox is."""
TRANSLATED = ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) | int(SERVER))
"""The same in IPv6 (RFC 6052), as DNS64 gives it."""
CLIENT = ipaddress.IPv4Address("192.0.2.2")
"""The agent, seen from the sandbox's end."""
SMALLEST_MTU = 1280
IPV6_MORE = 20  # bytes by which a header of IPv6 is longer

_CLONE_NEWNET = 0x40000000  # sched.h
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000  # linux/if_tun.h
_TCP, _UDP = 6, 17
_CHECKSUM_AT = {_TCP: 16, _UDP: 6}
_AAAA, _A = 28, 1

_Result = TypeVar("_Result")


def reason_against() -> str:
    """Return why this machine cannot have such a network, "" if it can."""
    if sys.platform == "win32":
        return "Linux only"
    if os.geteuid() != 0:
        return "network namespaces need root here"
    if not TUN.exists():
        return "the kernel offers no /dev/net/tun"
    trial = subprocess.run(
        ["unshare", "--net", "--mount", "ip", "tuntap", "add", "mode", "tun", "dev", "wire"],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    return trial.stderr.strip()


def open_wire(name: str = "wire") -> int:
    """Make a TUN device in the namespace of this thread; return its descriptor."""
    if sys.platform == "win32":
        raise OSError("Linux only")
    wire = os.open(TUN, os.O_RDWR)
    fcntl.ioctl(wire, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
    return wire


def run(*command: str) -> None:
    """Run a command in the namespace of this thread. Raises CalledProcessError."""
    subprocess.run(command, check=True, timeout=30)


class FarNetwork:
    """The network, and the sandbox's end of it: ``with FarNetwork() as network:``."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sandbox's end")
        self._stop, self._stopped = os.pipe()
        self._carrier: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._near = self.there(self._make_sandbox_end)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._stopped)
        if self._carrier is not None:
            self._carrier.join(10)
        os.close(self._stop)
        os.close(self._near)
        # the namespace ends with its thread
        self._thread.shutdown()

    def there(self, do: Callable[[], _Result]) -> _Result:
        """Do something in the namespace of the sandbox."""
        return self._thread.submit(do).result(60)

    def connect(self, far: int) -> None:
        """Carry packets between the sandbox and the device *far* from now on."""
        self._carrier = threading.Thread(target=_carry, args=(far, self._near, self._stop), daemon=True)
        self._carrier.start()

    def _make_sandbox_end(self) -> int:
        if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        wire = open_wire()
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "set", "wire", "up", "mtu", str(SMALLEST_MTU))
        run("ip", "address", "add", f"{GATEWAY}/64", "dev", "wire", "nodad")
        # packets of IPv6 that are as long as they may be, once translated, have to pass
        run("ip", "route", "add", f"{CLIENT}/32", "dev", "wire", "mtu", str(SMALLEST_MTU - IPV6_MORE))
        # the sandbox is at 127.0.0.1: let it be reached from outside
        Path("/proc/thread-self/root/proc/sys/net/ipv4/conf/wire/route_localnet").write_text("1")
        self._names = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self._names.bind((str(GATEWAY), 53))
        threading.Thread(target=_answer_names, args=(self._names,), daemon=True).start()
        return wire


def _carry(far: int, near: int, stop: int) -> None:
    """Carry packets until *stop* is closed at its other end."""
    chance = random.Random(300)  # noqa: S311  not a secret
    waiting: list[tuple[float, int, int, bytes]] = []
    count = 0
    while True:
        wait = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        ready, _, _ = select.select([far, near, stop], [], [], wait)
        if stop in ready:
            return
        for source, target, translate in ((far, near, to_ipv4), (near, far, to_ipv6)):
            if source in ready:
                packet = translate(os.read(source, 65536))
                if packet and chance.random() >= LOSS:
                    count += 1
                    heapq.heappush(waiting, (time.monotonic() + DELAY, count, target, packet))
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, target, packet = heapq.heappop(waiting)
            os.write(target, packet)


def to_ipv4(packet: bytes) -> bytes:
    """Return *packet* from the agent as the sandbox's end gets it.

    Returns b"" if nobody is there.
    """
    if packet[0] >> 4 != 6:
        return b""
    protocol, target, content = packet[6], packet[24:40], packet[40:]
    if target == TRANSLATED.packed and protocol in _CHECKSUM_AT:
        here = ipaddress.IPv4Address("127.0.0.1").packed
        content = _with_checksum(content, protocol, CLIENT.packed + here)
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(content), 0, 0x4000, 64, protocol, 0)
        head += CLIENT.packed + here
        return head[:10] + struct.pack("!H", _checksum(head)) + head[12:] + content
    return packet if target == GATEWAY.packed else b""


def to_ipv6(packet: bytes) -> bytes:
    """Return *packet* from the sandbox's end as the agent gets it, b"" if it does not."""
    if packet[0] >> 4 == 6:
        return packet
    protocol, content = packet[9], packet[4 * (packet[0] & 15) :]
    if protocol not in _CHECKSUM_AT:
        return b""
    content = _with_checksum(content, protocol, TRANSLATED.packed + AGENT.packed)
    return (
        struct.pack("!IHBB", 6 << 28, len(content), protocol, 64) + TRANSLATED.packed + AGENT.packed + content
    )


def _with_checksum(content: bytes, protocol: int, addresses: bytes) -> bytes:
    """Return a segment with the checksum that *addresses* need (RFC 9293, 3.1)."""
    at = _CHECKSUM_AT[protocol]
    cleared = content[:at] + b"\0\0" + content[at + 2 :]
    # for IPv4 and IPv6 the sum over this is the same
    pseudo = addresses + struct.pack("!II", len(content), protocol)
    return content[:at] + struct.pack("!H", _checksum(pseudo + cleared) or 0xFFFF) + content[at + 2 :]


def _checksum(data: bytes) -> int:
    """Return the checksum of the internet (RFC 1071)."""
    words = array.array("H", data + b"\0" * (len(data) % 2))
    if sys.byteorder == "little":
        words.byteswap()
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _answer_names(names: socket.socket) -> None:
    """Answer every question about an address: it is the server's.

    As DNS64 does, it answers later about IPv6: it asks for that first, in vain.
    """
    while True:
        try:
            query, client = names.recvfrom(2048)
        except OSError:
            return
        end = query.index(b"\0", 12) + 5
        kind = int.from_bytes(query[end - 4 : end - 2])
        address = {_A: SERVER.packed, _AAAA: TRANSLATED.packed}.get(kind, b"")
        record = struct.pack("!HHHIH", 0xC00C, kind, 1, 0, len(address)) + address if address else b""
        head = query[:2] + struct.pack("!5H", 0x8580, 1, bool(address), 0, 0)
        later = threading.Timer(
            DNS64_SECONDS * (kind == _AAAA), names.sendto, (head + query[12:end] + record, client)
        )
        later.daemon = True
        later.start()


class AgentEnd:
    """A process at the agent's end, which tests servers as the agent does."""

    _process: subprocess.Popen[str]
    _far: int

    def __init__(self, network: FarNetwork, folder: Path) -> None:
        self._names = folder / "resolv.conf"
        self.choose_name_servers(GATEWAY)
        if sys.platform == "win32":
            raise OSError("Linux only")
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                ["unshare", "--net", "--mount", sys.executable, "-m", "tests.far.agent_end", str(theirs.fileno()), self._names],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=[theirs.fileno()],
            )  # fmt: skip
        with ours:
            _, (self._far,), _, _ = socket.recv_fds(ours, 1, 1)
        network.connect(self._far)

    def choose_name_servers(self, *servers: ipaddress.IPv6Address) -> None:
        """Ask these name servers from now on, in this order."""
        # the same file: it is mounted
        self._names.write_text("".join(f"nameserver {server}\n" for server in servers), encoding="ascii")

    def examine(self, **order: Any) -> dict[str, dict[str, Any]]:
        """Test the servers; return what ``agent_end`` writes."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the agent's end has ended"
        return dict(json.loads(answer))

    def close(self) -> None:
        """End the process and its namespace."""
        self._process.communicate(timeout=30)
        os.close(self._far)
