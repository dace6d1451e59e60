; What a setup without a window says: in the prompt that has started it, or where its errors were sent ("2> file").

; Functions of the uninstaller begin with "un.".
!macro SAY_FUNCTION PREFIX
Function ${PREFIX}say
  Exch $0
  Push $1
  Push $2
  Push $3
  Push $4
  ; ATTACH_PARENT_PROCESS, STD_ERROR_HANDLE
  System::Call 'kernel32::AttachConsole(i -1)'
  System::Call 'kernel32::GetStdHandle(i -12) p .r1'
  StrLen $2 $0
  System::Call 'kernel32::WriteConsoleW(p r1, w r0, i r2, *i .r4, p 0) i .r3'
  ${If} $3 = 0
    ; a file or a pipe: in UTF-8
    System::Call 'kernel32::WideCharToMultiByte(i 65001, i 0, w r0, i -1, p 0, i 0, p 0, p 0) i .r2'
    System::Alloc $2
    Pop $3
    System::Call 'kernel32::WideCharToMultiByte(i 65001, i 0, w r0, i -1, p r3, i r2, p 0, p 0)'
    IntOp $2 $2 - 1
    System::Call 'kernel32::WriteFile(p r1, p r3, i r2, *i .r4, p 0)'
    System::Free $3
  ${EndIf}
  Pop $4
  Pop $3
  Pop $2
  Pop $1
  Pop $0
FunctionEnd
!macroend

; Say TEXT, if there is no window that does.
!macro SAY TEXT
  ${If} ${Silent}
    Push "${TEXT}$\r$\n"
    !ifdef __UNINSTALL__
      Call un.say
    !else
      Call say
    !endif
  ${EndIf}
!macroend
