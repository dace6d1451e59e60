; The arguments as Windows splits them: NSIS's own macros lose the end of one before a quotation mark, and of one with "/" in it.

; What follows is done for each argument: $6 is the whole, $7 its name, "/NAME", and $8 what follows "=".
!macro EACH_ARGUMENT
  System::Call 'kernel32::GetCommandLineW() p .r1'
  System::Call 'shell32::CommandLineToArgvW(p r1, *i .r2) p .r3'
  IntOp $2 $2 - 1
  ${For} $4 1 $2
    IntPtrOp $5 $4 * 8
    IntPtrOp $5 $3 + $5
    System::Call '*$5(p .r5)'
    System::Call 'kernel32::lstrcpynW(w .r6, p r5, i ${NSIS_MAX_STRLEN})'
    ${WordFind} "$6" "=" "+1" $7
    StrLen $9 "$7="
    StrCpy $8 $6 "" $9
!macroend

!macro NEXT_ARGUMENT
  ${Next}
  System::Call 'kernel32::LocalFree(p r3)'
!macroend
