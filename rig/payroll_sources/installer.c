/* Installs the program that stands in for Impact emploi, for one person: file and entry. "/S" shows no window. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <shlobj.h>
#include <stdio.h>
#include <wchar.h>

#define ENTRY L"Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\Impact emploi association"
#define LONGEST 1024
#define WORK 1500

enum { DONE = 0, FAILED = 1603 };

static int write_program(const wchar_t *path)
{
    wchar_t part[LONGEST + 8];
    HRSRC resource = FindResourceW(NULL, MAKEINTRESOURCEW(10), (const WCHAR *)RT_RCDATA);
    DWORD written = 0, size = SizeofResource(NULL, resource);
    const void *content = LockResource(LoadResource(NULL, resource));
    swprintf(part, LONGEST + 8, L"%ls.new", path);
    HANDLE file = CreateFileW(part, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return 0;
    WriteFile(file, content, size, &written, NULL);
    CloseHandle(file);
    return written == size && MoveFileExW(part, path, MOVEFILE_REPLACE_EXISTING);
}

static void write_entry(const wchar_t *name, const wchar_t *text)
{
    RegSetKeyValueW(HKEY_CURRENT_USER, ENTRY, name, REG_SZ, text, (DWORD)((wcslen(text) + 1) * sizeof *text));
}

static int install(void)
{
    wchar_t folder[LONGEST], path[LONGEST], icon[LONGEST];
    wchar_t local[MAX_PATH];
    if (SHGetFolderPathW(NULL, CSIDL_LOCAL_APPDATA, NULL, 0, local))
        return FAILED;
    swprintf(folder, LONGEST, L"%ls\\Programs", local);
    CreateDirectoryW(folder, NULL);
    wcscat(folder, L"\\Impact emploi");
    CreateDirectoryW(folder, NULL);
    swprintf(path, LONGEST, L"%ls\\ImpactEmploi.exe", folder);
    swprintf(icon, LONGEST, L"%ls,0", path);
    if (!write_program(path))
        return FAILED;
    write_entry(L"DisplayName", L"Impact emploi association");
    write_entry(L"DisplayIcon", icon);
    write_entry(L"InstallLocation", folder);
    /* last: an installation that was cut looks like none */
    write_entry(L"DisplayVersion", VERSION);
    return DONE;
}

int WINAPI wWinMain(HINSTANCE instance, HINSTANCE before, PWSTR line, int show)
{
    MSG message;
    (void)before;
    if (wcsstr(line, L"/S"))
        return install();
    HWND window = CreateWindowW(L"#32770", L"Installation d\u2019Impact emploi " VERSION, WS_OVERLAPPED | WS_CAPTION, 200, 200, 420, 140, NULL, NULL, instance, NULL);
    CreateWindowW(L"STATIC", L"Copie des fichiers d\u2019Impact emploi " VERSION L"\u2026", WS_CHILD | WS_VISIBLE, 20, 30, 360, 40, window, NULL, instance, NULL);
    ShowWindow(window, show);
    DWORD end = GetTickCount() + WORK;
    while (GetTickCount() < end) {
        MsgWaitForMultipleObjects(0, NULL, FALSE, 50, QS_ALLINPUT);
        while (PeekMessageW(&message, NULL, 0, 0, PM_REMOVE))
            DispatchMessageW(&message);
    }
    return install();
}
