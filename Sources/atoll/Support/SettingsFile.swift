import Foundation
import Workloads
import Yams

/// Reads a YAML file (a region map, a workload, a scenario) as the tree that the pure targets take.
enum SettingsFile {
    static func read(_ path: String) throws -> SettingsNode {
        let text = try LocalFiles.text(path)
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw CommandFailure("read", path, "it is no YAML: \("\(error)".split(separator: "\n").prefix(2).joined(separator: " "))")
        }
        guard let root else { throw CommandFailure("read", path, "it is empty") }
        return try convert(root, file: path, path: "", depth: 0)
    }

    private static func convert(_ node: Node, file: String, path: String, depth: Int) throws -> SettingsNode {
        let line = node.mark?.line ?? 1
        guard depth < 32 else { throw CommandFailure("read", file, "line \(line): it is nested deeper than 32") }
        switch node {
        case .scalar(let scalar): return SettingsNode(.scalar(scalar.string), file: file, line: line, path: path)
        case .sequence(let sequence):
            let items = try sequence.enumerated().map { index, item in
                try convert(item, file: file, path: "\(path)[\(index)]", depth: depth + 1)
            }
            return SettingsNode(.list(items), file: file, line: line, path: path)
        case .mapping(let mapping):
            let entries = try mapping.map { key, value in
                guard let name = key.scalar?.string else { throw CommandFailure("read", file, "line \(line): a key is no text") }
                return SettingsNode.Entry(
                    key: name, value: try convert(value, file: file, path: path.isEmpty ? name : "\(path).\(name)", depth: depth + 1))
            }
            return SettingsNode(.table(entries), file: file, line: line, path: path)
        case .alias: throw CommandFailure("read", file, "line \(line): aliases are not taken")
        }
    }
}
