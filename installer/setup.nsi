; The setup of the agent. "python -m installer" compiles it and defines VERSION, NUMBERS, OUTPUT, LAUNCHERS, FILES (a list of
; File commands), SIZE (KiB), ICON, SIDE, PLACE, UPGRADE_CODE (of the MSI), and SIGN if the uninstaller is signed.
; docs/administration.md has the parameters and the exit codes; docs/two-slots.md has what lies where.

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
; asks for no rights: for one person none are needed
RequestExecutionLevel user
ManifestDPIAware true
ManifestLongPathAware true

!include MUI2.nsh
!include FileFunc.nsh
!include TextFunc.nsh
!include WordFunc.nsh
!include LogicLib.nsh
!include x64.nsh
!include "arguments.nsh"
!include "silent_words.nsh"

!define NAME "IEA Agent"
!define UNINSTALL_KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\${NAME}"
!define RUN_KEY "Software\Microsoft\Windows\CurrentVersion\Run"
; where the Task Manager notes that the person has disabled an entry of it
!define APPROVED_KEY "Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"

; exit codes
!define CANCELLED 1
!define NOT_WRITTEN 2
!define BAD_PARAMETER 3
!define NEWER_INSTALLED 4
!define BUSY 5
!define UNREACHABLE 6
!define REFUSED 7
!define NEEDS_ADMINISTRATOR 8

Name "${NAME}"
OutFile "${OUTPUT}"
BrandingText "${NAME} ${VERSION}"
ShowInstDetails nevershow
ShowUninstDetails nevershow

VIProductVersion "${NUMBERS}"
!macro VERSION_TEXTS LANGUAGE
  VIAddVersionKey /LANG=${LANGUAGE} "ProductName" "${NAME}"
  VIAddVersionKey /LANG=${LANGUAGE} "FileDescription" "${NAME} setup"
  VIAddVersionKey /LANG=${LANGUAGE} "FileVersion" "${VERSION}"
  VIAddVersionKey /LANG=${LANGUAGE} "ProductVersion" "${VERSION}"
  VIAddVersionKey /LANG=${LANGUAGE} "CompanyName" "${NAME}"
  VIAddVersionKey /LANG=${LANGUAGE} "LegalCopyright" "MIT"
!macroend

Var Parameters
Var ForAll        ; "1": for all users of this PC
Var Authentication
Var Updates
Var Licence
Var KeyFile
Var Policy
Var Register
Var Root
Var Program
Var Autostart     ; "0", "1", or "" for as it was
Var WithTest
Var WithStart
Var Slot          ; the folder that this version gets
Var Current
Var Ran           ; "1": an agent ran and was stopped
Var Outcome       ; the exit code so far
Var TestCode      ; the exit code of the test of the servers
Var Refused       ; the parameters that were refused, each after a space
Var Verdict       ; what settings, policy and test came to
Var Welcome       ; what the first page says

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_WELCOMEFINISHPAGE_BITMAP "${SIDE}"
!define MUI_UNWELCOMEFINISHPAGE_BITMAP "${SIDE}"
!define MUI_ABORTWARNING
!define MUI_ABORTWARNING_TEXT "$(ASK_QUIT)"
!define MUI_WELCOMEPAGE_TITLE "$(WELCOME_TITLE)"
!define MUI_WELCOMEPAGE_TEXT "$Welcome"
!insertmacro MUI_PAGE_WELCOME
!define MUI_PAGE_HEADER_SUBTEXT "$(WAIT)"
!insertmacro MUI_PAGE_INSTFILES
!define MUI_FINISHPAGE_TITLE "$(FINISH_TITLE)"
!define MUI_FINISHPAGE_TEXT "$(FINISH_TEXT)"
!define MUI_FINISHPAGE_TEXT_LARGE
!define MUI_FINISHPAGE_RUN
!define MUI_FINISHPAGE_RUN_TEXT "$(FINISH_RUN)"
!define MUI_FINISHPAGE_RUN_FUNCTION open_agent
!define MUI_PAGE_CUSTOMFUNCTION_SHOW show_place
!insertmacro MUI_PAGE_FINISH

!define MUI_UNCONFIRMPAGE_TEXT_TOP "$(REMOVAL)"
!define MUI_UNCONFIRMPAGE_TEXT_LOCATION "$(REMOVED_FROM)"
!insertmacro MUI_UNPAGE_CONFIRM
!define MUI_PAGE_HEADER_SUBTEXT "$(WAIT)"
!insertmacro MUI_UNPAGE_INSTFILES

!insertmacro MUI_LANGUAGE "French"
!insertmacro MUI_LANGUAGE "English"
!insertmacro VERSION_TEXTS ${LANG_FRENCH}
!insertmacro VERSION_TEXTS ${LANG_ENGLISH}
!include "setup_texts.nsh"
; NSIS's own words do not know that « de » loses its e
Caption "$(CAPTION)"
UninstallCaption "$(UNINSTALL_CAPTION)"

; ---------------------------------------------------------------------------------------------------------------- start

!insertmacro SAY_FUNCTION ""
!insertmacro SAY_FUNCTION "un."

; End with CODE; a person reads TEXT first.
!macro END_WITH CODE TEXT
  !insertmacro SAY "${TEXT}"
  MessageBox MB_OK|MB_ICONEXCLAMATION "${TEXT}" /SD IDOK
  SetErrorLevel ${CODE}
  Quit
!macroend

; If the argument in $6 is "/NAME" ($7) with a value ($8), take it.
!macro TAKE_VALUE NAME TARGET
  ${ElseIf} $7 == "/${NAME}"
    StrCpy ${TARGET} $8
!macroend
!macro TAKE_SWITCH NAME TARGET VALUE
  ${ElseIf} $6 == "/${NAME}"
    StrCpy ${TARGET} "${VALUE}"
!macroend

Function .onInit
  StrCpy $Outcome 0
  ${GetParameters} $Parameters
  Call read_parameters
  Call choose_scope
  Call refuse_second_setup
  Call refuse_downgrade
FunctionEnd

Function read_parameters
  StrCpy $WithTest 1
  StrCpy $WithStart 1
  !insertmacro EACH_ARGUMENT
    ${If} $6 == "/S"
      ; NSIS itself takes only a capital
      SetSilent silent
    ${ElseIf} $6 == "/NCRC"
      ; NSIS's own
    !insertmacro TAKE_VALUE "AUTHENTICATION" $Authentication
    !insertmacro TAKE_VALUE "UPDATES" $Updates
    !insertmacro TAKE_VALUE "LICENCE" $Licence
    !insertmacro TAKE_VALUE "KEYFILE" $KeyFile
    !insertmacro TAKE_VALUE "POLICY" $Policy
    !insertmacro TAKE_VALUE "REGISTER" $Register
    !insertmacro TAKE_VALUE "ROOT" $Root
    !insertmacro TAKE_VALUE "PROGRAM" $Program
    !insertmacro TAKE_VALUE "AUTOSTART" $Autostart
    !insertmacro TAKE_SWITCH "ALLUSERS" $ForAll 1
    !insertmacro TAKE_SWITCH "NOTEST" $WithTest 0
    !insertmacro TAKE_SWITCH "NOSTART" $WithStart 0
    ${ElseIf} $7 == "/KEY"
      ; every program of the PC can read a command line
      !insertmacro END_WITH ${BAD_PARAMETER} "$(KEY_ON_COMMAND_LINE)"
    ${Else}
      !insertmacro END_WITH ${BAD_PARAMETER} "$(UNKNOWN_PARAMETER) $7$\r$\n$\r$\n$(EVERY_PARAMETER)"
    ${EndIf}
  !insertmacro NEXT_ARGUMENT
  ${If} $KeyFile != ""
  ${AndIf} $Licence == ""
    !insertmacro END_WITH ${BAD_PARAMETER} "$(KEY_WITHOUT_LICENCE)"
  ${EndIf}
  ${If} $Autostart != ""
  ${AndIf} $Autostart != "0"
  ${AndIf} $Autostart != "1"
    !insertmacro END_WITH ${BAD_PARAMETER} "$(BAD_AUTOSTART)"
  ${EndIf}
  ${If} $KeyFile != "-"
    Push $KeyFile
    Call require_file
  ${EndIf}
  Push $Policy
  Call require_file
  Push $Register
  Call require_file
  Push $Root
  Call require_file
  StrCpy $0 "$Policy$Register$Root"
  StrCpy $1 "$Authentication$Updates$Licence$Program"
  ${If} $ForAll == 1
    ${If} $1 != ""
      !insertmacro END_WITH ${BAD_PARAMETER} "$(PERSONAL_FOR_ALL)"
    ${EndIf}
  ${ElseIf} $0 != ""
    !insertmacro END_WITH ${BAD_PARAMETER} "$(POLICY_FOR_ONE)"
  ${EndIf}
FunctionEnd

; The file on the stack must exist, or be "".
Function require_file
  Exch $0
  ${If} $0 != ""
  ${AndIfNot} ${FileExists} "$0"
    !insertmacro END_WITH ${BAD_PARAMETER} "$(NO_SUCH_FILE) $0"
  ${EndIf}
  Pop $0
FunctionEnd

; Windows asks for the administrator; PROGRAM, elevated, takes over. Goes on if the person refuses.
!macro ELEVATE PROGRAM
  ; SHELLEXECUTEINFOW
  System::Call '*(i 112, i 0x40, p $HWNDPARENT, w "runas", w "${PROGRAM}", w "$Parameters", p 0, i 1, i 0, p 0, p 0, p 0, p 0, i 0, i 0, p 0, p 0) p .r1'
  System::Call 'shell32::ShellExecuteExW(p r1) i .r2'
  System::Free $1
  ${If} $2 <> 0
    SetErrorLevel 0
    Quit
  ${EndIf}
!macroend

Function choose_scope
  SetRegView 64
  ; an administrator's MSI is there: it updates itself, and would not know of our files
  System::Call 'msi::MsiEnumRelatedProductsW(w "${UPGRADE_CODE}", i 0, i 0, w .r1) i .r0'
  ${If} $0 = 0
    !insertmacro END_WITH ${BAD_PARAMETER} "$(MSI_IS_THERE)"
  ${EndIf}
  ${If} $ForAll == 1
    System::Call 'shell32::IsUserAnAdmin() i .r0'
    ${If} $0 = 0
      ${IfNot} ${Silent}
        !insertmacro ELEVATE "$EXEPATH"
      ${EndIf}
      !insertmacro END_WITH ${NEEDS_ADMINISTRATOR} "$(NEEDS_RIGHTS)"
    ${EndIf}
    ; it would stay beside the new one, start at logon, too, and get no update
    ReadRegStr $0 HKCU "${UNINSTALL_KEY}" "DisplayVersion"
    ${If} $0 != ""
      !insertmacro END_WITH ${BAD_PARAMETER} "$(ALREADY_FOR_ONE)"
    ${EndIf}
    SetShellVarContext all
    StrCpy $INSTDIR "$PROGRAMFILES64\${NAME}"
    StrCpy $Welcome "$(WELCOME_TEXT_ALL)"
  ${Else}
    StrCpy $Welcome "$(WELCOME_TEXT)"
    SetShellVarContext current
    StrCpy $INSTDIR "$LOCALAPPDATA\Programs\${NAME}"
    ReadRegStr $0 HKLM "${UNINSTALL_KEY}" "DisplayVersion"
    ${If} $0 != ""
      !insertmacro END_WITH ${BAD_PARAMETER} "$(ALREADY_FOR_ALL)"
    ${EndIf}
  ${EndIf}
FunctionEnd

Function refuse_second_setup
  ; lives as long as this process
  System::Call 'kernel32::CreateMutexW(p 0, i 0, w "Local\${NAME} setup") p .r0 ?e'
  Pop $1
  ${If} $1 = 183 ; ERROR_ALREADY_EXISTS
    !insertmacro END_WITH ${BUSY} "$(SETUP_RUNS)"
  ${EndIf}
FunctionEnd

Function refuse_downgrade
  ReadRegStr $0 SHCTX "${UNINSTALL_KEY}" "DisplayVersion"
  ${If} $0 != ""
    ${VersionCompare} "$0" "${VERSION}" $1
    ${If} $1 = 1
      !insertmacro END_WITH ${NEWER_INSTALLED} "$(NEWER)"
    ${EndIf}
  ${EndIf}
FunctionEnd

; -------------------------------------------------------------------------------------------------------------- install

!macro READ_POINTER FILE TARGET
  StrCpy ${TARGET} ""
  ClearErrors
  FileOpen $0 "$INSTDIR\${FILE}" r
  ${IfNot} ${Errors}
    FileRead $0 ${TARGET} 64
    FileClose $0
    ${TrimNewLines} "${TARGET}" ${TARGET}
  ${EndIf}
  ClearErrors
!macroend

; Replace FILE of the program folder by one with the line TEXT, at once.
!macro WRITE_POINTER FILE TEXT
  ClearErrors
  FileOpen $0 "$INSTDIR\${FILE}.new" w
  FileWrite $0 "${TEXT}$\n"
  System::Call 'kernel32::FlushFileBuffers(p r0)'
  FileClose $0
  ${If} ${Errors}
    Call fail
  ${EndIf}
  ; MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH
  System::Call 'kernel32::MoveFileExW(w "$INSTDIR\${FILE}.new", w "$INSTDIR\${FILE}", i 9) i .r1'
  ${If} $1 = 0
    Call fail
  ${EndIf}
!macroend

; What ran before still runs: nothing of it was touched.
Function fail
  SetOutPath "$TEMP"
  RMDir /r "$INSTDIR\$Slot.part"
  !insertmacro END_WITH ${NOT_WRITTEN} "$(COULD_NOT_WRITE)"
FunctionEnd

; A folder is complete once it has its name. One that is there already may be running, or may be damaged: this is a repair.
Function choose_slot
  StrCpy $Slot "${VERSION}"
  StrCpy $1 0
  ${While} ${FileExists} "$INSTDIR\$Slot\*.*"
    IntOp $1 $1 + 1
    StrCpy $Slot "${VERSION}+$1"
  ${EndWhile}
FunctionEnd

Function unpack
  ; noted for the uninstaller: a folder that Windows has not made
  ${IfNot} ${FileExists} "$LOCALAPPDATA\Programs\*.*"
    StrCpy $9 1
  ${Else}
    StrCpy $9 0
  ${EndIf}
  Call choose_slot
  RMDir /r "$INSTDIR\$Slot.part"
  SetOverwrite try
  ClearErrors
  !include "${FILES}"
  SetOutPath "$INSTDIR"
  ${If} ${Errors}
    Call fail
  ${EndIf}
  ; a virus scanner may still read what was just written
  StrCpy $1 0
  ${Do}
    ClearErrors
    Rename "$INSTDIR\$Slot.part" "$INSTDIR\$Slot"
    ${IfNot} ${Errors}
      ${ExitDo}
    ${EndIf}
    IntOp $1 $1 + 1
    ${If} $1 > 50
      Call fail
    ${EndIf}
    Sleep 200
  ${Loop}
FunctionEnd

Function switch
  !insertmacro READ_POINTER "current" $Current
  ; a repair keeps the version to go back to: the damaged one is none
  StrCpy $1 $Current 0
  StrLen $2 "${VERSION}"
  StrCpy $1 $Current $2
  ${If} $Current != ""
  ${AndIf} $1 != "${VERSION}"
    !insertmacro WRITE_POINTER "previous" "$Current"
  ${EndIf}
  !insertmacro WRITE_POINTER "current" "$Slot"
FunctionEnd

Function stop_agent
  StrCpy $Ran 0
  ${If} ${FileExists} "$INSTDIR\iea-agent.exe"
    nsExec::Exec '"$INSTDIR\iea-agent.exe" quit'
    Pop $0
    ${If} $0 == "0"
      StrCpy $Ran 1
    ${EndIf}
  ${EndIf}
FunctionEnd

; A program that runs can be renamed, but not replaced.
!macro REPLACE_LAUNCHER NAME
  ; left by an earlier update, when another session still used it
  Delete "$INSTDIR\${NAME}.old.exe"
  ClearErrors
  File "/oname=$INSTDIR\${NAME}.new.exe" "${LAUNCHERS}\${NAME}.exe"
  ${If} ${Errors}
    Call fail
  ${EndIf}
  StrCpy $1 0
  ${Do}
    System::Call 'kernel32::MoveFileExW(w "$INSTDIR\${NAME}.new.exe", w "$INSTDIR\${NAME}.exe", i 9) i .r2'
    ${If} $2 <> 0
      ${ExitDo}
    ${EndIf}
    IntOp $1 $1 + 1
    ; the agent has ended, but who watches this setup runs on: no icon is shown meanwhile
    ${If} $1 = 3
      Rename "$INSTDIR\${NAME}.exe" "$INSTDIR\${NAME}.old.exe"
    ${ElseIf} $1 > 10
      ; the launcher that is there reads the same files
      Delete "$INSTDIR\${NAME}.new.exe"
      ${ExitDo}
    ${EndIf}
    Sleep 200
  ${Loop}
!macroend

Function replace_launchers
  SetOverwrite try
  !insertmacro REPLACE_LAUNCHER "iea-agent"
  !insertmacro REPLACE_LAUNCHER "iea-agentw"
  WriteUninstaller "$INSTDIR\uninstall.exe"
FunctionEnd

; Neither this version nor the one to go back to. A clerk could not remove them from %ProgramFiles%.
Function remove_old_versions
  !insertmacro READ_POINTER "previous" $8
  FindFirst $1 $2 "$INSTDIR\*"
  ${DoWhile} $2 != ""
    StrCpy $3 $2 1
    ${If} $3 != "."
    ${AndIf} $2 != $Slot
    ${AndIf} $2 != $8
    ${AndIf} ${FileExists} "$INSTDIR\$2\lib\*.*"
      ; Windows refuses this while a process of any session has it loaded, and then nothing else is touched
      Delete "$INSTDIR\$2\python31?.dll"
      ${IfNot} ${FileExists} "$INSTDIR\$2\python31?.dll"
        RMDir /r "$INSTDIR\$2"
      ${EndIf}
    ${EndIf}
    FindNext $1 $2
  ${Loop}
  FindClose $1
FunctionEnd

Function register
  ReadRegStr $8 SHCTX "${UNINSTALL_KEY}" "DisplayVersion"
  ; as it was after an update, on at the first time
  ${If} $Autostart == "1"
  ${OrIf} "$Autostart$8" == ""
    WriteRegStr SHCTX "${RUN_KEY}" "${NAME}" '"$INSTDIR\iea-agentw.exe" run --quiet'
  ${ElseIf} $Autostart == "0"
    DeleteRegValue SHCTX "${RUN_KEY}" "${NAME}"
  ${EndIf}
  CreateDirectory "$SMPROGRAMS\${NAME}"
  CreateShortcut "$SMPROGRAMS\${NAME}\${NAME}.lnk" "$INSTDIR\iea-agentw.exe" "run"
  CreateShortcut "$SMPROGRAMS\${NAME}\$(SHORTCUT_LAUNCH).lnk" "$INSTDIR\iea-agentw.exe" "launch"
  CreateShortcut "$SMPROGRAMS\${NAME}\$(SHORTCUT_SUPPORT).lnk" "$INSTDIR\iea-agentw.exe" "support"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "DisplayName" "${NAME}"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "DisplayIcon" "$INSTDIR\iea-agentw.exe"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "Publisher" "${NAME}"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "InstallLocation" "$INSTDIR"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" "EstimatedSize" ${SIZE}
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" "NoModify" 1
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" "NoRepair" 1
  ${If} $8 == ""
    WriteRegDWORD SHCTX "${UNINSTALL_KEY}" "MadePrograms" $9
  ${EndIf}
  ; last: who is killed before does not look installed
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "DisplayVersion" "${VERSION}"
FunctionEnd

; Note that the value of the parameter NAME was refused.
!macro REFUSE NAME
  StrCpy $Outcome ${REFUSED}
  StrCpy $Refused "$Refused ${NAME}"
!macroend

; The FILE that the administrator gave, or "", becomes TARGET in the folder of the policy ($2, rights: $3).
!macro COPY_POLICY_FILE NAME FILE TARGET
  ${If} "${FILE}" != ""
    StrCpy $0 "${FILE}"
    System::Call 'kernel32::CopyFileW(w r0, w "$2\${TARGET}", i 0) i .r4'
    ${If} $4 = 0
      !insertmacro REFUSE "${NAME}"
    ${EndIf}
    System::Call 'advapi32::SetFileSecurityW(w "$2\${TARGET}", i 0x80000007, p r3) i .r4'
  ${EndIf}
!macroend

; The folder of the policy: administrators and the system write, users read. Who could make it first would have the last word.
Function make_policy_folder
  SetShellVarContext all
  StrCpy $2 "$APPDATA\${NAME}"
  System::Call 'advapi32::ConvertStringSecurityDescriptorToSecurityDescriptorW(w "O:BAG:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)", i 1, *p .r3, p 0) i .r0'
  System::Call '*(i 24, i 0, p r3, i 0, i 0) p .r4'
  System::Call 'kernel32::CreateDirectoryW(w r2, p r4) i .r0'
  ${If} $0 = 0
    ; it was there: owner and list (OWNER_, GROUP_, DACL_ and PROTECTED_DACL_SECURITY_INFORMATION)
    System::Call 'advapi32::SetFileSecurityW(w r2, i 0x80000007, p r3) i .r0'
  ${EndIf}
  System::Free $4
  !insertmacro COPY_POLICY_FILE "POLICY" "$Policy" "policy.toml"
  !insertmacro COPY_POLICY_FILE "REGISTER" "$Register" "register.json"
  !insertmacro COPY_POLICY_FILE "ROOT" "$Root" "root.json"
  System::Call 'kernel32::LocalFree(p r3)'
FunctionEnd

; Run the installed agent's own command: it judges what it is given.
!macro SET NAME SETTING VALUE
  ${If} "${VALUE}" != ""
    nsExec::Exec '"$INSTDIR\iea-agent.exe" settings set ${SETTING} "${VALUE}"'
    Pop $0
    ${If} $0 != "0"
      !insertmacro REFUSE "${NAME}"
    ${EndIf}
  ${EndIf}
!macroend

Function apply_settings
  !insertmacro SET "AUTHENTICATION" "connection.authentication" "$Authentication"
  !insertmacro SET "UPDATES" "connection.updates" "$Updates"
  !insertmacro SET "PROGRAM" "program.path" "$Program"
  ${If} $KeyFile != ""
    Call set_licence
  ${Else}
    !insertmacro SET "LICENCE" "licence.number" "$Licence"
  ${EndIf}
FunctionEnd

; Start "licence set" with the file, or with our own standard input, as its standard input.
Function set_licence
  ${If} $KeyFile == "-"
    System::Call 'kernel32::GetStdHandle(i -10) p .r1'
    ; HANDLE_FLAG_INHERIT
    System::Call 'kernel32::SetHandleInformation(p r1, i 1, i 1)'
  ${Else}
    System::Call '*(i 24, i 0, p 0, i 1, i 0) p .r2'
    System::Call 'kernel32::CreateFileW(w "$KeyFile", i 0x80000000, i 1, p r2, i 3, i 0, p 0) p .r1'
    System::Free $2
  ${EndIf}
  ; STARTUPINFOW with STARTF_USESTDHANDLES
  System::Call '*(i 104, i 0, p 0, p 0, p 0, i 0, i 0, i 0, i 0, i 0, i 0, i 0, i 0x100, i 0, i 0, p 0, p r1, p 0, p 0) p .r2'
  ; PROCESS_INFORMATION
  System::Call '*(p 0, p 0, i 0, i 0) p .r3'
  ; CREATE_NO_WINDOW
  StrCpy $4 '"$INSTDIR\iea-agent.exe" licence set "$Licence"'
  System::Call 'kernel32::CreateProcessW(p 0, w r4, p 0, p 0, i 1, i 0x08000000, p 0, p 0, p r2, p r3) i .r5'
  StrCpy $6 1
  ${If} $5 <> 0
    System::Call '*$3(p .r7, p .r8)'
    System::Call 'kernel32::WaitForSingleObject(p r7, i 60000)'
    System::Call 'kernel32::GetExitCodeProcess(p r7, *i .r6)'
    System::Call 'kernel32::CloseHandle(p r7)'
    System::Call 'kernel32::CloseHandle(p r8)'
  ${EndIf}
  ${If} $KeyFile != "-"
    System::Call 'kernel32::CloseHandle(p r1)'
  ${EndIf}
  System::Free $2
  System::Free $3
  ${If} $6 <> 0
    !insertmacro REFUSE "LICENCE KEYFILE"
  ${EndIf}
FunctionEnd

Function test_servers
  StrCpy $TestCode ""
  ${If} $WithTest == 1
    DetailPrint "$(TESTING)"
    nsExec::Exec '"$INSTDIR\iea-agent.exe" test'
    Pop $TestCode
    ${If} $Outcome = 0
      ${If} $TestCode == "4"
        StrCpy $Outcome ${REFUSED}
      ${ElseIf} $TestCode != "0"
        StrCpy $Outcome ${UNREACHABLE}
      ${EndIf}
    ${EndIf}
  ${EndIf}
FunctionEnd

Section
  SetDetailsPrint both
  DetailPrint "$(UNPACKING)"
  SetDetailsPrint none
  Call unpack
  Call switch
  Call stop_agent
  Call replace_launchers
  Call remove_old_versions
  Call register
  ${If} $ForAll == 1
    Call make_policy_folder
  ${Else}
    Call apply_settings
  ${EndIf}
  SetDetailsPrint both
  Call test_servers
  Call choose_verdict
  ${If} $Outcome <> 0
    !insertmacro SAY "$Verdict"
  ${EndIf}
  SetErrorLevel $Outcome
  ; a person chooses on the last page; nobody starts an agent with the rights of an administrator
  ${If} $WithStart == 1
    ${If} $Ran == 1
      Call start_agent
    ${ElseIf} ${Silent}
    ${AndIf} $ForAll != 1
      Call start_agent
    ${EndIf}
  ${EndIf}
SectionEnd

; An agent that ran, or that nobody waits for: it opens no window.
Function start_agent
  ${If} $ForAll == 1
    Call open_agent
  ${Else}
    Exec '"$INSTDIR\iea-agentw.exe" run --quiet'
  ${EndIf}
FunctionEnd

; By a person, on the last page: the settings open if there is no licence yet.
Function open_agent
  ${If} $ForAll == 1
    ; Explorer has the rights of the person who is logged on
    Exec '"$WINDIR\explorer.exe" "$SMPROGRAMS\${NAME}\${NAME}.lnk"'
  ${Else}
    Exec '"$INSTDIR\iea-agentw.exe" run'
  ${EndIf}
FunctionEnd

Function choose_verdict
  ${If} $Refused != ""
    ${If} $ForAll == 1
      StrCpy $Verdict "$(POLICY_REFUSED)"
    ${Else}
      StrCpy $Verdict "$(SETTING_REFUSED)"
    ${EndIf}
  ${ElseIf} $TestCode == ""
    StrCpy $Verdict ""
  ${ElseIf} $TestCode == "0"
    StrCpy $Verdict "$(TEST_PASSED)"
  ${ElseIf} $TestCode == "4"
    StrCpy $Verdict "$(TEST_REFUSED)"
  ${Else}
    StrCpy $Verdict "$(TEST_FAILED)"
  ${EndIf}
FunctionEnd

; The last page: what the test said, where the icon is, how it stays in sight.
Function show_place
  InitPluginsDir
  File "/oname=$PLUGINSDIR\place.bmp" "${PLACE}"
  StrCpy $0 "$Verdict"
  ${If} $0 != ""
    StrCpy $0 "$0$\r$\n$\r$\n"
  ${EndIf}
  SendMessage $mui.FinishPage.Text ${WM_SETTEXT} 0 "STR:$0$(FINISH_TEXT)"
  ${NSD_CreateBitmap} 120u 128u 195u 60u ""
  Pop $1
  ${NSD_SetStretchedBitmap} $1 "$PLUGINSDIR\place.bmp" $2
FunctionEnd

; ------------------------------------------------------------------------------------------------------------ uninstall

!ifdef SIGN
  !uninstfinalize '${SIGN} "%1"'
!endif

Function un.onInit
  SetRegView 64
  ${GetParameters} $Parameters
  ; the folder says for whom it was installed
  ReadRegStr $0 HKLM "${UNINSTALL_KEY}" "InstallLocation"
  ${If} $0 == $INSTDIR
    System::Call 'shell32::IsUserAnAdmin() i .r0'
    ${If} $0 = 0
      ${IfNot} ${Silent}
        !insertmacro ELEVATE "$INSTDIR\uninstall.exe"
      ${EndIf}
      !insertmacro END_WITH ${NEEDS_ADMINISTRATOR} "$(NEEDS_RIGHTS)"
    ${EndIf}
    SetShellVarContext all
  ${Else}
    SetShellVarContext current
  ${EndIf}
  ; PURGE: the person's settings, secrets and journals go, too
  StrCpy $Outcome 0
  StrCpy $ForAll 0
  ClearErrors
  ${GetOptions} $Parameters "/PURGE" $0
  ${IfNot} ${Errors}
    StrCpy $ForAll 1
  ${ElseIfNot} ${Silent}
    MessageBox MB_YESNO|MB_ICONQUESTION|MB_DEFBUTTON2 "$(ASK_PURGE)" IDNO +2
    StrCpy $ForAll 1
  ${EndIf}
FunctionEnd

Section "Uninstall"
  SetOutPath "$TEMP"
  nsExec::Exec '"$INSTDIR\iea-agent.exe" quit'
  Pop $0
  ${If} $ForAll == 1
    ; the vault can only be emptied by a program of the person's: the agent
    nsExec::Exec '"$INSTDIR\iea-agent.exe" forget'
    Pop $0
    ${If} $0 != "0"
      StrCpy $Outcome ${REFUSED}
    ${EndIf}
  ${EndIf}
  ReadRegDWORD $9 SHCTX "${UNINSTALL_KEY}" "MadePrograms"
  Call un.remove_versions
  Delete "$INSTDIR\current"
  Delete "$INSTDIR\current.new"
  Delete "$INSTDIR\previous"
  Delete "$INSTDIR\previous.new"
  Delete "$INSTDIR\iea-agent*.exe"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
  ${If} ${FileExists} "$INSTDIR\*.*"
    ; another session's agent still runs: what it uses goes when Windows starts again
    StrCpy $Outcome ${BUSY}
    Delete /REBOOTOK "$INSTDIR\iea-agentw.exe"
  ${EndIf}
  ${If} $9 = 1
    RMDir "$LOCALAPPDATA\Programs"
  ${EndIf}
  RMDir /r "$SMPROGRAMS\${NAME}"
  Call un.forget_autostart
  DeleteRegKey SHCTX "${UNINSTALL_KEY}"
  SetErrorLevel $Outcome
SectionEnd

; The entry that starts the agent at logon, and what the Task Manager has noted of it; not those of another program of this name.
!macro FORGET_AUTOSTART ROOT BEFORE
  ReadRegStr $1 ${ROOT} "${BEFORE}${RUN_KEY}" "${NAME}"
  StrLen $2 '"$INSTDIR\'
  StrCpy $2 $1 $2
  ${If} $1 == ""
  ${OrIf} $2 == '"$INSTDIR\'
    DeleteRegValue ${ROOT} "${BEFORE}${RUN_KEY}" "${NAME}"
    DeleteRegValue ${ROOT} "${BEFORE}${APPROVED_KEY}" "${NAME}"
  ${EndIf}
!macroend

Function un.forget_autostart
  ReadRegStr $0 HKLM "${UNINSTALL_KEY}" "InstallLocation"
  ${If} $0 == $INSTDIR
    !insertmacro FORGET_AUTOSTART HKLM ""
    ; everybody who is logged on may have disabled it
    StrCpy $3 0
    ${Do}
      EnumRegKey $4 HKU "" $3
      ${If} $4 == ""
        ${ExitDo}
      ${EndIf}
      !insertmacro FORGET_AUTOSTART HKU "$4\"
      IntOp $3 $3 + 1
    ${Loop}
    ; the folder of the policy: what is in it is the administrator's
    RMDir "$APPDATA\${NAME}"
  ${Else}
    !insertmacro FORGET_AUTOSTART HKCU ""
  ${EndIf}
FunctionEnd

; Only what is a version: the folder could hold something that is not ours.
Function un.remove_versions
  FindFirst $1 $2 "$INSTDIR\*"
  ${DoWhile} $2 != ""
    StrCpy $3 $2 1
    ${If} $3 == "."
      ; the folder itself and the one above
    ${ElseIf} ${FileExists} "$INSTDIR\$2\python3??.dll"
    ${OrIf} ${FileExists} "$INSTDIR\$2\python3??.zip"
      RMDir /r "$INSTDIR\$2"
    ${Else}
      StrCpy $3 $2 "" -5
      ${If} $3 == ".part"
        RMDir /r "$INSTDIR\$2"
      ${EndIf}
    ${EndIf}
    FindNext $1 $2
  ${Loop}
  FindClose $1
FunctionEnd
