/* The programs that Windows and people start: iea-agentw.exe without a console, iea-agent.exe with one.

   Beside them lie the version folders and the files "current" and "previous", which name one each. A launcher chooses a
   version, loads its python3NN.dll and runs "-m iea_agent" in it. docs/two-slots.md has the rules; nothing here may
   differ from it. The launchers change rarely: what may change belongs into the agent. */

#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <wchar.h>

#include "pointers.h"

#define LARGEST_TRIAL 4096      /* bytes of the trial file */
#define MOST_LINES 8            /* versions that the trial file remembers */
#define STARTS 2                /* starts without proof that a version gets; the next one goes back */

#define RESTART_APART 600000    /* milliseconds: timing.RESTART_APART of the agent */
#define AFTER_CRASH L"IEA_AGENT_AFTER_CRASH"

/* arguments with "*" are for the agent to judge, not for the C library to expand */
int _dowildcard = 0;

typedef int (*python_main)(int, wchar_t **);

enum verdict { TRYING, PROVED, FAILED };
static const char *const VERDICTS[] = {"trying", "proved", "failed"};

struct line {
    char version[LONGEST_NAME + 1];
    int starts;
    enum verdict verdict;
};

static BOOL is_restarted;         /* after a crash */
static ULONGLONG begun;           /* milliseconds since Windows started */
static wchar_t program[LONGEST];  /* this program's own file */
static wchar_t python[LONGEST];   /* python3NN.dll of the version that was looked at last */

/* Return whether a version has its library and its modules; "python" is its library then. */
static BOOL is_usable(const char *version)
{
    wchar_t name[LONGEST_NAME + 1];
    wchar_t path[LONGEST];
    WIN32_FIND_DATAW entry;
    BOOL usable = FALSE;
    for (int place = 0; place <= LONGEST_NAME && (name[place] = (wchar_t)version[place]) != L'\0'; place++)
        ;
    if (version[0] == '\0' || !JOIN(path, folder, name, L"\\python3??.dll"))
        return FALSE;
    HANDLE search = FindFirstFileW(path, &entry);
    if (search == INVALID_HANDLE_VALUE)
        return FALSE;
    do {
        /* "??" also matches nothing: python3.dll is another library */
        if (wcslen(entry.cFileName) != wcslen(L"python3NN.dll") || !JOIN(python, folder, name, L"\\", entry.cFileName)
            || !JOIN(path, python))
            continue;
        wmemcpy(path + wcslen(path) - 3, L"zip", 3);
        usable = GetFileAttributesW(path) != INVALID_FILE_ATTRIBUTES;
    } while (!usable && FindNextFileW(search, &entry));
    FindClose(search);
    return usable;
}

/* Find the trial file, which is the person's; FALSE if there is no place for it. */
static BOOL find_trial(wchar_t *path, wchar_t *parent)
{
    wchar_t home[LONGEST];
    DWORD length = GetEnvironmentVariableW(L"LOCALAPPDATA", home, LONGEST);
    return length > 0 && length < LONGEST && JOIN(parent, home, L"\\IEA Agent") && JOIN(path, parent, L"\\trial");
}

/* Parse one line, "<version> <starts> <verdict>"; FALSE if it is none. */
static BOOL parse_line(const char *text, const char *end, struct line *line)
{
    int name = measure_name(text, end);
    const char *place = text + name;
    int starts = 0, digits = 0;
    if (name == 0 || place == end || *place++ != ' ')
        return FALSE;
    for (; place < end && *place >= '0' && *place <= '9'; place++, digits++)
        starts = digits < 3 ? 10 * starts + (*place - '0') : starts;
    if (digits < 1 || digits > 3 || place == end || *place++ != ' ')
        return FALSE;
    memcpy(line->version, text, name);
    line->version[name] = '\0';
    line->starts = starts;
    for (int verdict = TRYING; verdict <= FAILED; verdict++) {
        size_t length = strlen(VERDICTS[verdict]);
        if ((size_t)(end - place) == length && memcmp(place, VERDICTS[verdict], length) == 0) {
            line->verdict = verdict;
            return TRUE;
        }
    }
    return FALSE;
}

/* Take the line at number out of the count lines. */
static void drop_line(struct line *lines, int number, int count)
{
    memmove(lines + number, lines + number + 1, (size_t)(count - number - 1) * sizeof *lines);
}

/* Parse the trial file into the last MOST_LINES of its lines and return their number. What is no line is ignored; of two
   lines about one version the last counts. */
static int parse_trial(const char *content, int length, struct line *lines)
{
    int count = 0;
    const char *end = content + length;
    while (content < end) {
        const char *next = memchr(content, '\n', (size_t)(end - content));
        const char *stop = next == NULL ? end : next;
        struct line line;
        if (parse_line(content, stop > content && stop[-1] == '\r' ? stop - 1 : stop, &line)) {
            int same = 0;
            while (same < count && strcmp(lines[same].version, line.version) != 0)
                same++;
            if (same < count)
                drop_line(lines, same, count--);
            else if (count == MOST_LINES)
                drop_line(lines, 0, count--);
            lines[count++] = line;
        }
        content = stop + 1;
    }
    return count;
}

/* Write the trial file: a new file takes the place of the old one at once. */
static void write_trial(const wchar_t *path, const wchar_t *parent, const struct line *lines, int count)
{
    char content[MOST_LINES * (LONGEST_NAME + 16)];
    wchar_t fresh[LONGEST];
    DWORD length = 0, written = 0;
    if (!JOIN(fresh, path, L".new"))
        return;
    for (int number = 0; number < count; number++) {
        const struct line *line = &lines[number];
        DWORD name = (DWORD)strlen(line->version), verdict = (DWORD)strlen(VERDICTS[line->verdict]);
        memcpy(content + length, line->version, name);
        length += name;
        content[length++] = ' ';
        for (int unit = line->starts > 99 ? 100 : line->starts > 9 ? 10 : 1; unit > 0; unit /= 10)
            content[length++] = (char)('0' + line->starts / unit % 10);
        content[length++] = ' ';
        memcpy(content + length, VERDICTS[line->verdict], verdict);
        length += verdict;
        content[length++] = '\n';
    }
    /* it is there, unless this is the person's first start */
    CreateDirectoryW(parent, NULL);
    HANDLE file = CreateFileW(fresh, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return;
    BOOL whole = WriteFile(file, content, length, &written, NULL) && written == length && FlushFileBuffers(file);
    CloseHandle(file);
    if (!whole || !MoveFileExW(fresh, path, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH))
        DeleteFileW(fresh);
}

/* Return whether another start of the agent lives in this session: a second click is no second trial. The mutex lives
   as long as this process. */
static BOOL is_second(void)
{
    HANDLE mutex = CreateMutexW(NULL, FALSE, L"Local\\IEA Agent start");
    return mutex == NULL || GetLastError() == ERROR_ALREADY_EXISTS;
}

/* Judge the trial of a version that is usable, before it is loaded; FALSE if it must not be. */
static BOOL may_run(const char *version, BOOL counts)
{
    static char content[LARGEST_TRIAL];
    struct line lines[MOST_LINES];
    wchar_t path[LONGEST], parent[LONGEST];
    int number = 0;
    if (!find_trial(path, parent))
        return TRUE;
    int length = read_file(path, content, sizeof content);
    int count = parse_trial(content, length > 0 ? length : 0, lines);
    while (number < count && strcmp(lines[number].version, version) != 0)
        number++;
    if (number < count && lines[number].verdict != TRYING)
        return lines[number].verdict == PROVED;
    if (!counts || is_second())
        return TRUE;
    if (number == count) {
        /* the oldest line makes room */
        if (count == MOST_LINES)
            drop_line(lines, 0, count--);
        number = count++;
        strcpy(lines[number].version, version);
        lines[number].starts = 0;
        lines[number].verdict = TRYING;
    }
    if (lines[number].starts >= STARTS)
        lines[number].verdict = FAILED;
    else
        lines[number].starts++;
    write_trial(path, parent, lines, count);
    return lines[number].verdict == TRYING;
}

/* Load the library at "python" and return where it starts; NULL if Windows refuses it. */
static python_main load_python(void)
{
    wchar_t slot[LONGEST];
    if (!JOIN(slot, python))
        return NULL;
    *wcsrchr(slot, L'\\') = L'\0';
    DLL_DIRECTORY_COOKIE cookie = AddDllDirectory(slot);
    HMODULE library =
        LoadLibraryExW(python, NULL, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_SYSTEM32);
    python_main start = library == NULL ? NULL : (python_main)(void *)GetProcAddress(library, "Py_Main");
    if (start == NULL && cookie != NULL)
        RemoveDllDirectory(cookie);
    return start;
}

/* Choose a version and load it; NULL if none can be. */
static python_main choose(BOOL counts)
{
    char current[LONGEST_NAME + 1], previous[LONGEST_NAME + 1];
    BOOL may_go_back = read_pointer(L"previous", previous) && is_usable(previous);
    python_main start = NULL;
    if (read_pointer(L"current", current) && is_usable(current)
        /* without an earlier version there is nothing to go back to */
        && (!may_go_back || strcmp(current, previous) == 0 || may_run(current, counts)))
    {
        /* may_run leaves "python" as is_usable has set it */
        start = load_python();
    }
    if (start == NULL && may_go_back && is_usable(previous))
        start = load_python();
    return start;
}

/* An error of a library in C does not come back to Python, it ends the process: the agent starts again from here, once. One that
   crashes soon after such a start only ends. Python has written its trace by then (host/crash_trace.py). */
static LONG WINAPI start_again(EXCEPTION_POINTERS *unused)
{
    static wchar_t command[LONGEST];
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION process;
    (void)unused;
    BOOL is_repeated = is_restarted && GetTickCount64() - begun < RESTART_APART;
    /* the new one waits for the end of this one, which holds the agent's lock */
    if (!is_repeated && SetEnvironmentVariableW(AFTER_CRASH, L"1") && JOIN(command, L"\"", program, L"\" run --quiet"))
        CreateProcessW(program, command, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &process);
    return EXCEPTION_EXECUTE_HANDLER;
}

static void watch_for_crashes(void)
{
    is_restarted = GetEnvironmentVariableW(AFTER_CRASH, NULL, 0) > 0;
    /* a program that the agent starts is not of our line */
    SetEnvironmentVariableW(AFTER_CRASH, NULL);
    begun = GetTickCount64();
    SetUnhandledExceptionFilter(start_again);
}

/* Say that no version can be loaded, in a window or on the console. */
static void complain(BOOL windowed)
{
    BOOL english = PRIMARYLANGID(GetUserDefaultUILanguage()) == LANG_ENGLISH;
    static wchar_t text[LONGEST];
    const wchar_t *words = english
        ? L"The connection program of Impact emploi cannot start: some of its files are missing.\r\n\r\n"
          L"What to do: run its setup again, or ask whoever looks after this PC to do so. Your settings and your "
          L"licence are kept.\r\n\r\nFolder: "
        : L"Le programme de connexion d\u2019Impact emploi ne peut pas d\u00e9marrer\u00a0: il manque une partie de "
          L"ses fichiers.\r\n\r\n\u00c0 faire\u00a0: lancez de nouveau son installation, ou demandez-le \u00e0 la "
          L"personne qui s\u2019occupe de ce poste. Vos param\u00e8tres et votre licence sont conserv\u00e9s.\r\n\r\n"
          L"Dossier\u00a0: ";
    if (!JOIN(text, words, folder, L"\r\n"))
        return;
    if (windowed) {
        MessageBoxW(NULL, text, L"IEA Agent", MB_OK | MB_ICONERROR | MB_SETFOREGROUND);
        return;
    }
    HANDLE output = GetStdHandle(STD_ERROR_HANDLE);
    DWORD mode, written;
    if (GetConsoleMode(output, &mode)) {
        WriteConsoleW(output, text, (DWORD)wcslen(text), &written, NULL);
        return;
    }
    static char bytes[3 * LONGEST];
    int length = WideCharToMultiByte(CP_UTF8, 0, text, (int)wcslen(text), bytes, sizeof bytes, NULL, NULL);
    if (length > 0)
        WriteFile(output, bytes, (DWORD)length, &written, NULL);
}

/* Return how many of the arguments only name the module, as the agent does when it starts a window. */
static int count_module_words(int count, wchar_t **words)
{
    static const wchar_t *const MODULE[] = {L"-I", L"-m", L"iea_agent"};
    int number = 0;
    while (number < 3 && number < count && wcscmp(words[number], MODULE[number]) == 0)
        number++;
    return number == 3 ? 3 : 0;
}

int wmain(int count, wchar_t **words)
{
#ifdef WINDOWED
    const BOOL windowed = TRUE;
#else
    const BOOL windowed = FALSE;
#endif
    /* neither the current folder nor PATH is searched for libraries, whatever is loaded from here on */
    SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32 | LOAD_LIBRARY_SEARCH_USER_DIRS);
    DWORD length = GetModuleFileNameW(NULL, program, LONGEST);
    if (length == 0 || length >= LONGEST || !JOIN(folder, program) || wcsrchr(folder, L'\\') == NULL)
        return 1;
    wcsrchr(folder, L'\\')[1] = L'\0';
    int given = count > 0 ? count - 1 : 0;
    wchar_t **arguments = words + 1;
    int dropped = count_module_words(given, arguments);
    given -= dropped;
    arguments += dropped;
    BOOL starts_agent = windowed && (given == 0 || wcscmp(arguments[0], L"run") == 0);
    python_main start = choose(starts_agent);
    if (start == NULL) {
        complain(windowed);
        return 1;
    }
    if (starts_agent)
        watch_for_crashes();
    /* isolated; text in UTF-8 in pipes and files; nothing written beside the program */
    static wchar_t *const OPTIONS[] = {program, L"-I", L"-X", L"utf8", L"-B", L"-m", L"iea_agent"};
    enum { OPTION_COUNT = sizeof OPTIONS / sizeof *OPTIONS };
    wchar_t **all = HeapAlloc(GetProcessHeap(), 0, (OPTION_COUNT + given + 2) * sizeof *all);
    if (all == NULL)
        return 1;
    int total = 0;
    for (int number = 0; number < OPTION_COUNT; number++)
        all[total++] = OPTIONS[number];
    for (int number = 0; number < given; number++)
        all[total++] = arguments[number];
    if (windowed && given == 0)
        all[total++] = L"run";
    all[total] = NULL;
    return start(total, all);
}
