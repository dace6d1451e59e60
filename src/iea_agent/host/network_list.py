"""The cost of the present network, from Windows' list of networks."""

from __future__ import annotations

import sys

from iea_agent.domain.network_cost import UNKNOWN, UNRESTRICTED


def read_network_cost() -> int:
    """Return the cost of the network (``NLM_CONNECTION_COST``).

    UNKNOWN if Windows does not say it, UNRESTRICTED on other systems.
    """
    if sys.platform == "win32":
        return _ask_windows()
    else:  # noqa: RET505 mypy needs it to leave the other system's out
        return UNRESTRICTED


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    # as Windows lays them out, the first three groups from their end; what ships has no module uuid
    _MANAGER = bytes.fromhex("010CB0DC 0F57 9B4A 8D69 199FDBA5723B")
    _COST_INTERFACE = bytes.fromhex("0800B0DC 0F57 9B4A 8D69 199FDBA5723B")
    _ALL_PLACES = 23  # CLSCTX_ALL
    _FREE_THREADED = 0  # COINIT_MULTITHREADED
    # places in the table of functions: IUnknown has three, GetCost follows
    _RELEASE, _GET_COST = 2, 3

    def _ask_windows() -> int:
        ole32 = ctypes.WinDLL("ole32")
        begun = ole32.CoInitializeEx(None, _FREE_THREADED)
        try:
            manager = ctypes.POINTER(ctypes.POINTER(ctypes.c_void_p))()
            made = ole32.CoCreateInstance(_MANAGER, None, _ALL_PLACES, _COST_INTERFACE, ctypes.byref(manager))
            if made < 0 or not manager:
                return UNKNOWN
            cost = wintypes.DWORD(UNKNOWN)
            get_cost = ctypes.WINFUNCTYPE(
                ctypes.c_long, ctypes.c_void_p, ctypes.POINTER(wintypes.DWORD), ctypes.c_void_p
            )(manager.contents[_GET_COST] or 0)
            answered = get_cost(manager, ctypes.byref(cost), None)
            ctypes.WINFUNCTYPE(wintypes.ULONG, ctypes.c_void_p)(manager.contents[_RELEASE] or 0)(manager)
            return int(cost.value) if answered >= 0 else UNKNOWN
        finally:
            # a thread that was prepared otherwise before (RPC_E_CHANGED_MODE) stays so
            if begun >= 0:
                ole32.CoUninitialize()
