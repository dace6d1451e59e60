/* Stands in for Impact emploi: a window that says its version, and what the agent has told it. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <stdio.h>
#include <wchar.h>

#define AGENT_KEY L"Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\IEA Agent"
#define LONGEST 1024

/* Ask the agent for its access token, as a program of the same person may. Returns how many characters it has, 0 for none. */
static int ask_for_token(void)
{
    wchar_t folder[LONGEST], command[LONGEST + 40];
    DWORD size = sizeof folder, got = 0;
    char text[8192];
    HANDLE reading, writing;
    SECURITY_ATTRIBUTES inherited = {.nLength = sizeof inherited, .bInheritHandle = TRUE};
    PROCESS_INFORMATION process;
    int length = 0;

    if (RegGetValueW(HKEY_CURRENT_USER, AGENT_KEY, L"InstallLocation", RRF_RT_REG_SZ, NULL, folder, &size))
        return 0;
    swprintf(command, LONGEST + 40, L"\"%ls\\iea-agent.exe\" token", folder);
    if (!CreatePipe(&reading, &writing, &inherited, 0))
        return 0;
    SetHandleInformation(reading, HANDLE_FLAG_INHERIT, 0);
    STARTUPINFOW start = {.cb = sizeof start, .dwFlags = STARTF_USESTDHANDLES, .hStdOutput = writing};
    if (!CreateProcessW(NULL, command, NULL, NULL, TRUE, CREATE_NO_WINDOW, NULL, NULL, &start, &process))
        return 0;
    CloseHandle(writing);
    /* it goes nowhere: only its length is shown */
    while (length < (int)sizeof text && ReadFile(reading, text + length, (DWORD)sizeof text - (DWORD)length, &got, NULL) && got)
        length += (int)got;
    DWORD code = 1;
    WaitForSingleObject(process.hProcess, 20000);
    GetExitCodeProcess(process.hProcess, &code);
    while (length && (text[length - 1] == '\n' || text[length - 1] == '\r'))
        length--;
    SecureZeroMemory(text, sizeof text);
    CloseHandle(process.hProcess);
    CloseHandle(process.hThread);
    CloseHandle(reading);
    return code ? 0 : length;
}

static DWORD WINAPI show_token(void *label)
{
    wchar_t text[200];
    int length = ask_for_token();
    if (length)
        swprintf(text, 200, L"L\u2019agent a donn\u00e9 un jeton d\u2019acc\u00e8s (%d caract\u00e8res) : le serveur reconna\u00eet ce poste.", length);
    else
        wcscpy(text, L"L\u2019agent n\u2019a pas donn\u00e9 de jeton d\u2019acc\u00e8s.");
    SetWindowTextW((HWND)label, text);
    return 0;
}

static LRESULT CALLBACK handle(HWND window, UINT message, WPARAM w, LPARAM l)
{
    if (message == WM_DESTROY)
        PostQuitMessage(0);
    return DefWindowProcW(window, message, w, l);
}

int WINAPI wWinMain(HINSTANCE instance, HINSTANCE before, PWSTR line, int show)
{
    WNDCLASSW kind = {
        .lpfnWndProc = handle, .hInstance = instance, .lpszClassName = L"payroll", .hbrBackground = (HBRUSH)(COLOR_BTNFACE + 1),
        .hCursor = LoadCursorW(NULL, (const WCHAR *)IDC_ARROW), .hIcon = LoadIconW(NULL, (const WCHAR *)IDI_APPLICATION)
    };
    MSG message;
    (void)before, (void)line;
    RegisterClassW(&kind);
    HWND window = CreateWindowW(L"payroll", L"Impact emploi " VERSION, WS_OVERLAPPEDWINDOW, 120, 120, 560, 220, NULL, NULL, instance, NULL);
    CreateWindowW(L"STATIC", L"Ce programme du banc d\u2019essai tient lieu d\u2019Impact emploi, version " VERSION L".",
        WS_CHILD | WS_VISIBLE, 20, 30, 500, 40, window, NULL, instance, NULL);
    HWND label = CreateWindowW(L"STATIC", L"Demande d\u2019un jeton d\u2019acc\u00e8s\u2026", WS_CHILD | WS_VISIBLE, 20, 90, 500, 60, window, NULL, instance, NULL);
    ShowWindow(window, show);
    CloseHandle(CreateThread(NULL, 0, show_token, label, 0, NULL));
    while (GetMessageW(&message, NULL, 0, 0) > 0) {
        TranslateMessage(&message);
        DispatchMessageW(&message);
    }
    return 0;
}
