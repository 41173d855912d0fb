#!/usr/bin/env python3
"""Copies the maps, workloads and scenarios of this folder into the program.

usage: simulations/embed.py        (after changing a file here)

Writes Sources/Comparison/BuiltinFiles.swift, so that an installed binary has them where there is
no source tree. A test compares the copy with the files.
"""
import os

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.dirname(here)


def read(*parts):
    with open(os.path.join(root, "simulations", *parts), encoding="utf-8") as file:
        return file.read()


def literal(text):
    assert '"""#' not in text
    return '#"""\n' + text + '\n"""#'


def entries(folder, names):
    return "".join(
        f'        BuiltinFile(\n            name: "{name}",\n            text: {literal(read(folder, name + ".yaml"))}),\n' for name in names)


workloads = ["dataset", "small-files", "shared-cache", "podcast", "checkpoint", "revision", "lock-contention"]
scenarios = sorted(name[:-5] for name in os.listdir(os.path.join(here, "scenarios")) if name.endswith(".yaml"))
target = os.path.join(root, "Sources", "Comparison", "BuiltinFiles.swift")
with open(target, "w", encoding="utf-8") as out:
    out.write("// Made by simulations/embed.py from the files under simulations/; change those.\n// swift-format-ignore-file\n\n")
    out.write("/// A file of `simulations/` as the program carries it.\n")
    out.write("package struct BuiltinFile: Sendable {\n    package let name: String\n    package let text: String\n}\n\n")
    out.write("extension BuiltinFile {\n    /// In the order in which a comparison runs them.\n    package static let workloads: [BuiltinFile] = [\n")
    out.write(entries("workloads", workloads))
    out.write("    ]\n\n    package static let maps: [BuiltinFile] = [\n")
    out.write(entries("regions", ["aws", "azure", "toy"]))
    out.write("    ]\n\n    package static let scenarios: [BuiltinFile] = [\n")
    out.write(entries("scenarios", scenarios))
    out.write("    ]\n}\n")
print(f"wrote {os.path.relpath(target, root)}")
