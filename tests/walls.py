#!/usr/bin/env python3
"""Checks that every room keeps to its walls. Usage: walls.py [TOP_OF_THE_CHECKOUT]

agent/README.md holds the table of rooms: what each may use and which libraries it owns. This program reads that table, the
snap_room() calls and every #include, prints one line per violation and exits with 1 if there is any.
"""
import pathlib
import re
import sys

# Where a header comes from, by the start of its name, and which CMake target brings it.
LIBRARIES = {
    "libcurl": (("curl/",), ("PkgConfig::libcurl",)),
    "libcrypto": (("openssl/",), ("PkgConfig::libcrypto", "PkgConfig::libssl")),
    "libnfs": (("nfsc/",), ("PkgConfig::libnfs",)),
    "libssh": (("libssh/",), ("PkgConfig::libssh",)),
    "libarchive": (("archive.h", "archive_entry.h"), ("PkgConfig::libarchive",)),
    "zlib": (("zlib.h",), ("PkgConfig::zlib",)),
    "nlohmann_json": (("nlohmann/",), ("nlohmann_json::nlohmann_json",)),
    "spdlog": (("spdlog/", "fmt/"), ("spdlog::spdlog",)),
    "yaml-cpp": (("yaml-cpp/",), ("yaml-cpp::yaml-cpp",)),
}
# Slow to compile and no part of any interface, with this exception.
ALLOWED_IN_PUBLIC_HEADERS = {"nlohmann/json_fwd.hpp"}
SYSTEM_FOLDERS = ("sys/", "linux/", "arpa/", "net/", "netinet/", "asm/", "bits/")
SYSTEM_HEADERS = set("""aio.h cpuid.h dirent.h dlfcn.h elf.h emmintrin.h endian.h errno.h fcntl.h fnmatch.h glob.h grp.h
    ifaddrs.h immintrin.h inttypes.h libgen.h limits.h malloc.h netdb.h nmmintrin.h poll.h pthread.h pwd.h sched.h signal.h
    stdint.h stdio.h stdlib.h string.h strings.h syslog.h termios.h time.h unistd.h utime.h wordexp.h x86intrin.h
    arm_acle.h""".split())


class Room:
    def __init__(self, folder):
        text = re.sub(r"#.*", "", (folder / "CMakeLists.txt").read_text())
        call = re.search(r"snap_room\s*\(([^)]*)\)", text)
        words = call.group(1).split() if call else []
        self.lists = {"NAME": [], "SOURCES": [], "HEADERS": [], "USES": [], "LIBS": []}
        current = "NAME"
        for word in words:
            if word in self.lists:
                current = word
            else:
                self.lists[current].append(word)
        self.words = re.findall(r"[^\s()]+", text)  # every word of the file, for executables beside the room
        self.uses = set(self.lists["USES"])
        self.headers = set(self.lists["HEADERS"])


def read_table(top):
    """{room: (rooms it may use, libraries it owns)}, in the order of the table."""
    table = {}
    for line in (top / "agent/README.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        name = re.fullmatch(r"`?(\w+)/`?", cells[0])
        if line.startswith("|") and name and len(cells) == 4:
            table[name[1]] = (set(cells[2].replace(",", " ").split()) - {"-"}, set(cells[3].replace(",", " ").split()) - {"-"})
    return table


def includes(path):
    """(line number, "quoted" or <angled> name) of every include."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        found = re.match(r"""\s*#\s*include\s*(["<])([^">]+)[">]""", line)
        if found:
            yield number, found[1], found[2]


def library_of(header):
    for library, (starts, _) in LIBRARIES.items():
        if header.startswith(starts):
            return library
    return None


def is_system(header):
    standard = re.fullmatch(r"[a-z_0-9]+", header)
    return standard or header in SYSTEM_HEADERS or header.startswith(SYSTEM_FOLDERS)


def check_table(table, folders):
    above = set()
    for room, (uses, owns) in table.items():
        for other in sorted(uses - above):
            yield f"agent/README.md: {room} may not use {other}: it does not stand above it in the table"
        for library in sorted(owns - set(LIBRARIES)):
            yield f"agent/README.md: {room} owns {library}, which tests/walls.py does not know"
        above.add(room)
    for room in sorted(set(folders) - set(table)):
        yield f"agent/{room}: has no line in the table of agent/README.md"
    for room in sorted(set(table) - set(folders)):
        yield f"agent/README.md: {room} has a line in the table but no folder"


def check_links(name, room, allowed, owned):
    where = f"agent/{name}/CMakeLists.txt"
    if room.lists["NAME"] != [name]:
        yield f"{where}: snap_room must be called once, with the name {name}"
    linked = {word[5:] for word in room.words if word.startswith("snap_") and word != "snap_room"}
    linked -= {name, "warnings", "test"}
    for other in sorted((room.uses | linked) - allowed):
        yield f"{where}: {name} may not use {other}"
    targets = {target: library for library, (_, names) in LIBRARIES.items() for target in names}
    for word in sorted({word for word in room.words if "::" in word} - {"Threads::Threads"}):
        if targets.get(word) not in owned:
            yield f"{where}: {name} may not link {word}"


def check_include(where, name, rooms, owned, public, quote, header):
    if quote == '"':
        other, _, file = header.partition("/")
        if other not in rooms:
            yield f'{where}: "{header}" names no room; includes are written from agent/'
        elif other != name and other not in rooms[name].uses:
            yield f'{where}: "{header}": {other} is not in the USES of {name}'
        elif other != name and file not in rooms[other].headers:
            yield f'{where}: "{header}" is no public header of {other}'
        return
    library = library_of(header)
    if library is None:
        if not is_system(header):
            yield f"{where}: <{header}> is neither a system header nor of a library that tests/walls.py knows"
    elif library not in owned:
        yield f"{where}: <{header}>: {name} does not own {library}"
    elif public and header not in ALLOWED_IN_PUBLIC_HEADERS:
        yield f"{where}: <{header}> in a public header; include it in a .cc"


def sources_below(folder):
    return sorted(path for path in folder.rglob("*") if path.suffix in (".h", ".cc"))


def check_unlisted(top, folder):
    """Every .cc stands in the CMakeLists.txt of its folder. A header that does not is private to its room."""
    words = re.findall(r"[^\s()]+", re.sub(r"#.*", "", (folder / "CMakeLists.txt").read_text()))
    for path in sorted(folder.rglob("*.cc")):
        if path.relative_to(folder).as_posix() not in words:
            yield f"{path.relative_to(top)}: not listed in {folder.relative_to(top)}/CMakeLists.txt"


def check_forgotten_folders(top):
    """Every folder with a CMakeLists.txt is built."""
    for parent in (top / "agent", top / "tests"):
        built = re.findall(r"^add_subdirectory\((\w+)\)", (parent / "CMakeLists.txt").read_text(), re.MULTILINE)
        for lists in sorted(parent.glob("*/CMakeLists.txt")):
            if lists.parent.name not in built:
                yield f"{lists.parent.relative_to(top)}: not listed in {parent.name}/CMakeLists.txt"


def violations(top):
    top = pathlib.Path(top)
    table = read_table(top)
    folders = [path.parent for path in sorted((top / "agent").glob("*/CMakeLists.txt"))]
    rooms = {folder.name: Room(folder) for folder in folders}
    yield from check_table(table, rooms)
    yield from check_forgotten_folders(top)
    for folder in folders:
        name = folder.name
        allowed, owned = table.get(name, (set(), set()))
        yield from check_links(name, rooms[name], allowed, owned)
        for path in sources_below(folder):
            public = path.relative_to(folder).as_posix() in rooms[name].headers
            for number, quote, header in includes(path):
                where = f"{path.relative_to(top)}:{number}"
                yield from check_include(where, name, rooms, owned, public, quote, header)
        yield from check_unlisted(top, folder)
    for lists in sorted((top / "tests").glob("*/CMakeLists.txt")):
        yield from check_unlisted(top, lists.parent)


if __name__ == "__main__":
    found = list(violations(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent))
    for violation in found:
        print(violation)
    sys.exit(1 if found else 0)
