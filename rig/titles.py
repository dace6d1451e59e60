"""Texts of the agent's windows by which the rig recognises them, in French."""

from __future__ import annotations

SETTINGS = "Paramètres de connexion"
STATUS = "État de la connexion"
SUPPORT = "Demande de support technique"

TEST_BUTTON = "Tester l'accès aux serveurs"
TEST_PASSED = "Connexion au serveur réussie"
BOTH_PASSED = "Connexion aux serveurs réussie"
TEST_FAILED = "Échec de connexion au serveur"
REPAIR_SEARCH = "Recherche d'un autre chemin"
REPAIR_BUTTON = "Corriger\u00a0:"
