"""What test_rig.py starts on the Windows desktop: the icon of argument 1 in the notification area, with a menu of three items."""

import sys

import pystray
from PIL import Image

menu = pystray.Menu(
    pystray.MenuItem("Saluer", lambda: print("chosen", flush=True)),
    pystray.MenuItem("Plus tard", None, enabled=False),
    pystray.Menu.SEPARATOR,
    pystray.MenuItem("Quitter", lambda icon: icon.stop()),
)
pystray.Icon("essai", Image.open(sys.argv[1]), "Icône d'essai", menu).run()
print("ended", flush=True)
