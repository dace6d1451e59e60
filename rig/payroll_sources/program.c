/* Stands in for Impact emploi: a window that says its version, and what the agent has told it. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#define AGENT_KEY L"Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\IEA Agent"
#define LONGEST 1024
/* more than the agent passes on */
#define LONGEST_ANSWER 40000
#define NOT_STARTED (-1)

/* Run "iea-agent token", as a program of the same person may. Returns its exit code, and in *answer* what it wrote: the token in JSON (exit code 0), else
   why there is none. It goes through a pipe: a token belongs on no command line and in no file. */
static int ask_for_token(char *answer)
{
    wchar_t folder[LONGEST], command[LONGEST + 40];
    DWORD size = sizeof folder, length = 0, got = 0, code = 1;
    HANDLE reading, writing;
    SECURITY_ATTRIBUTES inherited = {.nLength = sizeof inherited, .bInheritHandle = TRUE};
    PROCESS_INFORMATION process;

    if (RegGetValueW(HKEY_CURRENT_USER, AGENT_KEY, L"InstallLocation", RRF_RT_REG_SZ, NULL, folder, &size))
        return NOT_STARTED;
    swprintf(command, LONGEST + 40, L"\"%ls\\iea-agent.exe\" token", folder);
    if (!CreatePipe(&reading, &writing, &inherited, 0))
        return NOT_STARTED;
    SetHandleInformation(reading, HANDLE_FLAG_INHERIT, 0);
    STARTUPINFOW start = {.cb = sizeof start, .dwFlags = STARTF_USESTDHANDLES, .hStdOutput = writing, .hStdError = writing};
    BOOL is_started = CreateProcessW(NULL, command, NULL, NULL, TRUE, CREATE_NO_WINDOW, NULL, NULL, &start, &process);
    CloseHandle(writing);
    while (is_started && length < LONGEST_ANSWER && ReadFile(reading, answer + length, LONGEST_ANSWER - length, &got, NULL) && got)
        length += got;
    answer[length] = 0;
    CloseHandle(reading);
    if (!is_started)
        return NOT_STARTED;
    WaitForSingleObject(process.hProcess, 20000);
    GetExitCodeProcess(process.hProcess, &code);
    CloseHandle(process.hProcess);
    CloseHandle(process.hThread);
    return (int)code;
}

/* Returns how many characters the token in *answer* has, 0 for none. */
static int measure_token(const char *answer)
{
    const char *place = strstr(answer, "\"access_token\"");
    place = place ? strchr(place, ':') : NULL;
    place = place ? strchr(place, '"') : NULL;
    return place ? (int)strcspn(place + 1, "\"") : 0;
}

static DWORD WINAPI show_answer(void *label)
{
    static char answer[LONGEST_ANSWER + 1];
    wchar_t text[LONGEST], line[LONGEST] = L"";
    int code = ask_for_token(answer), length = code ? 0 : measure_token(answer);
    if (length)
        swprintf(text, LONGEST, L"L\u2019agent a donn\u00e9 un jeton d\u2019acc\u00e8s (%d caract\u00e8res) : le serveur reconna\u00eet ce poste.", length);
    else if (code == NOT_STARTED)
        wcscpy(text, L"Ce programme n\u2019a pas pu interroger l\u2019agent.");
    else {
        /* the first line of the refusal; an answer with exit code 0 may hold a secret */
        if (code)
            MultiByteToWideChar(CP_UTF8, 0, answer, (int)strcspn(answer, "\r\n"), line, LONGEST / 2);
        swprintf(text, LONGEST, L"L\u2019agent n\u2019a pas donn\u00e9 de jeton d\u2019acc\u00e8s. %ls", line);
    }
    SecureZeroMemory(answer, sizeof answer);
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
    CloseHandle(CreateThread(NULL, 0, show_answer, label, 0, NULL));
    while (GetMessageW(&message, NULL, 0, 0) > 0) {
        TranslateMessage(&message);
        DispatchMessageW(&message);
    }
    return 0;
}
