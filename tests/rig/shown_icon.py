"""An icon with a menu of three items, for test_rig.py to start on Windows.

The argument is the icon's file.
"""

import sys

import pystray
from PIL import Image

menu = pystray.Menu(
    pystray.MenuItem("Saluer", lambda: print("clicked", flush=True)),
    pystray.MenuItem("Plus tard", None, enabled=False),
    pystray.Menu.SEPARATOR,
    pystray.MenuItem("Quitter", lambda icon: icon.stop()),
)
pystray.Icon("essai", Image.open(sys.argv[1]), "Icône d'essai", menu).run()
print("ended", flush=True)
