"""Which proxy the system says to use for a server: on Windows by WinHTTP (static setting, PAC, WPAD), elsewhere by the environment.

WinHTTP finds, fetches and runs proxy scripts itself, and waits for the network while it does: every question to it has a thread of its own and a
deadline, and what is answered is kept for a while. The static setting is read afresh each time.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import Protocol

from iea_agent.domain.addresses import Address
from iea_agent.domain.proxy_choice import Choice, Configuration, Evaluate, ScriptUnusable, choose_by_system

SECONDS = 5.0
"""How long the choice of a proxy may take."""
KEPT_SECONDS = 60.0
"""How long a script's answer holds where nobody says that the network has changed."""
FAILED_SECONDS = 10.0
"""How long a script that could not be used, or that no network offered, is not asked again."""


class SystemProxies(Protocol):
    """The system's choice. Any thread may ask."""

    def choose(self, address: Address) -> Choice:
        """The proxy for *address*, after ``SECONDS`` at most; never on a thread that draws. Raises ``ScriptUnusable``."""
        ...

    def forget(self) -> None:
        """The network is another one: what was found out in the old one holds no longer."""
        ...


def here() -> SystemProxies:
    """The choice of the system this program runs on."""
    if sys.platform == "win32":
        return Configured(user_setting, ask_winhttp)
    else:  # noqa: RET505 mypy needs it to leave the other system's out
        return Environment()


class Configured:
    """The choice by a setting that may name proxy scripts, which is Windows' way."""

    def __init__(self, setting: Callable[[], Configuration], ask: Evaluate) -> None:
        """*setting* is read at each choice and does not wait; *ask* may wait for as long as it likes: what it says too late is dropped."""
        self._setting = setting
        self._ask = ask
        self._scripts = Scripts(ask)

    def choose(self, address: Address) -> Choice:
        """See ``SystemProxies.choose``."""
        setting = self._setting()
        scripts, deadline = self._scripts, time.monotonic() + SECONDS

        def evaluate(script: str, address: Address) -> str:
            left = deadline - time.monotonic()
            # where a script is named besides, looking for another one must leave it its time
            return scripts.evaluate(script, address, left if script or not setting.script else left / 2)

        return choose_by_system(setting, address, evaluate)

    def forget(self) -> None:
        """See ``SystemProxies.forget``; what is being asked at this moment is not kept either."""
        self._scripts = Scripts(self._ask)


class Scripts:
    """Proxy scripts, asked with a deadline; their answers are kept by script and server (scheme, host, port)."""

    def __init__(self, ask: Evaluate, clock: Callable[[], float] = time.monotonic) -> None:
        """*ask* may wait for as long as it likes; *clock* gives seconds."""
        self._ask = ask
        self._clock = clock
        self._answers: dict[tuple[str, str], tuple[float, str]] = {}
        self._failures: dict[tuple[str, str], tuple[float, ScriptUnusable]] = {}

    def evaluate(self, script: str, address: Address, seconds: float) -> str:
        """The answer of *script* ("" for the one that the network offers) for *address*, after *seconds* at most. Raises ``ScriptUnusable``.

        A script that fails is believed to do so for ``FAILED_SECONDS``; until then, and for as long as it does, its last good answer holds.
        """
        place = script, address.origin
        # that a network offers no script has nothing to do with the server
        failing = place if script else ("", "")
        answered = self._answers.get(place)
        if answered is not None and self._clock() - answered[0] < KEPT_SECONDS:
            return answered[1]
        failed = self._failures.get(failing)
        if failed is None or self._clock() - failed[0] >= FAILED_SECONDS:
            try:
                answer = self._wait_for(script, address, seconds)
            except ScriptUnusable as error:
                failed = self._failures[failing] = self._clock(), error
            else:
                self._answers[place] = self._clock(), answer
                return answer
        if answered is not None:
            return answered[1]
        raise ScriptUnusable(str(failed[1]))

    def _wait_for(self, script: str, address: Address, seconds: float) -> str:
        answers: queue.SimpleQueue[str | Exception] = queue.SimpleQueue()

        def ask() -> None:
            try:
                answers.put(self._ask(script, address))
            except Exception as error:  # noqa: BLE001 raised again on the thread that waits
                answers.put(error)

        # nothing can interrupt the system's call: a daemon thread may outlive the wait, and ends by itself
        threading.Thread(target=ask, name="proxy script", daemon=True).start()
        try:
            answer = answers.get(timeout=max(seconds, 0.0))
        except queue.Empty:
            raise ScriptUnusable(f"no answer within {seconds:.1f} s") from None
        if isinstance(answer, Exception):
            raise answer
        return answer


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    _ACCESS_TYPE_NO_PROXY = 1  # winhttp.h
    _AUTOPROXY_AUTO_DETECT = 1
    _AUTOPROXY_CONFIG_URL = 2
    _AUTO_DETECT_TYPE_DHCP_AND_DNS = 3

    class _UserSetting(ctypes.Structure):  # WINHTTP_CURRENT_USER_IE_PROXY_CONFIG
        _fields_ = (
            ("fAutoDetect", wintypes.BOOL),
            ("lpszAutoConfigUrl", ctypes.c_void_p),
            ("lpszProxy", ctypes.c_void_p),
            ("lpszProxyBypass", ctypes.c_void_p),
        )

    class _Options(ctypes.Structure):  # WINHTTP_AUTOPROXY_OPTIONS
        _fields_ = (
            ("dwFlags", wintypes.DWORD),
            ("dwAutoDetectFlags", wintypes.DWORD),
            ("lpszAutoConfigUrl", wintypes.LPCWSTR),
            ("lpvReserved", wintypes.LPVOID),
            ("dwReserved", wintypes.DWORD),
            ("fAutoLogonIfChallenged", wintypes.BOOL),
        )

    class _ProxyInfo(ctypes.Structure):  # WINHTTP_PROXY_INFO
        _fields_ = (
            ("dwAccessType", wintypes.DWORD),
            ("lpszProxy", ctypes.c_void_p),
            ("lpszProxyBypass", ctypes.c_void_p),
        )

    def _winhttp() -> ctypes.WinDLL:
        """The library, loaded by the first who asks: the tray's start does without it."""
        library = ctypes.WinDLL("winhttp", use_last_error=True)
        library.WinHttpOpen.restype = wintypes.HANDLE
        library.WinHttpOpen.argtypes = (
            wintypes.LPCWSTR,
            wintypes.DWORD,
            wintypes.LPCWSTR,
            wintypes.LPCWSTR,
            wintypes.DWORD,
        )
        library.WinHttpSetTimeouts.argtypes = (wintypes.HANDLE, *4 * (ctypes.c_int,))
        library.WinHttpCloseHandle.argtypes = (wintypes.HANDLE,)
        library.WinHttpGetProxyForUrl.argtypes = (
            wintypes.HANDLE,
            wintypes.LPCWSTR,
            ctypes.POINTER(_Options),
            ctypes.POINTER(_ProxyInfo),
        )
        library.WinHttpGetIEProxyConfigForCurrentUser.argtypes = (ctypes.POINTER(_UserSetting),)
        return library

    def _taken(text: int | None) -> str:
        """The text at an address that WinHTTP has allocated; it is freed."""
        if not text:
            return ""
        free = ctypes.WinDLL("kernel32").GlobalFree
        free.argtypes = (wintypes.HGLOBAL,)
        try:
            return ctypes.wstring_at(text)
        finally:
            free(text)

    def user_setting() -> Configuration:
        """The present user's proxy setting; an empty one where Windows has none to give."""
        found = _UserSetting()
        if not _winhttp().WinHttpGetIEProxyConfigForCurrentUser(ctypes.byref(found)):
            return Configuration()
        return Configuration(
            bool(found.fAutoDetect),
            _taken(found.lpszAutoConfigUrl),
            _taken(found.lpszProxy),
            _taken(found.lpszProxyBypass),
        )

    def ask_winhttp(script: str, address: Address) -> str:
        """``domain.proxies.Evaluate`` by ``WinHttpGetProxyForUrl``. As browsers do, a script is told no path."""
        library = _winhttp()
        session = library.WinHttpOpen("IEA Agent", _ACCESS_TYPE_NO_PROXY, None, None, 0)
        if not session:
            raise ScriptUnusable(f"WinHTTP error {ctypes.get_last_error()}")
        try:
            library.WinHttpSetTimeouts(session, *4 * (int(SECONDS * 1000),))
            options = _Options()
            if script:
                options.dwFlags, options.lpszAutoConfigUrl = _AUTOPROXY_CONFIG_URL, script
            else:
                options.dwFlags = _AUTOPROXY_AUTO_DETECT
                options.dwAutoDetectFlags = _AUTO_DETECT_TYPE_DHCP_AND_DNS
            answer = _ProxyInfo()
            if not library.WinHttpGetProxyForUrl(
                session, f"{address.origin}/", ctypes.byref(options), ctypes.byref(answer)
            ):
                raise ScriptUnusable(f"WinHTTP error {ctypes.get_last_error()}")
            _taken(answer.lpszProxyBypass)
            return _taken(answer.lpszProxy)
        finally:
            library.WinHttpCloseHandle(session)

else:
    from urllib.request import getproxies, proxy_bypass

    from iea_agent.domain import addresses
    from iea_agent.domain.proxy_choice import Source

    class Environment:
        """The proxies that the environment names (``http_proxy``, ``https_proxy``, ``all_proxy``, ``no_proxy``)."""

        def choose(self, address: Address) -> Choice:
            """See ``SystemProxies.choose``; an address that cannot be read is passed over."""
            found = getproxies()
            proxy = found.get(address.scheme) or found.get("all")
            if not proxy or address.loopback:
                return Choice()
            if proxy_bypass(f"{address.host}:{address.port}"):
                return Choice(None, Source.SYSTEM, "on the bypass list")
            try:
                return Choice(addresses.parse(proxy if "://" in proxy else f"http://{proxy}"), Source.SYSTEM)
            except addresses.AddressError as error:
                return Choice(None, Source.NONE, f"not understood: {error}")

        def forget(self) -> None:
            """See ``SystemProxies.forget``: nothing is kept."""
