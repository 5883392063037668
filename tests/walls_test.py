#!/usr/bin/env python3
"""Proves that walls.py can fail: each case breaks one wall in a small made-up tree and expects exactly one complaint."""
import pathlib
import tempfile
import unittest

import walls

TABLE = """| room | purpose | may use | owns |
| --- | --- | --- | --- |
| base/ | ground | - | - |
| net/ | network | base | libcurl, nlohmann_json |
| dest/ | places | base, net | - |
"""
# A tree without a violation. Near misses are in it: own private header, system header of the same name as a room, and so on.
SOUND = {
    "agent/README.md": TABLE,
    "agent/CMakeLists.txt": "".join(f"add_subdirectory({room})\n" for room in ("base", "net", "dest", "extra")),
    "tests/CMakeLists.txt": "add_subdirectory(dest)\n",
    "agent/base/CMakeLists.txt": "# ground\nsnap_room(base SOURCES text.cc HEADERS text.h)\n",
    "agent/base/text.h": "#include <string>\n",
    "agent/base/text.cc": '#include "base/text.h"\n#include <sys/stat.h>\n#include <unistd.h>\n#include <net/if.h>\n',
    "agent/net/CMakeLists.txt": "snap_room(net\n  SOURCES http.cc\n  HEADERS http.h\n  USES base\n"
                                "  LIBS PkgConfig::libcurl nlohmann_json::nlohmann_json)\n",
    "agent/net/http.h": "#include <nlohmann/json_fwd.hpp>\n",
    "agent/net/easy.h": "#include <curl/curl.h>\n",
    "agent/net/http.cc": '#include "net/http.h"\n#include "net/easy.h"\n#include "base/text.h"\n#include <nlohmann/json.hpp>\n',
    "agent/dest/CMakeLists.txt": "snap_room(dest SOURCES local.cc USES base)\nadd_executable(tool main.cc)\n"
                                 "target_link_libraries(tool PRIVATE snap_dest Threads::Threads)\nsnap_warnings(tool)\n",
    "agent/dest/local.cc": '// #include "net/http.h"\n#include "base/text.h"\n',
    "agent/dest/main.cc": "int main() {}\n",
    "tests/dest/CMakeLists.txt": "snap_test(dest SOURCES local_test.cc USES dest)\n",
    "tests/dest/local_test.cc": "#include <gtest/gtest.h>\n",
    "tests/dest/contract.h": "#include <gtest/gtest.h>\n",
}


def check(changes):
    with tempfile.TemporaryDirectory() as top:
        for name, text in {**SOUND, **changes}.items():
            path = pathlib.Path(top, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return list(walls.violations(top))


class Walls(unittest.TestCase):
    def finds(self, name, text, complaint):
        self.assertEqual(check({name: text}), [complaint])

    def test_a_sound_tree_passes(self):
        self.assertEqual(check({}), [])

    def test_include_of_a_room_that_uses_does_not_name(self):
        self.finds("agent/dest/local.cc", '#include "net/http.h"\n',
                   'agent/dest/local.cc:1: "net/http.h": net is not in the USES of dest')

    def test_include_of_a_room_that_is_only_used_by_a_used_room(self):
        self.finds("agent/dest/CMakeLists.txt", "snap_room(dest SOURCES local.cc main.cc USES net)\n",
                   'agent/dest/local.cc:2: "base/text.h": base is not in the USES of dest')

    def test_uses_that_the_table_forbids(self):
        self.finds("agent/net/CMakeLists.txt", SOUND["agent/net/CMakeLists.txt"].replace("USES base", "USES base dest"),
                   "agent/net/CMakeLists.txt: net may not use dest")

    def test_link_of_a_forbidden_room_beside_snap_room(self):
        self.finds("agent/base/CMakeLists.txt", SOUND["agent/base/CMakeLists.txt"] + "target_link_libraries(snap_base snap_net)\n",
                   "agent/base/CMakeLists.txt: base may not use net")

    def test_link_of_a_library_of_another_room(self):
        self.finds("agent/dest/CMakeLists.txt", "snap_room(dest SOURCES local.cc main.cc USES base LIBS PkgConfig::libcurl)\n",
                   "agent/dest/CMakeLists.txt: dest may not link PkgConfig::libcurl")

    def test_link_of_an_unknown_library(self):
        self.finds("agent/net/CMakeLists.txt", SOUND["agent/net/CMakeLists.txt"].replace("LIBS", "LIBS Boost::asio"),
                   "agent/net/CMakeLists.txt: net may not link Boost::asio")

    def test_header_of_a_library_of_another_room(self):
        self.finds("agent/dest/local.cc", "#include <curl/curl.h>\n", "agent/dest/local.cc:1: <curl/curl.h>: dest does not own libcurl")

    def test_header_of_a_library_that_nobody_owns(self):
        self.finds("agent/net/http.cc", "#include <spdlog/spdlog.h>\n",
                   "agent/net/http.cc:1: <spdlog/spdlog.h>: net does not own spdlog")

    def test_unknown_library(self):
        self.finds("agent/net/http.cc", "#include <boost/asio.hpp>\n",
                   "agent/net/http.cc:1: <boost/asio.hpp> is neither a system header nor of a library that tests/walls.py knows")

    def test_library_in_a_public_header(self):
        self.finds("agent/net/http.h", "#include <curl/curl.h>\n",
                   "agent/net/http.h:1: <curl/curl.h> in a public header; include it in a .cc")

    def test_whole_json_in_a_public_header(self):
        self.finds("agent/net/http.h", "#include <nlohmann/json.hpp>\n",
                   "agent/net/http.h:1: <nlohmann/json.hpp> in a public header; include it in a .cc")

    def test_private_header_of_another_room(self):
        changes = {"agent/dest/CMakeLists.txt": "snap_room(dest SOURCES local.cc main.cc USES base net)\n",
                   "agent/dest/local.cc": '#include "net/easy.h"\n'}
        self.assertEqual(check(changes), ['agent/dest/local.cc:1: "net/easy.h" is no public header of net'])

    def test_include_without_a_room(self):
        self.finds("agent/dest/local.cc", '#include "local.h"\n',
                   'agent/dest/local.cc:1: "local.h" names no room; includes are written from agent/')

    def test_source_that_is_not_listed(self):
        self.finds("agent/base/forgotten.cc", "\n", "agent/base/forgotten.cc: not listed in agent/base/CMakeLists.txt")

    def test_test_that_is_not_listed(self):
        self.finds("tests/dest/forgotten_test.cc", "\n", "tests/dest/forgotten_test.cc: not listed in tests/dest/CMakeLists.txt")

    def test_folder_that_is_not_built(self):
        self.finds("tests/CMakeLists.txt", "# add_subdirectory(dest)\n", "tests/dest: not listed in tests/CMakeLists.txt")

    def test_room_without_a_line_in_the_table(self):
        self.finds("agent/extra/CMakeLists.txt", "snap_room(extra)\n", "agent/extra: has no line in the table of agent/README.md")

    def test_line_without_a_room(self):
        self.finds("agent/README.md", TABLE + "| kube/ | API | base | - |\n",
                   "agent/README.md: kube has a line in the table but no folder")

    def test_table_that_points_upwards(self):
        self.finds("agent/README.md", TABLE.replace("| ground | - |", "| ground | net |"),
                   "agent/README.md: base may not use net: it does not stand above it in the table")

    def test_room_of_another_name(self):
        self.finds("agent/base/CMakeLists.txt", "snap_room(ground SOURCES text.cc HEADERS text.h)\n",
                   "agent/base/CMakeLists.txt: snap_room must be called once, with the name base")


if __name__ == "__main__":
    unittest.main()
