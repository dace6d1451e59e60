"""Make a register: ten years of slow hashes, on all cores.

Each hash is saved at once, so that a run that was killed goes on where it was.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TextIO

from iea_agent.domain.password_register import Kdf, Register, hash_number
from iea_desk.keys import MasterKey


class OtherRegister(Exception):
    """The unfinished register in the folder is another one: other key, other days."""


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
    """Return the file of an unfinished register: a header, then one hash a line."""
    return output.with_name(output.name + ".partiel")


def make_register(plan: RegisterPlan, output: Path, progress: Callable[[int, int], None]) -> Register:
    """Make the register and write it to *output*, which must not exist.

    *progress* gets the number of hashes made and of all hashes. Raises
    ``FileExistsError``, ``OtherRegister``, ``OSError``.
    """
    if output.exists():
        raise FileExistsError(output)
    partial = unfinished_file(output)
    salt, hashes = _resume(plan, partial)
    progress(len(hashes), plan.days)
    # threads will do for all cores: hashlib lets go of the interpreter while it hashes
    workers = ThreadPoolExecutor(os.cpu_count() or 1)
    try:
        with partial.open("a", encoding="ascii", newline="\n") as file:
            for digest in workers.map(
                lambda distance: plan.hash_day(distance, salt), range(len(hashes), plan.days)
            ):
                hashes.append(digest)
                print(digest.hex(), file=file, flush=True)
                progress(len(hashes), plan.days)
    finally:
        workers.shutdown(cancel_futures=True)
    register = Register(
        plan.key.kid, plan.scope, plan.generation, plan.first, salt, plan.kdf, b"".join(hashes)
    )
    beside = output.with_name(f"{output.name}.{os.getpid()}.new")
    beside.write_text(register.to_text(), encoding="ascii", newline="\n")
    beside.replace(output)
    partial.unlink()
    return register


def _resume(plan: RegisterPlan, partial: Path) -> tuple[bytes, list[bytes]]:
    """Return the salt and the hashes of an earlier run, or write a new salt."""
    lines = partial.read_text(encoding="ascii").split("\n")[:-1] if partial.exists() else []
    if not lines:
        salt = secrets.token_bytes(16)
        head = json.dumps({**plan.to_header(), "salt": salt.hex()})
        partial.write_text(head + "\n", encoding="ascii", newline="\n")
        return salt, []
    try:
        head = json.loads(lines[0])
        salt = bytes.fromhex(head.pop("salt"))
        hashes = [bytes.fromhex(line) for line in lines[1 : plan.days + 1]]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise OtherRegister from None
    # the same name does not make the same key: the first hash tells
    if (
        head != plan.to_header()
        or (hashes and hashes[0] != plan.hash_day(0, salt))
        or any(len(digest) != 16 for digest in hashes)
    ):
        raise OtherRegister
    # a last line that was cut short goes: the next hash would be written behind it
    os.truncate(partial, sum(len(line) + 1 for line in lines[: plan.days + 1]))
    return salt, hashes


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
