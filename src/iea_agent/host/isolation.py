"""What a process takes over from whoever starts it, made harmless.

The first thing that each process of the agent does. It loads nothing that the icon does not need.
"""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping

_DROPPED = frozenset(
    {
        # further authorities, session keys on disk, and code that OpenSSL loads or what it writes
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
        *("OPENSSL_CONF", "OPENSSL_CONF_INCLUDE", "OPENSSL_MODULES", "OPENSSL_ENGINES", "OPENSSL_TRACE"),
        *("CTLOG_FILE", "QLOGDIR"),
        # the program that opens our pages; on Linux a person has no other way to choose it
        *(("BROWSER",) if sys.platform == "win32" else ()),
    }
)
_DROPPED_BEGINNINGS = ("PYTHON", "KEYRING_")
"""How the variables begin that change which code runs, and where the secrets lie."""

Protections = dict[str, bool]
"""Whether the system has granted each protection, by a short name."""


def isolate(environment: MutableMapping[str, str], *, shows_windows: bool) -> Protections:
    """Drop what changes code or trust, and have the system refuse foreign code.

    A process that *shows_windows* keeps the hooks that screen readers and input methods need. Raises
    ``FileNotFoundError`` at the end if ``IEA_AGENT_HOME`` is not complete and the current folder is gone.
    """
    for name in list(environment):
        if name.upper() in _DROPPED or name.upper().startswith(_DROPPED_BEGINNINGS):
            del environment[name]
    # what is not complete is looked for in the current folder
    sys.path[:] = filter(os.path.isabs, sys.path)
    protections = _protect(shows_windows)
    if home := environment.get("IEA_AGENT_HOME"):
        # our children start in another folder
        environment["IEA_AGENT_HOME"] = os.path.abspath(home)
    return protections


if sys.platform == "win32":
    import ctypes

    _LOAD_LIBRARY_SEARCH_DEFAULT_DIRS = 0x1000
    _SAFE_SEARCH, _PERMANENT = 0x1, 0x8000  # BASE_SEARCH_PATH_…
    _HEAP_TERMINATION = 1  # HeapEnableTerminationOnCorruption
    _WER_NO_HEAP = 1  # WER_FAULT_REPORTING_FLAG_NOHEAP
    _DRIVE_REMOTE = 4
    # PROCESS_MITIGATION_POLICY, and the bits of each
    _EXTENSION_POINTS, _IMAGE_LOAD = 6, 10
    _NO_REMOTE_IMAGES, _NO_LOW_LABEL_IMAGES = 1, 2

    def _protect(shows_windows: bool) -> Protections:
        kernel32 = ctypes.WinDLL("kernel32")

        def call(name: str, *arguments: object) -> int:
            try:
                return int(getattr(kernel32, name)(*arguments))
            except AttributeError:
                # an older Windows
                return 0

        def refuse(policy: int, bits: int) -> bool:
            flags = ctypes.c_uint32(bits)
            return bool(call("SetProcessMitigationPolicy", policy, ctypes.byref(flags), ctypes.c_size_t(4)))

        # a program on a network drive would not find its own modules; System32 is not preferred:
        # an old C++ library there would be taken before the one that wxPython brings
        drive = ctypes.c_wchar_p(f"{sys.prefix[:2]}\\")
        is_remote = sys.prefix.startswith("\\\\") or call("GetDriveTypeW", drive) == _DRIVE_REMOTE
        images = _NO_LOW_LABEL_IMAGES | (0 if is_remote else _NO_REMOTE_IMAGES)
        return {
            "library-folders": bool(call("SetDefaultDllDirectories", _LOAD_LIBRARY_SEARCH_DEFAULT_DIRS)),
            "program-folders": bool(call("SetSearchPathMode", _SAFE_SEARCH | _PERMANENT)),
            "heap": bool(call("HeapSetInformation", None, _HEAP_TERMINATION, None, ctypes.c_size_t(0))),
            # an HRESULT
            "report-without-heap": call("WerSetFlags", _WER_NO_HEAP) == 0,
            "images": refuse(_IMAGE_LOAD, images),
            **({} if shows_windows else {"extension-points": refuse(_EXTENSION_POINTS, 1)}),
        }

else:

    def _protect(shows_windows: bool) -> Protections:  # noqa: ARG001 the other system's
        return {}
