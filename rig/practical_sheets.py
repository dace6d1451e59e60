"""The practical sheets about the connection, instruction by instruction.

``SHEETS`` has their words as they stand there, what is done for each on the Windows desktop, and what must be true
after it. ``wine_demo.py`` plays it; a test compares the words with the sheets'.
"""

from __future__ import annotations

from typing import NamedTuple

from iea_agent.domain import problems
from iea_agent.domain.person_requests import LAUNCH, RECONNECT
from iea_agent.domain.person_requests import SETTINGS as SETTINGS_REQUEST
from iea_agent.domain.person_requests import SUPPORT as SUPPORT_REQUEST
from iea_agent.domain.repairs import RepairKind
from iea_agent.locale import _
from iea_agent.shell.wording.repair_text import NAMES
from rig.clerk import (
    Deed,
    Sight,
    ask_password,
    break_servers,
    choose_line,
    close,
    close_folder,
    close_menu,
    close_program,
    configure_as_before,
    enter_assistance,
    fill,
    fill_address,
    leave_assistance,
    left_click,
    mend_servers,
    name_line,
    point_at_icon,
    press,
    press_key,
    quit_agent,
    reconnect,
    right_click,
    see_balloon,
    see_closed,
    see_filled,
    see_icon,
    see_marks,
    see_menu,
    see_program,
    see_ticked,
    see_tooltip,
    see_window,
    start_agent,
    type_words,
    wait_for_balloon,
)
from rig.setup_pages import SETUP_WINDOW, open_setup, prepare_pc, use_installed_program
from rig.window_texts import (
    ADDRESS_FIELDS,
    BOTH_PASSED,
    LICENCE_FIELD,
    SETTINGS,
    STATUS,
    SUPPORT,
    TEST_BUTTON,
    TEST_FAILED,
    TEST_PASSED,
)


class Instruction(NamedTuple):
    """One instruction of a sheet, and how it is carried out.

    Without *deeds* the sheet only says something, which is looked at; without a *sight* there is nothing to see.
    """

    words: str
    """As they stand in the sheet; "" for what no sheet has."""
    deeds: tuple[Deed, ...] = ()
    sight: Sight | None = None
    differs: str = ""
    """Where the program differs from the sheet, and why, in one French sentence."""
    before: tuple[Deed, ...] = ()
    """What the sheet takes for granted, and the demonstration prepares."""


class Section(NamedTuple):
    """A part of a sheet under its heading."""

    heading: str
    steps: tuple[Instruction, ...]


class Sheet(NamedTuple):
    """A sheet, or what one says about the connection: title, heading, sections."""

    title: str
    heading: str
    sections: tuple[Section, ...]


AUTHENTICATION, UPDATE = ADDRESS_FIELDS
ACCESS_REFUSED, LICENCE_UNKNOWN = (
    _(problems.AUTHORISATION_REFUSED.title),
    _(problems.LICENCE_NOT_RECOGNISED.title),
)
ACTIVATE, DEACTIVATE = "Activer le mode assistance", "Désactiver le mode assistance"
ADDRESS = problems.SUPPORT_ADDRESS
SUBJECT = problems.SUPPORT_SUBJECT.partition(" 3")[0]
COPY_MESSAGE = "Copier le message"
DAY_FIELD = "2. Saisissez le mot de passe du jour reçu"
SAVED = "Paramètres enregistrés"
MEANWHILE = "l’utilisation d’Impact emploi reste possible"


FIRST_DAY = Section(
    "Avant les fiches : l’installation et la première mise en route",
    (
        Instruction(
            "",
            (open_setup(),),
            see_window(SETUP_WINDOW, "Cliquez sur Installer"),
            "Les fiches parlent d’un poste déjà installé. Aucun droit d’administrateur n’est demandé.",
            before=(prepare_pc(),),
        ),
        Instruction(
            "",
            (press(SETUP_WINDOW, "Installer"),),
            see_window(SETUP_WINDOW, "Les deux serveurs répondent à ce poste", "près de l’heure"),
            "La dernière page dit ce que le test des serveurs a donné, et où est l’icône.",
        ),
        Instruction(
            "",
            (press(SETUP_WINDOW, "Fermer"),),
            see_window(SETTINGS, "Bienvenue"),
            "Sans licence, les paramètres de connexion s’ouvrent d’eux-mêmes.",
            before=(use_installed_program(),),
        ),
        Instruction(
            "",
            (
                type_words(
                    "Le numéro de licence est tapé.", lambda clerk: clerk.stage.world.licence().number
                ),
                press_key("Tab", "Touche Tab."),
                type_words("La clé de licence est tapée.", lambda clerk: clerk.stage.world.licence().key),
                press(SETTINGS, TEST_BUTTON),
            ),
            see_window(SETTINGS, TEST_PASSED),
        ),
        Instruction(
            "",
            (press(SETTINGS, "Enregistrer", SAVED), press(SETTINGS, "Quitter")),
            see_closed(SETTINGS, "ball"),
        ),
    ),
)

CONTEXT = Section(
    "► Contexte",
    (
        Instruction(
            "Si après le téléchargement d’une mise à jour, le lancement du logiciel ne s’effectue pas, c’est que vous devez être "
            "confronté à un problème de connexion au serveur d’Impact emploi.",
            (right_click("ball-heart"),),
            see_menu(RECONNECT, grey=(LAUNCH,)),
            "« Lancer Impact emploi » est grisé et dit qu’il faut la connexion ou le mode assistance.",
            before=(break_servers("refuse", "auth", "updates"), reconnect("ball-heart")),
        ),
        Instruction(
            "-> Vous devez alors vérifier l’état de votre connexion au serveur grâce aux icônes suivantes :",
        ),
        Instruction(
            "Si vous avez une boule bleue en bas à droite de votre écran, dans les notifications : Votre installation IEA est "
            "connectée à notre serveur de production.",
            (point_at_icon(),),
            see_tooltip("ball", "Connexion établie"),
            before=(close_menu(), mend_servers("ball")),
        ),
        Instruction(
            "-> Dans ce cas, vous devez simplement relancer la « Procédure de connexion au serveur » (Accès direct à la procédure de "
            "connexion ICI).",
            (right_click("ball"),),
            see_menu(SETTINGS_REQUEST, RECONNECT),
        ),
        Instruction(
            "Si vous avez un scarabée rouge en bas à droite de votre écran, dans les notifications : Votre installation IEA est "
            "déconnectée de notre serveur de production car vous êtes en mode assistance.",
            (point_at_icon(),),
            see_tooltip("beetle", "Mode assistance"),
            before=(
                close_menu(),
                break_servers("refuse", "auth", "updates"),
                reconnect("ball-heart"),
                enter_assistance(),
            ),
        ),
        Instruction(
            "-> Dans ce cas vous devez alors désactiver le mode assistance avant d’effectuer la procédure de connexion au serveur "
            "(Accès direct rubrique « Désactiver le mode assistance » ICI).",
            (right_click("beetle"),),
            see_menu(SUPPORT_REQUEST, grey=(SETTINGS_REQUEST, RECONNECT)),
            "En mode assistance, « Paramètres de connexion » et « Relancer l’authentification auprès du serveur » sont grisés et "
            "disent de désactiver d’abord le mode assistance, comme la fiche.",
        ),
    ),
)

PROCEDURE = Section(
    "► Procédure de connexion au serveur",
    (
        Instruction(
            "Faites un clic droit sur la boule bleue (ou boule bleue accompagnée du cœur)",
            (right_click("ball-heart"),),
            see_menu(SETTINGS_REQUEST, RECONNECT),
            before=(
                close_menu(),
                leave_assistance(),
                mend_servers(),
                configure_as_before(),
                reconnect("ball-heart"),
            ),
        ),
        Instruction(
            "Sélectionnez l’option « Paramètres de connexion » :",
            (choose_line(SETTINGS_REQUEST),),
            see_window(SETTINGS, "Mode de connexion"),
        ),
        Instruction(
            "Dans la fenêtre qui s’affiche, cochez la case « Sécurisé » dans la partie « Mode de connexion »",
            (press(SETTINGS, "Sécurisé"),),
            see_ticked(SETTINGS, "Sécurisé"),
            "« Sécurisé » est coché d’avance à l’installation ; le cocher ici met aussitôt « https:// » dans les deux adresses.",
        ),
        Instruction(
            "Remplacez l’adresse du serveur d’authentification par « https://impact-emploi.urssaf.fr« ",
            (fill_address(SETTINGS, AUTHENTICATION, lambda world: world.authentication.address),),
            see_filled(SETTINGS, AUTHENTICATION, lambda world: world.authentication.address),
        ),
        Instruction(
            "Remplacez l’adresse du serveur de mise à jour par « https://impact-emploi.urssaf.fr/updates«  :",
            (fill_address(SETTINGS, UPDATE, lambda world: world.updates.address),),
            see_filled(SETTINGS, UPDATE, lambda world: world.updates.address),
        ),
        Instruction(
            "Vérifiez en cliquant sur le bouton « Tester l’accès aux serveurs » :",
            (press(SETTINGS, TEST_BUTTON),),
            see_window(SETTINGS, TEST_PASSED),
        ),
        Instruction(
            "-> Suite au test, vous pouvez être confrontés aux trois cas suivants (détaillés dans les rubriques ci-dessous) :"
        ),
        Instruction(
            "Connexion au serveur réussie1. Échec de connexion au serveur2. Connexion aux serveurs réussie mais échec dans le "
            "lancement du logiciel3."
        ),
    ),
)

CASE_1 = Section(
    "► Cas n°1 : Connexion au serveur réussie",
    (
        Instruction("Le message suivant s’affiche :", (), see_window(SETTINGS, TEST_PASSED)),
        Instruction(
            "Une coche verte apparaît au bout des adresses :",
            (),
            see_marks(SETTINGS, ADDRESS_FIELDS, "Réussi"),
            "Le mot « Réussi » accompagne la coche, pour qui ne distingue pas les couleurs.",
        ),
        Instruction(
            "Cliquez sur « Enregistrer » puis « Quitter ».",
            (press(SETTINGS, "Enregistrer", SAVED), press(SETTINGS, "Quitter")),
            see_closed(SETTINGS, "ball"),
        ),
        Instruction(
            "-> La mise à jour est terminée. Vous pouvez relancer le logiciel.",
            (right_click("ball"), choose_line(LAUNCH)),
            see_program("ball"),
            "Le menu lance aussi Impact emploi ; le raccourci habituel reste possible.",
        ),
    ),
)

CASE_2 = Section(
    "► Cas n°2 : Échec de connexion au serveur",
    (
        Instruction(
            "En cas d’échec de la connexion, au lieu d’une coche verte, un rond rouge barré s’affiche au bout des adresses :",
            (choose_line(SETTINGS_REQUEST), press(SETTINGS, TEST_BUTTON)),
            see_marks(SETTINGS, ADDRESS_FIELDS, "Échec", TEST_FAILED, "IEA-N04", "Aucune correction"),
            "Le rond barré ne marque que les adresses en échec ; la fenêtre donne en plus la raison, son code et ce qu’il faut faire.",
            before=(close_program(), break_servers("refuse", "auth", "updates")),
        ),
        Instruction(
            "Cliquez sur « Quitter ».", (press(SETTINGS, "Quitter"),), see_closed(SETTINGS, "ball-heart")
        ),
        Instruction(
            "La boule bleue accompagnée d’un cœur rouge apparaît (en bas à droite de votre écran, dans les notifications) :",
            (point_at_icon(),),
            see_tooltip("ball-heart", "IEA-N04"),
        ),
        Instruction(
            "Faites alors un clic droit sur cette icône puis sélectionnez « Relancer l’authentification auprès du serveur » :",
            (right_click("ball-heart"), choose_line(RECONNECT)),
            see_balloon("IEA-N04"),
        ),
        Instruction(
            "Si malgré cette action le cœur rouge est toujours présent, vous devez alors contacter l’assistance via l’adresse "
            "habituelle (impact-emploi-association@urssaf.fr) en précisant en objet « Serveur de connexion 3.00.XX » (indiquer "
            "numéro de version en cours).",
            (
                left_click(),
                press(STATUS, f"{name_line(SUPPORT_REQUEST)}…"),
                press(SUPPORT, COPY_MESSAGE),
                close_folder(SUPPORT),
            ),
            see_window(SUPPORT, ADDRESS, SUBJECT, "Message copié"),
            "Le message est préparé avec son objet, complété de la version d’Impact emploi ; « Écrire à "
            "l’assistance » l’ouvre dans la messagerie, « Copier le message » sert ici, sur un poste sans messagerie.",
        ),
        Instruction(
            "-> En attendant l’intervention de l’assistance, l’utilisation du logiciel reste possible : Vous devez pour cela activer "
            "le mode assistance (Accès direct rubrique « Activer le mode assistance » ICI).",
            (),
            see_window(STATUS, MEANWHILE),
            before=(close(SUPPORT),),
        ),
    ),
)

CASE_3 = Section(
    "► Cas n°3 : Connexion au serveur réussie mais échec de lancement du logiciel",
    (
        Instruction(
            "Au lancement d’IEA, la connexion aux serveurs fonctionne correctement, mais les informations récupérées ne vous "
            "permettent pas d’utiliser le logiciel pour une des deux raisons suivantes :",
            (choose_line(SETTINGS_REQUEST), press(SETTINGS, TEST_BUTTON)),
            see_window(SETTINGS, BOTH_PASSED, ACCESS_REFUSED),
            "La raison est connue avant le lancement : le test, l’icône et la fenêtre d’état la donnent, et « Lancer Impact emploi » "
            "est grisé.",
            before=(close(STATUS), break_servers("refused", "auth")),
        ),
        Instruction(
            "Serveur d’authentification / Autorisation refusée :",
            (),
            see_marks(SETTINGS, (LICENCE_FIELD,), "Refusée"),
            "Le refus est marqué au bout du numéro de licence, car les deux serveurs répondent et gardent leur coche.",
        ),
        Instruction(
            "Licence d’installation non reconnue :",
            (
                press(SETTINGS, "Quitter"),
                left_click(),
                press(STATUS, name_line(RECONNECT)),
            ),
            see_window(STATUS, LICENCE_UNKNOWN),
            before=(break_servers("unknown", "auth"),),
        ),
        Instruction(
            "Pour résoudre ces cas, une intervention technique est nécessaire, vous devez contacter l’assistance "
            "(impact-emploi-association@urssaf.fr).",
            (),
            see_window(STATUS, ADDRESS),
        ),
        Instruction(
            "En attendant l’intervention de l’assistance, l’utilisation du logiciel reste possible : Vous devez pour cela activer le "
            "mode assistance (Accès direct rubrique « Activer le mode assistance » ICI).",
            (),
            see_window(STATUS, MEANWHILE),
        ),
    ),
)

ACTIVATION = Section(
    "► Activer le mode assistance",
    (
        Instruction(
            "Faites un clic droit sur la boule bleue avec le cœur (en bas à droite de votre écran, dans les notifications) ;",
            (right_click("ball-heart"),),
            see_menu(SUPPORT_REQUEST, grey=(LAUNCH,)),
            before=(close(STATUS),),
        ),
        Instruction(
            "Sélectionnez l’option « Demande de support technique » ;",
            (choose_line(SUPPORT_REQUEST),),
            see_window(SUPPORT, ACTIVATE, DEACTIVATE),
        ),
        Instruction(
            "Choisissez « Activer le mode assistance » :",
            (press(SUPPORT, ACTIVATE),),
            see_ticked(SUPPORT, ACTIVATE),
        ),
        Instruction(
            "Cliquez sur ok", (press(SUPPORT, "OK"),), see_window(SUPPORT, "Le mode assistance est activé")
        ),
        Instruction(
            "Le scarabée rouge remplace alors la boule bleue et vous pouvez relancer Impact emploi.",
            (press(SUPPORT, "Lancer Impact emploi"),),
            see_program("beetle"),
        ),
        Instruction(
            "",
            (Deed("Le poste est redémarré.", quit_agent), start_agent()),
            see_icon("beetle"),
            "La fiche ne le dit pas : le mode assistance reste actif après l’arrêt de l’ordinateur.",
            before=(close_program(),),
        ),
        Instruction(
            "Pour revenir en mode connexion, il convient de faire la même manipulation et ‘Désactiver le mode assistance’",
            (right_click("beetle"), choose_line(SUPPORT_REQUEST)),
            see_ticked(SUPPORT, DEACTIVATE),
        ),
    ),
)

DEACTIVATION = Section(
    "► Désactiver le mode assistance (si scarabée rouge)",
    (
        Instruction(
            "Le scarabée rouge (en bas à droite de votre écran, dans les notifications) signifie que vous êtes en mode assistance. "
            "Pour le désactiver :",
            (point_at_icon(),),
            see_tooltip("beetle", "Mode assistance"),
        ),
        Instruction(
            "Récupérez le mot de passe du jour en envoyant un mail via l’adresse de l’assistance.",
            (
                press(SUPPORT, COPY_MESSAGE),
                close_folder(SUPPORT),
                Deed(
                    "L’assistance répond : son outil (iea-desk password) donne le mot de passe.", ask_password
                ),
            ),
            see_window(SUPPORT, ADDRESS, "Message copié"),
            "Le message à l’assistance est préparé dans la fenêtre ; rien n’est envoyé sans vous.",
        ),
        Instruction(
            "Faites un clic droit sur le scarabée rouge.",
            (right_click("beetle"),),
            see_menu(SUPPORT_REQUEST, LAUNCH, grey=(SETTINGS_REQUEST, RECONNECT)),
            before=(close(SUPPORT),),
        ),
        Instruction(
            "Sélectionnez l’option « Demande de support technique ».",
            (choose_line(SUPPORT_REQUEST),),
            see_window(SUPPORT, DEACTIVATE),
        ),
        Instruction(
            "Cochez ensuite « Désactiver le mode assistance »:",
            (press(SUPPORT, DEACTIVATE),),
            see_ticked(SUPPORT, DEACTIVATE),
            "Le choix est coché d’avance, puisque l’autre n’est pas possible.",
        ),
        Instruction(
            "",
            (
                fill(
                    SUPPORT,
                    DAY_FIELD,
                    "le mot de passe du jour avec une faute",
                    lambda clerk: mistype(clerk.password),
                ),
                press(SUPPORT, "OK"),
            ),
            see_window(SUPPORT, "Faute de frappe"),
            "La fiche ne dit pas où le mot de passe se saisit : c’est dans cette fenêtre ; une faute de frappe y est montrée là où "
            "elle est, et ne compte pas comme un essai.",
        ),
        Instruction(
            "",
            (
                fill(SUPPORT, DAY_FIELD, "le mot de passe reçu", lambda clerk: clerk.password),
                press(SUPPORT, "OK"),
            ),
            see_window(SUPPORT, "Le mode assistance est désactivé"),
        ),
        Instruction(
            "Le scarabée rouge est remplacé par la boule bleue accompagnée d’un cœur rouge :",
            (),
            see_icon("ball-heart"),
        ),
        Instruction(
            "-> Vous avez à présent désactivé le mode assistance et pouvez donc appliquer la procédure de connexion (Accès direct "
            "rubrique « Activer le mode assistance » ICI).",
            (right_click("ball-heart"),),
            see_menu(SETTINGS_REQUEST, RECONNECT),
            "Le programme relance de lui-même l’authentification dès que le mode assistance est désactivé.",
            before=(close(SUPPORT),),
        ),
    ),
)

SAFETY = Section(
    "► Sécurité informatique",
    (
        Instruction(
            "Afin de renforcer la sécurité des échanges de données, des modifications sont apportées au niveau du serveur "
            "d’authentification (https://).",
            (left_click(),),
            see_window(STATUS, problems.HTTPS_EXPECTED.code),
            before=(close_menu(), mend_servers(), configure_as_before(), reconnect("ball-heart")),
        ),
        Instruction(
            "Suite à la bascule du serveur en mode sécurisé, une manipulation de votre part est nécessaire et impérative pour le bon "
            "fonctionnement du logiciel.",
            (press(STATUS, "Trouver la panne"),),
            see_window(SETTINGS, TEST_FAILED, _(NAMES[RepairKind.SECURE_MODE])),
            "La manipulation tient en deux clics : « Trouver la panne », puis « Corriger ».",
        ),
        Instruction(
            "Suivez le guide, c’est ICI !",
            (press(SETTINGS, _(NAMES[RepairKind.SECURE_MODE])),),
            see_window(SETTINGS, TEST_PASSED),
            "Le guide est aussi dans le programme : « Aide », ou la touche F1, l’ouvre sans internet.",
        ),
    ),
)

CONTACT = "► Comment joindre l’assistance ?"
ONLY_ADDRESS = "L’unique adresse est : impact-emploi-association@urssaf.fr."
WANTED = (
    "Pour une meilleure prise en charge de vos demandes, merci d’indiquer un objet ainsi que vos coordonnées dans le corps du "
    "message."
)

OUTAGE = Section(
    "► Problème de connexion au serveur",
    (
        Instruction(
            "Nous rencontrons actuellement des problèmes de connexion au serveur de production.",
            (right_click("ball"), choose_line(RECONNECT)),
            see_balloon(problems.SERVER_UNAVAILABLE.code),
            before=(close(SUPPORT), break_servers("503", "auth")),
        ),
        Instruction(
            "Nous vous remercions de votre compréhension et vous invitons à consulter marche à suivre permettant de résoudre ce "
            "dysfonctionnement : ICI",
            (left_click(),),
            see_window(STATUS, problems.SERVER_UNAVAILABLE.code, MEANWHILE),
            "La marche à suivre est dans la fenêtre d’état, sous « Que faire » ; celle de la fiche suivante ne convient plus.",
        ),
    ),
)

OLD_PROCEDURE = Section(
    "► Procédure",
    (
        Instruction(
            "En bas à droite de l’écran faire un clic droit sur la boule bleue avec un point rouge :",
            (right_click("ball-heart"),),
            see_menu(SETTINGS_REQUEST, RECONNECT),
            "Le point rouge de cette ancienne fiche est un cœur, comme dans la fiche plus récente.",
            before=(close(STATUS),),
        ),
        Instruction(
            "Sélectionner « Paramètres de connexion » :",
            (choose_line(SETTINGS_REQUEST),),
            see_window(SETTINGS, "Mode de connexion"),
        ),
        Instruction(
            "Ajouter « :80 » au bout des deux premières adresses après Impact-emploi.urssaf.fr :",
            (
                fill_address(SETTINGS, AUTHENTICATION, lambda world: world.to_type("auth")),
                fill_address(SETTINGS, UPDATE, lambda world: world.to_type("updates")),
            ),
            see_filled(SETTINGS, UPDATE, lambda world: world.to_type("updates")),
            before=(
                mend_servers(),
                Deed(
                    "Le port en clair de chaque serveur du bac à sable tient lieu du port 80.",
                    lambda clerk: clerk.stage.world.break_("address", "port-80"),
                ),
            ),
        ),
        Instruction(
            "Cliquer sur « Enregistrer »",
            (press(SETTINGS, "Enregistrer"),),
            see_window(SETTINGS, SAVED),
        ),
        Instruction(
            "Réouvrir la boule bleue avec un clic droit puis cliquer sur « Relancer l’authentification auprès du serveur »:",
            (right_click("ball-heart"), choose_line(RECONNECT)),
            see_balloon(problems.PORT_WITHOUT_TLS.code),
            "Cette fiche date d’avant le mode sécurisé : en https, « :80 » ne peut plus fonctionner, et le programme le dit.",
            before=(wait_for_balloon(),),
        ),
        Instruction(
            "La boule bleue doit réapparaître sans le point rouge, vous pouvez à présent relancer Impact emploi.",
            (
                press(SETTINGS, TEST_BUTTON),
                press(SETTINGS, _(NAMES[RepairKind.OFFICIAL_ADDRESS])),
            ),
            see_window(SETTINGS, TEST_PASSED),
            "La boule revient quand « :80 » est retiré : le test trouve ce remède et le propose d’un clic (par l’adresse officielle ici, "
            "car les serveurs du bac à sable n’ont pas le port habituel).",
        ),
        Instruction(
            "", (press(SETTINGS, "Quitter"), right_click("ball"), choose_line(LAUNCH)), see_program("ball")
        ),
    ),
)


def mistype(password: str) -> str:
    """Return *password* with a typing error."""
    return password[:8] + ("A" if password[8] != "A" else "B") + password[9:]


SHEETS = (
    Sheet("Avant les fiches", "", (FIRST_DAY,)),
    Sheet(
        "Mise à jour du mode de connexion au serveur Impact emploi",
        "Fiche Pratique – Paramétrage : Mise à jour du mode de connexion au serveur Impact emploi",
        (CONTEXT, PROCEDURE, CASE_1, CASE_2, CASE_3, ACTIVATION, DEACTIVATION),
    ),
    Sheet(
        "Lisez-moi V72",
        "",
        (
            SAFETY,
            Section(
                CONTACT,
                (
                    Instruction(
                        ONLY_ADDRESS,
                        (right_click("ball"), choose_line(SUPPORT_REQUEST)),
                        see_window(SUPPORT, ADDRESS),
                        before=(close(SETTINGS),),
                    ),
                    Instruction(
                        WANTED,
                        (press(SUPPORT, COPY_MESSAGE), close_folder(SUPPORT)),
                        see_window(SUPPORT, SUBJECT, "Message copié"),
                        "Le message préparé a déjà son objet et la place de vos coordonnées.",
                    ),
                    Instruction(
                        "Un accusé réception vous informera de la prise en compte de votre demande. Le délai de traitement des demandes "
                        "pouvant varier selon la charge de l’assistance, merci de ne pas réitérer l’envoi d’un même message afin "
                        "d’éviter les doublons et la surcharge de la boîte de réception.",
                        (),
                        see_window(SUPPORT, "un seul message par problème"),
                    ),
                    Instruction("L’équipe Impact emploi vous remercie !"),
                ),
            ),
        ),
    ),
    Sheet(
        "Lisez-Moi V-70",
        "",
        (
            OUTAGE,
            Section(
                CONTACT,
                (
                    Instruction(ONLY_ADDRESS),
                    Instruction(WANTED),
                    Instruction(
                        "Un accusé réception vous informera de la prise en compte de votre demande. Le délai de traitement des demandes "
                        "pouvant varier selon la charge de l’assistance, nous vous remercions de votre compréhension et vous demandons "
                        "de ne pas réitérer l’envoi d’un même message afin d’éviter les doublons et la surcharge de la boîte de "
                        "réception."
                    ),
                ),
            ),
        ),
    ),
    Sheet(
        "Résolution des problèmes de connexion au serveur",
        "Fiche Pratique – Paramétrage : Résolution des problèmes de connexion au serveur",
        (OLD_PROCEDURE,),
    ),
)
"""All of them, in the order of the publications; of a « Lisez-moi » what concerns the connection."""
