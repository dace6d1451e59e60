/* What the MSI does and Windows Installer cannot: it switches to the version that was installed, and removes what no version uses.

   msi_steps.exe install FOLDER VERSION   after the files of the version are there
   msi_steps.exe remove FOLDER            when the product is removed

   Windows Installer starts it with the rights of the system. The exit code is 0 if all went well. docs/two-slots.md has the rules. */

#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <sddl.h>
#include <wchar.h>

#include "pointers.h"

#define RUN L"Software\\Microsoft\\Windows\\CurrentVersion\\Run"
/* where the Task Manager notes that somebody has disabled an entry of it */
#define APPROVED L"Software\\Microsoft\\Windows\\CurrentVersion\\Explorer\\StartupApproved\\Run"
#define ENTRY L"IEA Agent"

/* administrators and the system write, users read: whoever could make the folder of the policy would have the last word */
#define POLICY_RIGHTS L"O:BAG:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)"

/* Widen a version's name, which is plain ASCII. */
static void widen(const char *version, wchar_t *name)
{
    do
        *name++ = (wchar_t)(unsigned char)*version;
    while (*version++ != '\0');
}

/* Replace the file "current" or "previous" at once, by one with the line version. */
static BOOL write_pointer(const wchar_t *file, const char *version)
{
    wchar_t path[LONGEST], fresh[LONGEST];
    char line[LONGEST_NAME + 2];
    DWORD length = (DWORD)strlen(version), written = 0;
    memcpy(line, version, length);
    line[length++] = '\n';
    if (!JOIN(path, folder, file) || !JOIN(fresh, path, L".new"))
        return FALSE;
    HANDLE target = CreateFileW(fresh, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
    if (target == INVALID_HANDLE_VALUE)
        return FALSE;
    BOOL whole = WriteFile(target, line, length, &written, NULL) && written == length && FlushFileBuffers(target);
    CloseHandle(target);
    return whole && MoveFileExW(fresh, path, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH);
}

/* Call act with the path of each entry of a folder that matches the pattern, but "." and ".."; FALSE if one call says so. */
static BOOL for_each(const wchar_t *parent, const wchar_t *pattern, BOOL (*act)(const wchar_t *, const WIN32_FIND_DATAW *))
{
    wchar_t path[LONGEST];
    WIN32_FIND_DATAW entry;
    BOOL all = TRUE;
    if (!JOIN(path, parent, L"\\", pattern))
        return FALSE;
    HANDLE search = FindFirstFileW(path, &entry);
    if (search == INVALID_HANDLE_VALUE)
        return TRUE;
    do {
        if (wcscmp(entry.cFileName, L".") != 0 && wcscmp(entry.cFileName, L"..") != 0)
            all = JOIN(path, parent, L"\\", entry.cFileName) && act(path, &entry) && all;
    } while (FindNextFileW(search, &entry));
    FindClose(search);
    return all;
}

static BOOL delete_file(const wchar_t *path, const WIN32_FIND_DATAW *unused)
{
    (void)unused;
    SetFileAttributesW(path, FILE_ATTRIBUTE_NORMAL);
    return DeleteFileW(path);
}

/* Delete a file, or a folder with all that is in it. A link to another folder goes, not what it leads to. */
static BOOL delete_all(const wchar_t *path, const WIN32_FIND_DATAW *entry)
{
    if (!(entry->dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY))
        return delete_file(path, entry);
    if (!(entry->dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) && !for_each(path, L"*", delete_all))
        return FALSE;
    return RemoveDirectoryW(path);
}

static BOOL refuse(const wchar_t *unused, const WIN32_FIND_DATAW *nothing)
{
    (void)unused;
    (void)nothing;
    return FALSE;
}

/* Remove a version that neither pointer names. Windows refuses its library while a process of any session has it loaded, and then
   nothing else of it is touched. What is no version is none of ours. */
static BOOL remove_version(const wchar_t *path, const WIN32_FIND_DATAW *entry)
{
    const wchar_t *pointers[] = {L"current", L"previous"};
    char used[LONGEST_NAME + 1];
    wchar_t name[LONGEST_NAME + 1];
    if (!(entry->dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) || (entry->dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT)
        || for_each(path, L"python3*", refuse))
        return TRUE;
    for (int number = 0; number < 2; number++) {
        if (!read_pointer(pointers[number], used))
            continue;
        widen(used, name);
        if (_wcsicmp(name, entry->cFileName) == 0)
            return TRUE;
    }
    return for_each(path, L"python3*.dll", delete_file) && delete_all(path, entry);
}

static BOOL find_policy_folder(wchar_t *path)
{
    wchar_t parent[LONGEST];
    DWORD length = GetEnvironmentVariableW(L"ProgramData", parent, LONGEST);
    return length > 0 && length < LONGEST && JOIN(path, parent, L"\\IEA Agent");
}

/* Make the folder of the policy, or take it over from whoever has made it. */
static BOOL make_policy_folder(void)
{
    wchar_t path[LONGEST];
    SECURITY_ATTRIBUTES rights = {.nLength = sizeof rights};
    if (!find_policy_folder(path)
        || !ConvertStringSecurityDescriptorToSecurityDescriptorW(POLICY_RIGHTS, SDDL_REVISION_1, &rights.lpSecurityDescriptor, NULL))
        return FALSE;
    BOOL made = CreateDirectoryW(path, &rights)
        || SetFileSecurityW(path, OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION
                                | PROTECTED_DACL_SECURITY_INFORMATION, rights.lpSecurityDescriptor);
    LocalFree(rights.lpSecurityDescriptor);
    return made;
}

/* Return whether the key names no program that starts at logon, or ours. */
static BOOL is_our_entry(HKEY root, const wchar_t *key)
{
    wchar_t command[1024], ours[LONGEST];
    DWORD size = sizeof command;
    if (RegGetValueW(root, key, ENTRY, RRF_RT_REG_SZ, NULL, command, &size) != ERROR_SUCCESS)
        return TRUE;
    return JOIN(ours, L"\"", folder) && _wcsnicmp(command, ours, wcslen(ours)) == 0;
}

/* Remove our entry at logon below a root, and what the Task Manager has noted of it. */
static void forget_entry(HKEY root, const wchar_t *before)
{
    wchar_t run[512], approved[512];
    if (wcslen(before) > 256)
        return;
    wcscat(wcscpy(run, before), RUN);
    wcscat(wcscpy(approved, before), APPROVED);
    if (!is_our_entry(root, run))
        return;
    RegDeleteKeyValueW(root, run, ENTRY);
    RegDeleteKeyValueW(root, approved, ENTRY);
}

/* Forget the entry of this PC, and that of everybody who is logged on. */
static void forget_entries(void)
{
    wchar_t person[256];
    forget_entry(HKEY_LOCAL_MACHINE, L"");
    for (DWORD number = 0; RegEnumKeyW(HKEY_USERS, number, person, 255) == ERROR_SUCCESS; number++)
        forget_entry(HKEY_USERS, wcscat(person, L"\\"));
}

static BOOL install(const wchar_t *wanted)
{
    char present[LONGEST_NAME + 1], version[LONGEST_NAME + 1];
    int length = WideCharToMultiByte(CP_UTF8, 0, wanted, -1, version, sizeof version, NULL, NULL);
    if (length < 1 || measure_name(version, version + length - 1) != length - 1)
        return FALSE;
    BOOL is_there = read_pointer(L"current", present);
    /* a repair must not forget the version before */
    if (is_there && strcmp(present, version) != 0 && !write_pointer(L"previous", present))
        return FALSE;
    if ((!is_there || strcmp(present, version) != 0) && !write_pointer(L"current", version))
        return FALSE;
    /* what is in use is removed by a later update */
    for_each(folder, L"*", remove_version);
    return make_policy_folder();
}

static BOOL remove_product(void)
{
    wchar_t policy[LONGEST];
    /* without them no version is named, and none is needed */
    BOOL all = for_each(folder, L"current*", delete_file);
    all = for_each(folder, L"previous*", delete_file) && all;
    all = for_each(folder, L"*", remove_version) && all;
    RemoveDirectoryW(folder);
    forget_entries();
    /* what is in it is the administrator's */
    if (find_policy_folder(policy))
        RemoveDirectoryW(policy);
    return all;
}

int wmain(int count, wchar_t **words)
{
    SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32);
    /* the path ends with "\.": before a quotation mark a backslash alone would mean the mark */
    wchar_t path[LONGEST];
    DWORD length = count < 3 ? 0 : GetFullPathNameW(words[2], LONGEST, path, NULL);
    if (length < 4 || length >= LONGEST || !JOIN(folder, path, path[length - 1] == L'\\' ? L"" : L"\\"))
        return 2;
    if (count == 4 && wcscmp(words[1], L"install") == 0)
        return install(words[3]) ? 0 : 1;
    if (count == 3 && wcscmp(words[1], L"remove") == 0)
        return remove_product() ? 0 : 1;
    return 2;
}
