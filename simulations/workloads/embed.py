#!/usr/bin/env python3
"""Copies the maps and workloads of this folder's parent into the program.

usage: simulations/workloads/embed.py        (after changing a file here or in ../regions)

Writes Sources/Comparison/BuiltinFiles.swift, so that an installed binary has them where there is
no source tree. Of the maps only the default one (aws) and the small one (toy) are embedded.
A test compares the copy with the files.
"""
import os

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.dirname(os.path.dirname(here))


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
target = os.path.join(root, "Sources", "Comparison", "BuiltinFiles.swift")
with open(target, "w", encoding="utf-8") as out:
    out.write("// Made by simulations/workloads/embed.py from the files under simulations/; change those.\n// swift-format-ignore-file\n\n")
    out.write("/// A file of `simulations/` as the program carries it.\n")
    out.write("package struct BuiltinFile: Sendable {\n    package let name: String\n    package let text: String\n}\n\n")
    out.write("extension BuiltinFile {\n    /// In the order in which a comparison runs them.\n    package static let workloads: [BuiltinFile] = [\n")
    out.write(entries("workloads", workloads))
    out.write("    ]\n\n    package static let maps: [BuiltinFile] = [\n")
    out.write(entries("regions", ["aws", "toy"]))
    out.write("    ]\n}\n")
print(f"wrote {os.path.relpath(target, root)}")
