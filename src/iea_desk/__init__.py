"""The support desk's side: the keys of the password of the day, the passwords, the register that the PCs check them with. It never ships to them."""
