"""Make and verify a register: ten years of slow hashes, on all cores.

Each hash is saved at once, so that a run that was killed goes on where it was. Each line
of the unfinished file is authenticated with the master key, together with all lines
before it: who can write to its folder cannot put in a hash of his own.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TextIO

from iea_agent.domain.password_register import Kdf, Register, hash_number
from iea_desk.keys import MasterKey
from iea_desk.private_files import open_file

_LARGEST = 2_000_000
"""Bytes of an unfinished register: twice what the longest one has."""


class OtherRegister(Exception):
    """The unfinished register is another one (key, days …), or somebody changed it."""


class WrongHash(Exception):
    """A register holds a hash that its key does not give; the argument is the day."""


@dataclass(frozen=True, slots=True)
class RegisterPlan:
    """The register to make."""

    key: MasterKey
    scope: str
    generation: int
    first: date
    days: int
    kdf: Kdf

    def hash_day(self, distance: int, salt: bytes) -> bytes:
        """Return the hash of the day *distance* days after the first. Slow."""
        day = self.first + timedelta(days=distance)
        number = self.key.derive_month_key(day, self.scope).derive_number(day)
        return hash_number(number, self.key.kid, self.scope, day, salt, self.kdf)

    def to_header(self) -> dict[str, object]:
        """Return the first line of an unfinished register, without its salt."""
        return {
            "kid": self.key.kid,
            "scope": self.scope,
            "generation": self.generation,
            "first": self.first.isoformat(),
            "days": self.days,
            "kdf": [self.kdf.n, self.kdf.r, self.kdf.p],
        }


def unfinished_file(output: Path) -> Path:
    """Return the file of an unfinished register: a header, then one hash a line.

    Behind a space, each line has its authentication code.
    """
    return output.with_name(output.name + ".partiel")


def make_register(plan: RegisterPlan, output: Path, progress: Callable[[int, int], None]) -> Register:
    """Make the register and write it to *output*, which must not exist.

    *progress* gets the number of hashes made and of all hashes. Raises
    ``FileExistsError``, ``OtherRegister``, ``OSError``.
    """
    if output.exists():
        raise FileExistsError(output)
    partial = unfinished_file(output)
    seal = plan.key.authenticator()
    salt, hashes = _resume(plan, partial, seal)
    progress(len(hashes), plan.days)
    rest = range(len(hashes), plan.days)
    with (
        partial.open("a", encoding="ascii", newline="\n") as file,
        closing(_hash_days(plan, salt, rest)) as digests,
    ):
        for digest in digests:
            hashes.append(digest)
            print(_sealed(digest.hex(), seal), file=file, flush=True)
            progress(len(hashes), plan.days)
    register = Register(
        plan.key.kid, plan.scope, plan.generation, plan.first, salt, plan.kdf, b"".join(hashes)
    )
    beside = output.with_name(f"{output.name}.{os.getpid()}.new")
    beside.write_text(register.to_text(), encoding="ascii", newline="\n")
    beside.replace(output)
    partial.unlink()
    return register


def verify_register(
    key: MasterKey, register: Register, distances: Sequence[int], progress: Callable[[int, int], None]
) -> None:
    """Compute the hashes of the days at *distances* anew, and compare them.

    Raises ``WrongHash`` at the first that is not as *key* gives it.
    """
    plan = RegisterPlan(key, register.scope, register.generation, register.first, register.days, register.kdf)
    progress(0, len(distances))
    with closing(_hash_days(plan, register.salt, distances)) as digests:
        for done, (distance, digest) in enumerate(zip(distances, digests, strict=True), start=1):
            day = register.first + timedelta(days=distance)
            if digest != register.digest_of(day):
                raise WrongHash(day)
            progress(done, len(distances))


def _hash_days(plan: RegisterPlan, salt: bytes, distances: Sequence[int]) -> Generator[bytes]:
    """Yield the hash of each day, in this order, computed on all cores."""
    # threads will do for all cores: hashlib lets go of the interpreter while it hashes
    workers = ThreadPoolExecutor(os.cpu_count() or 1)
    try:
        yield from workers.map(lambda distance: plan.hash_day(distance, salt), distances)
    finally:
        workers.shutdown(cancel_futures=True)


def _sealed(content: str, seal: hmac.HMAC) -> str:
    """Return *content* with its code; *seal* has taken in all lines before."""
    seal.update(f"{content}\n".encode("ascii"))
    return f"{content} {seal.copy().hexdigest()}"


def _resume(plan: RegisterPlan, partial: Path, seal: hmac.HMAC) -> tuple[bytes, list[bytes]]:
    """Return the salt and the hashes of an earlier run, or write a new salt.

    *seal* takes in the lines. Raises ``OtherRegister``, also for a link: what it leads to is not ours.
    """
    if partial.is_symlink():
        raise OtherRegister
    try:
        with open_file(partial) as file:
            text = file.read(_LARGEST + 1).decode("ascii")
    except FileNotFoundError:
        text = ""
    except UnicodeDecodeError:
        raise OtherRegister from None
    if len(text) > _LARGEST:
        raise OtherRegister
    # a last line that was cut short has no end, and does not count
    lines = text.split("\n")[:-1]
    if not lines:
        salt = secrets.token_bytes(16)
        head = json.dumps({**plan.to_header(), "salt": salt.hex()})
        partial.unlink(missing_ok=True)
        # a new file, never what somebody has put there meanwhile
        with partial.open("x", encoding="ascii", newline="\n") as file:
            file.write(_sealed(head, seal) + "\n")
        return salt, []
    contents = [line.rpartition(" ")[0] for line in lines]
    if len(lines) > plan.days + 1 or any(
        not hmac.compare_digest(line, _sealed(content, seal))
        for line, content in zip(lines, contents, strict=True)
    ):
        raise OtherRegister
    head = json.loads(contents[0])
    salt = bytes.fromhex(head.pop("salt"))
    if head != plan.to_header():
        raise OtherRegister
    # the next hash would be written behind the line that was cut short
    os.truncate(partial, sum(len(line) + 1 for line in lines))
    return salt, [bytes.fromhex(content) for content in contents[1:]]


class ProgressBar:
    """The progress of a long run: a line that changes, or a line for each tenth."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._live = stream.isatty()
        self._start: tuple[float, int] | None = None
        self._last_step = -1

    def __call__(self, done: int, total: int) -> None:
        """Show that *done* of *total* steps are done."""
        now = self._clock()
        if self._start is None:
            self._start = (now, done)
        began, already = self._start
        step = done if self._live or done == total else done * 10 // total
        if step == self._last_step:
            return
        self._last_step = step
        rest = (
            f"reste {format_duration((now - began) / (done - already) * (total - done))}"
            if done > already
            else "…"
        )
        if done == total:
            rest = f"fait en {format_duration(now - began)}"
        filled = done * 30 // total
        line = f"[{'█' * filled}{'·' * (30 - filled)}] {done * 100 // total} % ({done} jours sur {total}), {rest}"
        end = "\n" if not self._live or done == total else ""
        print(f"\r{line:<90}" if self._live else line, file=self._stream, end=end, flush=True)


def format_duration(seconds: float) -> str:
    """Return *seconds* as in « 9 min 42 s »."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}\u00a0h\u00a0{minutes:02}\u00a0min"
    return f"{minutes}\u00a0min\u00a0{rest:02}\u00a0s" if minutes else f"{rest}\u00a0s"
