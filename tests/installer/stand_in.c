/* Stands in for Python's library: says which folder it was loaded from, and with which arguments. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <stdio.h>
#include <wchar.h>

static HMODULE self;

BOOL WINAPI DllMain(HINSTANCE module, DWORD reason, void *reserved)
{
    (void)reserved;
    if (reason == DLL_PROCESS_ATTACH)
        self = module;
    return TRUE;
}

__declspec(dllexport) int Py_Main(int count, wchar_t **words)
{
    wchar_t path[1024];
    char text[8192];
    GetModuleFileNameW(self, path, 1024);
    *wcsrchr(path, L'\\') = L'\0';
    int length = snprintf(text, sizeof text, "%ls\n", wcsrchr(path, L'\\') + 1);
    for (int number = 1; number < count; number++) {
        char bytes[2048];
        WideCharToMultiByte(CP_UTF8, 0, words[number], -1, bytes, sizeof bytes, NULL, NULL);
        length += snprintf(text + length, sizeof text - length, "%s\n", bytes);
    }
    DWORD written;
    HANDLE output = GetStdHandle(STD_OUTPUT_HANDLE);
    WriteFile(output, text, (DWORD)length, &written, NULL);
    if (GetEnvironmentVariableW(L"STAND_IN_CRASHES", path, 1024) > 0) {
        /* says so in the file that the variable names: nobody reads the output of a program that is started again */
        HANDLE record = CreateFileW(path, FILE_APPEND_DATA, FILE_SHARE_READ, NULL, OPEN_ALWAYS, 0, NULL);
        WriteFile(record, "crash\n", 6, &written, NULL);
        CloseHandle(record);
        RaiseException(EXCEPTION_ACCESS_VIOLATION, EXCEPTION_NONCONTINUABLE, 0, NULL);
    }
    if (count > 1 && wcscmp(words[count - 1], L"run") == 0 && GetEnvironmentVariableW(L"STAND_IN_WAITS", path, 8) > 0) {
        /* until the test closes the pipe */
        DWORD read;
        char byte;
        ReadFile(GetStdHandle(STD_INPUT_HANDLE), &byte, 1, &read, NULL);
    }
    return 7;
}
