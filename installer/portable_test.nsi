; The test of both servers as one program, for a stick: it unpacks the agent into a temporary folder, runs "iea-agent test" there, shows
; the result and removes the folder, whatever the test said. Nothing else is written unless the person asks for it.
; "python -m installer" compiles it and defines VERSION, NUMBERS, OUTPUT, LAUNCHERS, FILES, ICON. docs/administration.md has the parameters.

Unicode true
Target amd64-unicode
!ifdef FAST
  ; for tests: packing takes a minute
  SetCompress off
!else
  SetCompressor /SOLID lzma
  SetCompressorDictSize 64
!endif
SetDateSave off
RequestExecutionLevel user
ManifestDPIAware true
ManifestLongPathAware true

!include nsDialogs.nsh
!include LogicLib.nsh
!include WinMessages.nsh
!include WordFunc.nsh
!include "arguments.nsh"
!include "silent_words.nsh"

!define NAME "IEA Agent"
; longer than the test itself may take
!define PATIENCE 180000
!define LARGEST_RESULT 65536

; exit codes: those of "iea-agent test", and
!define NOT_RUN 10

Name "${NAME}"
OutFile "${OUTPUT}"
Icon "${ICON}"
BrandingText "${NAME} ${VERSION}"
ShowInstDetails nevershow
XPStyle on

VIProductVersion "${NUMBERS}"

Var Authentication
Var Updates
Var Save          ; where the result is saved, "" for nowhere
Var Code          ; the exit code of the test
Var Text          ; the address of the result in memory, 0 for none
Var Bytes         ; that of the file that is saved of it
Var Length
Var Field1
Var Field2
Var SaveButton
Var Saved

Page custom ask_addresses take_addresses
Page instfiles "" prepare_test
Page custom show_result

LoadLanguageFile "${NSISDIR}\Contrib\Language files\French.nlf"
LoadLanguageFile "${NSISDIR}\Contrib\Language files\English.nlf"
!macro VERSION_TEXTS LANGUAGE
  VIAddVersionKey /LANG=${LANGUAGE} "ProductName" "${NAME}"
  VIAddVersionKey /LANG=${LANGUAGE} "FileDescription" "${NAME} test"
  VIAddVersionKey /LANG=${LANGUAGE} "FileVersion" "${VERSION}"
  VIAddVersionKey /LANG=${LANGUAGE} "ProductVersion" "${VERSION}"
  VIAddVersionKey /LANG=${LANGUAGE} "CompanyName" "${NAME}"
  VIAddVersionKey /LANG=${LANGUAGE} "LegalCopyright" "MIT"
!macroend
!insertmacro VERSION_TEXTS ${LANG_FRENCH}
!insertmacro VERSION_TEXTS ${LANG_ENGLISH}

LangString TITLE ${LANG_FRENCH} "Impact emploi – Test de l’accès aux serveurs"
LangString TITLE ${LANG_ENGLISH} "Impact emploi – Test of the access to the servers"
LangString ASK ${LANG_FRENCH} "Ce programme vérifie si ce poste atteint les serveurs d’Impact emploi. Il n’installe rien et ne laisse rien sur ce poste.$\r$\n$\r$\nLaissez les adresses vides pour tester les serveurs habituels."
LangString ASK ${LANG_ENGLISH} "This program checks whether this PC reaches the servers of Impact emploi. It installs nothing and leaves nothing on this PC.$\r$\n$\r$\nLeave the addresses empty to test the usual servers."
LangString AUTHENTICATION_FIELD ${LANG_FRENCH} "Adresse du serveur d’&authentification :"
LangString AUTHENTICATION_FIELD ${LANG_ENGLISH} "Address of the &authentication server:"
LangString UPDATES_FIELD ${LANG_FRENCH} "Adresse du serveur de &mise à jour :"
LangString UPDATES_FIELD ${LANG_ENGLISH} "Address of the &update server:"
LangString TEST ${LANG_FRENCH} "&Tester"
LangString TEST ${LANG_ENGLISH} "&Test"
LangString TESTING ${LANG_FRENCH} "Test de l’accès aux serveurs… Cela peut prendre une minute."
LangString TESTING ${LANG_ENGLISH} "Testing access to the servers… This may take a minute."
LangString CLOSE ${LANG_FRENCH} "&Fermer"
LangString CLOSE ${LANG_ENGLISH} "&Close"
LangString SAVE ${LANG_FRENCH} "&Enregistrer le résultat à côté de ce programme"
LangString SAVE ${LANG_ENGLISH} "&Save the result beside this program"
LangString SAVED ${LANG_FRENCH} "Enregistré :"
LangString SAVED ${LANG_ENGLISH} "Saved:"
LangString NOT_SAVED ${LANG_FRENCH} "Le résultat n’a pas pu être enregistré à côté de ce programme : le support est peut-être protégé. Copiez le texte (Ctrl+A, Ctrl+C) dans un message."
LangString NOT_SAVED ${LANG_ENGLISH} "The result could not be saved beside this program: the medium may be write-protected. Copy the text (Ctrl+A, Ctrl+C) into a message."
LangString COULD_NOT_RUN ${LANG_FRENCH} "Le test n’a pas pu se faire : le disque est plein, ou un antivirus bloque le programme. Rien n’a changé sur ce poste."
LangString COULD_NOT_RUN ${LANG_ENGLISH} "The test could not run: the disk is full, or an antivirus program blocks it. Nothing has changed on this PC."
LangString BAD_PARAMETER ${LANG_FRENCH} "Paramètre inconnu :"
LangString BAD_PARAMETER ${LANG_ENGLISH} "Unknown parameter:"
LangString RESULT ${LANG_FRENCH} "resultat"
LangString RESULT ${LANG_ENGLISH} "result"
LangString LANGUAGE_CODE ${LANG_FRENCH} "fr"
LangString LANGUAGE_CODE ${LANG_ENGLISH} "en"
Caption "$(TITLE)"
SubCaption 3 " "
MiscButtonText "" "" "" "$(CLOSE)"
InstallButtonText "$(TEST)"

!insertmacro SAY_FUNCTION ""

; Addresses in iea-agent-test.ini beside this program, section [servers]; what stands on the command line wins.
Function .onInit
  StrCpy $Text 0
  StrCpy $Code ${NOT_RUN}
  ReadINIStr $Authentication "$EXEDIR\iea-agent-test.ini" "servers" "authentication"
  ReadINIStr $Updates "$EXEDIR\iea-agent-test.ini" "servers" "updates"
  !insertmacro EACH_ARGUMENT
    ${If} $7 == "/AUTHENTICATION"
      StrCpy $Authentication $8
    ${ElseIf} $7 == "/UPDATES"
      StrCpy $Updates $8
    ${ElseIf} $6 == "/SAVE"
      Call name_result
    ${ElseIf} $6 == "/S"
      ; NSIS itself takes only a capital
      SetSilent silent
    ${ElseIf} $6 != "/NCRC"
      !insertmacro SAY "$(BAD_PARAMETER) $7"
      MessageBox MB_OK|MB_ICONEXCLAMATION "$(BAD_PARAMETER) $7" /SD IDOK
      SetErrorLevel ${NOT_RUN}
      Quit
    ${EndIf}
  !insertmacro NEXT_ARGUMENT
  ClearErrors
FunctionEnd

; The name tells the PC: one stick goes to many.
Function name_result
  ReadEnvStr $0 "COMPUTERNAME"
  StrCpy $Save "$EXEDIR\iea-agent-test-$(RESULT)-$0.txt"
FunctionEnd

Function ask_addresses
  nsDialogs::Create 1018
  Pop $0
  ${NSD_CreateLabel} 0 0 100% 44u "$(ASK)"
  Pop $0
  ${NSD_CreateLabel} 0 50u 100% 10u "$(AUTHENTICATION_FIELD)"
  Pop $0
  ${NSD_CreateText} 0 61u 100% 13u "$Authentication"
  Pop $Field1
  ${NSD_CreateLabel} 0 82u 100% 10u "$(UPDATES_FIELD)"
  Pop $0
  ${NSD_CreateText} 0 93u 100% 13u "$Updates"
  Pop $Field2
  GetDlgItem $0 $HWNDPARENT 1
  SendMessage $0 ${WM_SETTEXT} 0 "STR:$(TEST)"
  nsDialogs::Show
FunctionEnd

Function take_addresses
  ${NSD_GetText} $Field1 $Authentication
  ${NSD_GetText} $Field2 $Updates
FunctionEnd

Function prepare_test
  DetailPrint "$(TESTING)"
FunctionEnd

Section
  SetDetailsPrint both
  DetailPrint "$(TESTING)"
  SetDetailsPrint none
  SetAutoClose true
  ; Windows' temporary folder; NSIS removes it at the end, however that comes
  InitPluginsDir
  StrCpy $INSTDIR "$PLUGINSDIR\agent"
  SetOverwrite try
  ClearErrors
  !include "${FILES}"
  SetOutPath "$INSTDIR"
  File "${LAUNCHERS}\iea-agent.exe"
  FileOpen $0 "$INSTDIR\current" w
  FileWrite $0 "${VERSION}$\n"
  FileClose $0
  SetOutPath "$TEMP"
  ${IfNot} ${Errors}
    Call run_test
  ${EndIf}
  ${If} $Text = 0
    StrCpy $Code ${NOT_RUN}
    !insertmacro SAY "$(COULD_NOT_RUN)"
    MessageBox MB_OK|MB_ICONEXCLAMATION "$(COULD_NOT_RUN)" /SD IDOK
  ${ElseIf} $Save != ""
    Call save_result
  ${EndIf}
  RMDir /r "$INSTDIR"
  SetErrorLevel $Code
SectionEnd

!macro ADD_ADDRESS NAME VALUE
  ${If} "${VALUE}" != ""
    StrCpy $4 '$4 --${NAME} "${VALUE}"'
  ${EndIf}
!macroend

; The output goes to a file: it is longer than a text of NSIS. What the agent notes of a test goes to the temporary folder, too.
Function run_test
  System::Call 'kernel32::SetEnvironmentVariableW(w "IEA_AGENT_HOME", w "$INSTDIR\home")'
  System::Call 'kernel32::SetEnvironmentVariableW(w "IEA_AGENT_LANG", w "$(LANGUAGE_CODE)")'
  ; SECURITY_ATTRIBUTES of a handle that is inherited
  System::Call '*(i 24, i 0, p 0, i 1, i 0) p .r2'
  System::Call 'kernel32::CreateFileW(w "$PLUGINSDIR\result.txt", i 0x40000000, i 7, p r2, i 2, i 0, p 0) p .r1'
  System::Free $2
  ; STARTUPINFOW with STARTF_USESTDHANDLES
  System::Call '*(i 104, i 0, p 0, p 0, p 0, i 0, i 0, i 0, i 0, i 0, i 0, i 0, i 0x100, i 0, i 0, p 0, p 0, p r1, p r1) p .r2'
  ; PROCESS_INFORMATION
  System::Call '*(p 0, p 0, i 0, i 0) p .r3'
  StrCpy $4 '"$INSTDIR\iea-agent.exe" test'
  !insertmacro ADD_ADDRESS "authentication" "$Authentication"
  !insertmacro ADD_ADDRESS "updates" "$Updates"
  ; CREATE_NO_WINDOW
  System::Call 'kernel32::CreateProcessW(p 0, w r4, p 0, p 0, i 1, i 0x08000000, p 0, w "$INSTDIR", p r2, p r3) i .r5'
  ${If} $5 <> 0
    System::Call '*$3(p .r7, p .r8)'
    System::Call 'kernel32::WaitForSingleObject(p r7, i ${PATIENCE}) i .r0'
    ${If} $0 <> 0
      System::Call 'kernel32::TerminateProcess(p r7, i ${NOT_RUN})'
      System::Call 'kernel32::WaitForSingleObject(p r7, i 5000)'
    ${EndIf}
    System::Call 'kernel32::GetExitCodeProcess(p r7, *i .r6)'
    StrCpy $Code $6
    System::Call 'kernel32::CloseHandle(p r7)'
    System::Call 'kernel32::CloseHandle(p r8)'
  ${EndIf}
  System::Call 'kernel32::CloseHandle(p r1)'
  System::Free $2
  System::Free $3
  ${If} $5 <> 0
    Call read_result
  ${EndIf}
FunctionEnd

; The file is in UTF-8, windows want UTF-16. The bytes stay in memory, after the mark that has Windows' Notepad read UTF-8: a program that still
; holds the file open cannot keep the result from being saved.
Function read_result
  System::Call 'kernel32::CreateFileW(w "$PLUGINSDIR\result.txt", i 0x80000000, i 7, p 0, i 3, i 0, p 0) p .r1'
  IntOp $0 ${LARGEST_RESULT} + 3
  ; zeroed
  System::Call 'kernel32::GlobalAlloc(i 0x40, p $0) p .s'
  Pop $Bytes
  System::Call '*$Bytes(&i1 0xEF, &i1 0xBB, &i1 0xBF)'
  IntPtrOp $2 $Bytes + 3
  System::Call 'kernel32::ReadFile(p r1, p r2, i ${LARGEST_RESULT}, *i .r3, p 0)'
  System::Call 'kernel32::CloseHandle(p r1)'
  ${If} $3 > 0
    IntOp $Length $3 + 3
    IntOp $0 ${LARGEST_RESULT} * 2
    IntOp $0 $0 + 2
    ; zeroed: the end of the text
    System::Call 'kernel32::GlobalAlloc(i 0x40, p $0) p .s'
    Pop $Text
    System::Call 'kernel32::MultiByteToWideChar(i 65001, i 0, p r2, i r3, p $Text, i ${LARGEST_RESULT})'
  ${EndIf}
FunctionEnd

Function save_result
  System::Call 'kernel32::CreateFileW(w "$Save", i 0x40000000, i 0, p 0, i 2, i 0x80, p 0) p .r1'
  System::Call 'kernel32::WriteFile(p r1, p $Bytes, i $Length, *i .r2, p 0) i .r0'
  System::Call 'kernel32::CloseHandle(p r1)'
  StrCpy $Saved $0
FunctionEnd

Function show_result
  ${If} $Text = 0
    Abort
  ${EndIf}
  nsDialogs::Create 1018
  Pop $0
  nsDialogs::CreateControl EDIT ${DEFAULT_STYLES}|${WS_TABSTOP}|${WS_VSCROLL}|${ES_MULTILINE}|${ES_READONLY}|${ES_WANTRETURN} ${WS_EX_CLIENTEDGE} 0 0 100% 104u ""
  Pop $Field1
  SendMessage $Field1 ${EM_SETLIMITTEXT} ${LARGEST_RESULT} 0
  System::Call 'user32::SendMessageW(p $Field1, i ${WM_SETTEXT}, p 0, p $Text)'
  ${NSD_CreateButton} 0 108u 180u 15u "$(SAVE)"
  Pop $SaveButton
  ${NSD_OnClick} $SaveButton save_here
  GetDlgItem $0 $HWNDPARENT 1
  SendMessage $0 ${WM_SETTEXT} 0 "STR:$(CLOSE)"
  GetDlgItem $0 $HWNDPARENT 2
  ShowWindow $0 ${SW_HIDE}
  GetDlgItem $0 $HWNDPARENT 3
  ShowWindow $0 ${SW_HIDE}
  nsDialogs::Show
FunctionEnd

Function save_here
  Pop $0
  Call name_result
  Call save_result
  ${If} $Saved = 0
    MessageBox MB_OK|MB_ICONEXCLAMATION "$(NOT_SAVED)"
  ${Else}
    MessageBox MB_OK|MB_ICONINFORMATION "$(SAVED)$\r$\n$Save"
  ${EndIf}
FunctionEnd
