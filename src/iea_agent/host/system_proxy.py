"""The system's proxy for a server: WinHTTP on Windows, elsewhere the environment.

WinHTTP reads the static setting, and finds, fetches and runs proxy scripts (PAC, WPAD).
It waits for the network meanwhile, so every question about a script has a thread and a
deadline, and answers are cached. The static setting is read anew each time.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol

from iea_agent.domain.addresses import Address
from iea_agent.domain.proxy_choice import (
    Choice,
    Configuration,
    Evaluate,
    ScriptUnusable,
    choose_by_system,
    choose_fixed,
)

CHOICE_SECONDS = 5.0
"""How long the choice of a proxy may take."""
ANSWER_SECONDS = 60.0
"""How long the answer of a script is valid if the network does not change."""
FAILURE_SECONDS = 10.0
"""How long a script that failed, or that the network does not offer, is not tried again."""


class SystemProxies(Protocol):
    """The system's choice of proxies; safe on any thread."""

    def choose(self, address: Address) -> Choice:
        """Return the proxy within ``CHOICE_SECONDS``."""

    def find_fixed(self, address: Address) -> Address | None:
        """Return the proxy of the fixed setting, whatever scripts say; it does not wait."""

    def forget_answers(self) -> None:
        """Forget the answers of scripts: the network has changed."""


def current_proxies() -> SystemProxies:
    """Return the proxies of the system that this program runs on."""
    if sys.platform == "win32":
        return ConfiguredProxies(read_user_setting, ask_winhttp)
    else:  # noqa: RET505 mypy needs it to leave the other system's out
        return EnvironmentProxies()


class ConfiguredProxies:
    """The choice by a setting that may name proxy scripts, as on Windows."""

    def __init__(self, setting: Callable[[], Configuration], ask: Evaluate) -> None:
        """*setting* is called at each choice and does not wait; *ask* may wait."""
        self._setting = setting
        self._ask = ask
        self._scripts = ProxyScripts(ask)

    def choose(self, address: Address) -> Choice:
        setting = self._setting()
        scripts, deadline = self._scripts, time.monotonic() + CHOICE_SECONDS

        def evaluate(script: str, address: Address) -> str:
            left = deadline - time.monotonic()
            # detection must leave time for a script that the setting names
            return scripts.evaluate(script, address, left if script or not setting.script else left / 2)

        return choose_by_system(setting, address, evaluate)

    def find_fixed(self, address: Address) -> Address | None:
        return choose_fixed(self._setting(), address).proxy

    def forget_answers(self) -> None:
        """See ``SystemProxies``; an answer that is still awaited is forgotten, too."""
        self._scripts = ProxyScripts(self._ask)


class ProxyScripts:
    """Proxy scripts, run with a deadline; answers are cached by script and server."""

    def __init__(self, ask: Evaluate, clock: Callable[[], float] = time.monotonic) -> None:
        """*ask* may wait, but a late answer is dropped; *clock* gives seconds."""
        self._ask = ask
        self._clock = clock
        self._answers: dict[tuple[str, str], tuple[float, str]] = {}
        self._failures: dict[tuple[str, str], tuple[float, ScriptUnusable]] = {}

    def evaluate(self, script: str, address: Address, seconds: float) -> str:
        """Return the answer of *script* for *address*, after *seconds* at most.

        "" is the script that the network offers. A failed script is not tried again for
        ``FAILURE_SECONDS``; its last good answer is valid while it fails. Raises
        ``ScriptUnusable``.
        """
        place = script, address.origin
        # whether the network offers a script does not depend on the server
        failing = place if script else ("", "")
        answered = self._answers.get(place)
        if answered is not None and self._clock() - answered[0] < ANSWER_SECONDS:
            return answered[1]
        failed = self._failures.get(failing)
        if failed is None or self._clock() - failed[0] >= FAILURE_SECONDS:
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
        answer: Future[str] = Future()

        def ask() -> None:
            try:
                answer.set_result(self._ask(script, address))
            except Exception as error:  # noqa: BLE001 raised again on the thread that waits
                answer.set_exception(error)

        # nothing can interrupt the system's call: the daemon thread may outlive the wait
        threading.Thread(target=ask, name="proxy script", daemon=True).start()
        try:
            return answer.result(max(seconds, 0.0))
        except TimeoutError:
            raise ScriptUnusable(f"no answer within {seconds:.1f} s") from None


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    from .windows import declare

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
        """Return the library, which the start of the tray does without."""
        library = ctypes.WinDLL("winhttp", use_last_error=True)
        string, number, handle = wintypes.LPCWSTR, wintypes.DWORD, wintypes.HANDLE
        options, answer = ctypes.POINTER(_Options), ctypes.POINTER(_ProxyInfo)
        setting = ctypes.POINTER(_UserSetting)
        declare(library, "WinHttpOpen", handle, string, number, string, string, number)
        declare(library, "WinHttpSetTimeouts", wintypes.BOOL, handle, *4 * (ctypes.c_int,))
        declare(library, "WinHttpCloseHandle", wintypes.BOOL, handle)
        declare(library, "WinHttpGetProxyForUrl", wintypes.BOOL, handle, string, options, answer)
        declare(library, "WinHttpGetIEProxyConfigForCurrentUser", wintypes.BOOL, setting)
        return library

    def _take(text: int | None) -> str:
        """Return the text that WinHTTP has allocated, and free it."""
        if not text:
            return ""
        free = declare(ctypes.WinDLL("kernel32"), "GlobalFree", wintypes.HGLOBAL, wintypes.HGLOBAL)
        try:
            return ctypes.wstring_at(text)
        finally:
            free(text)

    def read_user_setting() -> Configuration:
        """Return the user's proxy setting, an empty one if Windows has none."""
        setting = _UserSetting()
        if not _winhttp().WinHttpGetIEProxyConfigForCurrentUser(ctypes.byref(setting)):
            return Configuration()
        return Configuration(
            bool(setting.fAutoDetect),
            _take(setting.lpszAutoConfigUrl),
            _take(setting.lpszProxy),
            _take(setting.lpszProxyBypass),
        )

    def ask_winhttp(script: str, address: Address) -> str:
        """Run a script with ``WinHttpGetProxyForUrl``; like browsers, without the path."""
        library = _winhttp()
        session = library.WinHttpOpen("IEA Agent", _ACCESS_TYPE_NO_PROXY, None, None, 0)
        if not session:
            raise ScriptUnusable(f"WinHTTP error {ctypes.get_last_error()}")
        try:
            library.WinHttpSetTimeouts(session, *4 * (int(CHOICE_SECONDS * 1000),))
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
            _take(answer.lpszProxyBypass)
            return _take(answer.lpszProxy)
        finally:
            library.WinHttpCloseHandle(session)

else:
    from urllib.request import getproxies, proxy_bypass

    from iea_agent.domain import addresses
    from iea_agent.domain.proxy_choice import Source

    class EnvironmentProxies:
        """The proxies in ``http_proxy``, ``https_proxy``, ``all_proxy``, ``no_proxy``."""

        def choose(self, address: Address) -> Choice:
            """See ``SystemProxies``; an address that cannot be parsed is ignored."""
            proxies = getproxies()
            proxy = proxies.get(address.scheme) or proxies.get("all")
            if not proxy or address.loopback:
                return Choice()
            if proxy_bypass(f"{address.host}:{address.port}"):
                return Choice(None, Source.SYSTEM, "on the bypass list")
            try:
                return Choice(addresses.parse(proxy if "://" in proxy else f"http://{proxy}"), Source.SYSTEM)
            except addresses.AddressError as error:
                return Choice(None, Source.NONE, f"not understood: {error}")

        def find_fixed(self, address: Address) -> Address | None:
            return self.choose(address).proxy

        def forget_answers(self) -> None:
            """Do nothing: no answer is cached."""
