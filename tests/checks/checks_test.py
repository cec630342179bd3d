#!/usr/bin/env python3
"""Each check passes a small tree that is right, and fails one that is not."""

import json
import pathlib
import shutil
import tempfile
import unittest

import common
import headers
import layers
import tidy
import tree


class Tree(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name).resolve()
        shutil.copy(common.ROOT / ".clang-format", self.root)
        self.write("src/net/base/a.h", "#pragma once\n\ninline int one() { return 1; }\n")
        self.write("src/net/model/b.h",
                   '#pragma once\n\n#include "net/base/a.h"\n\ninline int two() { return one() + 1; }\n')

    def write(self, name: str, text: str) -> pathlib.Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


class Layers(Tree):
    def problems(self) -> str:
        return "\n".join(layers.include_problems(self.root))

    def test_right(self):
        self.assertEqual(self.problems(), "")

    def test_upwards(self):
        self.write("src/net/base/up.cc", '#include "net/model/b.h"\n')
        self.assertIn("src/net/base/up.cc:1: src/net/base may not use src/net/model", self.problems())

    def test_siblings(self):
        self.write("src/net/lite/l.h", "#pragma once\n")
        self.write("src/net/ietf/i.cc", '#include "net/lite/l.h"\n')
        self.assertIn("src/net/ietf may not use src/net/lite", self.problems())

    def test_through_another_layer_is_allowed(self):
        self.write("src/net/session/s.cc", '#include "net/model/b.h"\n')
        self.assertEqual(self.problems(), "")

    def test_src_uses_no_program(self):
        self.write("apps/common/c.h", "#pragma once\n")
        self.write("src/relay/r.cc", '#include "common/c.h"\n')
        self.assertIn("src/relay may not use apps/common/c.h", self.problems())

    def test_net_without_io(self):
        for line in ("#include <thread>", "#include <boost/asio/io_context.hpp>",
                     "#include <sys/socket.h>", "auto t = std::chrono::steady_clock::now();"):
            self.write("src/net/base/io.cc", line + "\n")
            self.assertIn("src/net does no I/O", self.problems(), line)
        self.write("src/net/base/io.cc", "")
        self.write("src/net/base/io_test.cc", "#include <thread>\n")
        self.assertEqual(self.problems(), "")

    def test_helpers_of_tests_do_not_ship(self):
        self.write("src/net/transport/testing/t.h", "#pragma once\n")
        self.write("src/net/lite/l.cc", '#include "net/transport/testing/t.h"\n')
        self.assertIn("includes a test's helper", self.problems())
        self.write("src/net/lite/l.cc", "")
        self.write("src/net/lite/l_test.cc", '#include "net/transport/testing/t.h"\n')
        self.assertEqual(self.problems(), "")

    def test_unknown_folder_and_header(self):
        self.write("src/other/o.cc", "")
        self.assertIn("src/other/o.cc: belongs to no layer", self.problems())
        self.write("src/net/base/gone.cc", '#include "net/base/gone.h"\n')
        self.assertIn("no such header", self.problems())

    def test_links(self):
        base = f"moq_net_base|{self.root}/src/net/base|a.h|fmt::fmt\n"
        good = base + f"moq_net_model|{self.root}/src/net/model|b.h|moq_net_base\n"
        self.assertEqual(layers.link_problems(self.root, good), [])
        bad = f"moq_net_base|{self.root}/src/net/base|a.h|moq_net_model\n"
        bad += f"moq_net_model|{self.root}/src/net/model|b.h|\n"
        self.assertEqual(layers.link_problems(self.root, bad),
                         ["moq_net_base: src/net/base may not link moq_net_model of src/net/model"])
        mixed = f"moq_net|{self.root}/src/net|base/a.h;model/b.h|\n"
        self.assertIn("of 2 layers", layers.link_problems(self.root, mixed)[0])


class Headers(Tree):
    def test_right(self):
        self.assertEqual(headers.problems(self.root), [])

    def test_missing_include(self):
        self.write("src/net/base/c.h", "#pragma once\n\ninline std::string name() { return {}; }\n")
        found = headers.problems(self.root)
        self.assertEqual(len(found), 1)
        self.assertIn("src/net/base/c.h: does not compile alone", found[0])

    def test_what_passed_is_checked_again_when_what_it_includes_changes(self):
        cache = self.root / "cache"
        cache.mkdir()
        self.assertEqual(headers.problems(self.root, cache=cache), [])
        self.write("src/net/base/a.h", "#pragma once\n")
        found = headers.problems(self.root, cache=cache)
        self.assertEqual(len(found), 1)
        self.assertIn("src/net/model/b.h", found[0])


class Rules(Tree):
    @unittest.skipUnless(shutil.which("clang-format"), "no clang-format")
    def test_format(self):
        self.assertEqual(tree.format_problems(self.root), [])
        self.write("src/net/base/d.h", "#pragma once\nint  f( );\n")
        self.assertIn("src/net/base/d.h:2", "\n".join(tree.format_problems(self.root)))

    def test_size(self):
        self.write("src/net/base/long.cc", "//\n" * 700)
        self.assertEqual(tree.size_problems(self.root), [])
        self.write("src/net/base/long.cc", "//\n" * 701)
        self.assertIn("701 lines", tree.size_problems(self.root)[0])
        self.write("src/net/base/long.cc", "")
        self.write("scripts/run", "#\n" * 701)
        self.assertIn("scripts/run", tree.size_problems(self.root)[0])

    def test_sleeps(self):
        self.write("tests/a.py", "asleep = no_sleep(1)\nloop.sleep(2)  # virtual\n")
        self.assertEqual(tree.sleep_problems(self.root), [])
        for name, line in (("src/net/base/x_test.cc", "std::this_thread::sleep_for(1s);"),
                           ("tests/b.py", "time.sleep(1)"), ("tests/c.sh", "  sleep 0.5"),
                           ("apps/d.cc", "  usleep(10);"), ("apps/e.cc", "  sleep(1);")):
            path = self.write(name, line + "\n")
            self.assertEqual(len(tree.sleep_problems(self.root)), 1, line)
            path.unlink()

    def test_readmes(self):
        self.write("src/CMakeLists.txt", "add_subdirectory(net/base)\n")
        self.write("src/net/base/CMakeLists.txt", "moq_library(net_base FILES a.h)\n")
        self.assertEqual(tree.readme_problems(self.root),
                         ["src/net/base: has no README.md that says what it is for"])
        self.write("src/net/base/README.md", "# net/base\n")
        self.assertEqual(tree.readme_problems(self.root), [])

    @unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd-analyze")
    def test_units(self):
        unit = "[Service]\nType=notify\nExecStart=/not/installed --here\n"
        self.write("packaging/a.service", unit)
        self.assertEqual(tree.unit_problems(self.root), [])
        self.write("packaging/a.service", unit + "KilMode=mixed\n")
        self.assertIn("KilMode", "\n".join(tree.unit_problems(self.root)))
        self.write("packaging/a.service", unit.replace("ExecStart", "ExecReload"))
        self.assertNotEqual(tree.unit_problems(self.root), [])

    def test_built(self):
        source = self.write("src/net/base/a.cc", "")
        build = self.root / "build"
        build.mkdir()
        entry = {"directory": str(build), "file": str(source), "command": "g++"}
        (build / "compile_commands.json").write_text(json.dumps([entry]))
        self.assertEqual(tree.built_problems(self.root, build), [])
        self.write("src/net/base/forgotten_test.cc", "")
        self.assertIn("forgotten_test.cc: in no target", tree.built_problems(self.root, build)[0])


class Tidy(Tree):
    def test_key_depends_on_every_part(self):
        self.assertNotEqual(tidy.digest([b"ab", b"c"]), tidy.digest([b"a", b"bc"]))
        self.assertEqual(tidy.digest([b"ab", b"c"]), tidy.digest([b"ab", b"c"]))

    @unittest.skipUnless(shutil.which("clang-tidy"), "no clang-tidy")
    def test_finds(self):
        self.write(".clang-tidy", (common.ROOT / ".clang-tidy").read_text())
        source = self.write("src/t.cc", "typedef int number;\nnumber f(number n) { return n; }\n")
        entry = {"directory": str(self.root), "file": str(source), "command": f"g++ -std=c++20 -c {source}"}
        (self.root / "compile_commands.json").write_text(json.dumps([entry]))
        status, text = tidy.check(self.root, str(source))
        self.assertNotEqual(status, 0)
        self.assertIn("modernize-use-using", text)
        self.write("src/t.cc", "using number = int;\nnumber f(number n) { return n; }\n")
        self.assertEqual(tidy.check(self.root, str(source))[0], 0)


if __name__ == "__main__":
    unittest.main()
