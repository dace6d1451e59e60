"""Programs that do no more than the agent must, to measure it against.

The scripts run in the Windows Python; the icon in C is what no program can be quicker than.
"""

from __future__ import annotations

from pathlib import Path

from installer.commands import run
from installer.launchers import COMPILER

ICON_SCRIPT = """
import os, sys, threading, time
import pystray
from PIL import Image, ImageDraw
print(os.getpid(), flush=True)
def draw(colour):
    image = Image.new("RGBA", (64, 64))
    ImageDraw.Draw(image).ellipse((4, 4, 60, 60), fill=colour)
    return image
icon = pystray.Icon("bare", draw((40, 120, 230, 255)), "bare", pystray.Menu(pystray.MenuItem("Quit", lambda icon, item: icon.stop())))
"""
"""What the usual scripts have in common."""
PILLOW_SCRIPT = f"""{ICON_SCRIPT}
icon.run()
"""
"""The usual pystray + Pillow script."""
CHANGE_SCRIPT = f"""{ICON_SCRIPT}
def change():
    for number, _line in enumerate(sys.stdin):
        print(time.time(), flush=True)
        icon.icon = draw((200, 40, 40, 255) if number % 2 == 0 else (40, 120, 230, 255))
threading.Thread(target=change, daemon=True).start()
icon.run()
"""
"""The same; it changes the icon at each line that it reads, and prints when."""
SAME_JOB_SCRIPT = f"""{ICON_SCRIPT}
import ssl
import httpx, keyring
address, authority, number, key = sys.argv[1:]
keyring.set_password("bare", number, key)
def sign_in(icon):
    icon.visible = True
    with httpx.Client(verify=ssl.create_default_context(cafile=authority)) as client:
        endpoint = client.get(address + "/.well-known/openid-configuration").json()["token_endpoint"]
        while True:
            answer = client.post(
                endpoint, auth=(number, keyring.get_password("bare", number)), data={{"grant_type": "client_credentials"}}
            )
            answer.raise_for_status()
            print("authenticated", flush=True)
            time.sleep(60)
icon.run(sign_in)
"""
"""The usual script that does the same job: pystray, Pillow, httpx and keyring, authenticated each minute."""
WX_SCRIPT = """
import wx
app = wx.App()
dialog = wx.Dialog(None, title="bare dialog", style=wx.DEFAULT_DIALOG_STYLE | wx.RESIZE_BORDER)
sizer = wx.BoxSizer(wx.VERTICAL)
for number in range(7):
    sizer.Add(wx.StaticText(dialog, label=f"Field {number}"), 0, wx.ALL, 4)
    sizer.Add(wx.TextCtrl(dialog), 0, wx.EXPAND | wx.ALL, 4)
sizer.Add(wx.Button(dialog, wx.ID_OK), 0, wx.ALL, 4)
dialog.SetSizerAndFit(sizer)
dialog.Show()
app.MainLoop()
"""
"""A bare wxPython dialog with fourteen fields and labels."""
LAUNCHER = """
import subprocess, sys, time
for line in sys.stdin:
    if not line.strip():
        break
    print(time.time(), flush=True)
    child = subprocess.Popen([sys.executable, line.strip()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
"""
"""Starts scripts as the agent starts its windows: from a running Windows Python."""
NATIVE_PROGRAM = """
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <shellapi.h>

static LRESULT CALLBACK handle(HWND window, UINT message, WPARAM w, LPARAM l)
{
    if (message == WM_CLOSE)
        PostQuitMessage(0);
    return DefWindowProcW(window, message, w, l);
}

int WINAPI wWinMain(HINSTANCE instance, HINSTANCE before, PWSTR line, int show)
{
    WNDCLASSW kind = {.lpfnWndProc = handle, .hInstance = instance, .lpszClassName = L"bare"};
    NOTIFYICONDATAW icon = {.cbSize = sizeof icon, .uID = 1, .uFlags = NIF_ICON | NIF_TIP, .szTip = L"bare"};
    MSG message;
    (void)before, (void)line, (void)show;
    RegisterClassW(&kind);
    icon.hWnd = CreateWindowW(L"bare", L"bare", 0, 0, 0, 0, 0, NULL, NULL, instance, NULL);
    icon.hIcon = LoadIconW(NULL, (const WCHAR *)IDI_INFORMATION);
    Shell_NotifyIconW(NIM_ADD, &icon);
    while (GetMessageW(&message, NULL, 0, 0) > 0)
        DispatchMessageW(&message);
    Shell_NotifyIconW(NIM_DELETE, &icon);
    return 0;
}
"""
"""One icon and its message loop in C."""
SCRIPTS = {
    "pillow": PILLOW_SCRIPT,
    "change": CHANGE_SCRIPT,
    "same_job": SAME_JOB_SCRIPT,
    "dialog": WX_SCRIPT,
    "launcher": LAUNCHER,
}
"""Each script by the name of its file."""


def write_scripts(folder: Path) -> None:
    """Write the scripts to *folder*."""
    for name, text in SCRIPTS.items():
        (folder / f"{name}.py").write_text(text)


def compile_native(folder: Path) -> Path:
    """Compile the icon in C into *folder*. Raises ``BuildError``."""
    source, program = folder / "native.c", folder / "native.exe"
    source.write_text(NATIVE_PROGRAM)
    run(COMPILER, "-O2", "-s", "-municode", "-mwindows", "-static", "-o", str(program), str(source))
    return program
