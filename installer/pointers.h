/* What the launchers and the steps of the MSI both know: the files "current" and "previous" and the names in them, as
   docs/two-slots.md has them. */

#define LONGEST 32768           /* characters of a path, as Windows limits it */
#define LONGEST_NAME 40         /* characters of a version's name */

static wchar_t folder[LONGEST];   /* the program folder, with a backslash at the end */

/* Write the parts one after the other to target; FALSE if they are too long. The last part is NULL. */
static BOOL join(wchar_t *target, const wchar_t *const *parts)
{
    size_t length = 0;
    for (; *parts != NULL; parts++) {
        size_t more = wcslen(*parts);
        if (more >= LONGEST - length)
            return FALSE;
        wmemcpy(target + length, *parts, more + 1);
        length += more;
    }
    return TRUE;
}
#define JOIN(target, ...) join(target, (const wchar_t *const[]){__VA_ARGS__, NULL})

static BOOL is_name_character(char character)
{
    return (character >= '0' && character <= '9') || (character >= 'a' && character <= 'z')
        || (character >= 'A' && character <= 'Z') || character == '.' || character == '-' || character == '+';
}

/* Return how many characters at text, of those before end, are a version's name; 0 if they are none. */
static int measure_name(const char *text, const char *end)
{
    int length = 0;
    while (text + length < end && is_name_character(text[length]))
        length++;
    /* a digit first, so neither "." nor ".." */
    if (length == 0 || length > LONGEST_NAME || text[0] < '0' || text[0] > '9' || text[length - 1] == '.')
        return 0;
    return length;
}

static BOOL is_blank(char character)
{
    return character == ' ' || character == '\t' || character == '\r' || character == '\n';
}

/* Read at most size bytes of a file; -1 if it cannot be read or is longer. */
static int read_file(const wchar_t *path, char *content, DWORD size)
{
    DWORD length = 0;
    char more;
    DWORD rest = 0;
    HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                              OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return -1;
    BOOL whole = ReadFile(file, content, size, &length, NULL) && ReadFile(file, &more, 1, &rest, NULL) && rest == 0;
    CloseHandle(file);
    return whole ? (int)length : -1;
}

/* Read the name in the file "current" or "previous" of our folder; FALSE if there is none. */
static BOOL read_pointer(const wchar_t *file, char *version)
{
    wchar_t path[LONGEST];
    char content[64];
    int length = JOIN(path, folder, file) ? read_file(path, content, sizeof content) : -1;
    int begin = 0;
    while (begin < length && is_blank(content[begin]))
        begin++;
    int name = length > 0 ? measure_name(content + begin, content + length) : 0;
    for (int rest = begin + name; rest < length; rest++)
        if (!is_blank(content[rest]))
            return FALSE;
    memcpy(version, content + begin, name);
    version[name] = '\0';
    return name > 0;
}
