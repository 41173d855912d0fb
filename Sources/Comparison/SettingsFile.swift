internal import Foundation
package import Workloads
internal import Yams

/// Reads YAML into the plain tree that maps and workloads are made from. Sizes and depth are
/// bounded, and anchors are refused: a settings file is small and says what it means.
package enum SettingsFile {
    package static let sizeMax = 4 << 20
    static let depthMax = 16

    package static func parse(_ text: String, name: String) throws(SettingsError) -> SettingsNode {
        guard text.utf8.count <= sizeMax else {
            throw SettingsError(file: name, line: 1, key: "", reason: "is \(text.utf8.count) bytes long; at most \(sizeMax)")
        }
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw describe(error, name: name)
        } catch {
            throw SettingsError(file: name, line: 1, key: "", reason: "\(error)")
        }
        guard let node else { throw SettingsError(file: name, line: 1, key: "", reason: "is empty") }
        return try convert(node, name: name, path: "", depth: 0)
    }

    package static func read(_ path: String) throws(SettingsError) -> SettingsNode {
        let data: Data
        do {
            let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
            guard size <= sizeMax else {
                throw SettingsError(file: path, line: 1, key: "", reason: "is \(size) bytes long; at most \(sizeMax)")
            }
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch let error as SettingsError {
            throw error
        } catch {
            throw SettingsError(file: path, line: 1, key: "", reason: "cannot be read: \(error.localizedDescription)")
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw SettingsError(file: path, line: 1, key: "", reason: "is not UTF-8 text")
        }
        return try parse(text, name: path)
    }

    private static func convert(_ node: Node, name: String, path: String, depth: Int) throws(SettingsError) -> SettingsNode {
        let line = node.mark?.line ?? 1
        guard depth <= depthMax else { throw SettingsError(file: name, line: line, key: path, reason: "is nested deeper than \(depthMax)") }
        switch node {
        case .scalar(let scalar):
            return SettingsNode(.scalar(scalar.string), file: name, line: line, path: path)
        case .sequence(let sequence):
            var items: [SettingsNode] = []
            for (index, item) in sequence.enumerated() {
                items.append(try convert(item, name: name, path: "\(path)[\(index)]", depth: depth + 1))
            }
            return SettingsNode(.list(items), file: name, line: line, path: path)
        case .mapping(let mapping):
            var entries: [SettingsNode.Entry] = []
            for (key, value) in mapping {
                guard case .scalar(let scalar) = key else {
                    throw SettingsError(file: name, line: key.mark?.line ?? line, key: path, reason: "has a key that is no text")
                }
                let inner = path.isEmpty ? scalar.string : "\(path).\(scalar.string)"
                var converted = try convert(value, name: name, path: inner, depth: depth + 1)
                // An error about a key points at the line of the key.
                converted.line = key.mark?.line ?? converted.line
                entries.append(SettingsNode.Entry(key: scalar.string, value: converted))
            }
            return SettingsNode(.table(entries), file: name, line: line, path: path)
        case .alias:
            throw SettingsError(file: name, line: line, key: path, reason: "is an alias", hint: "write the value out")
        }
    }

    private static func describe(_ error: YamlError, name: String) -> SettingsError {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            SettingsError(file: name, line: mark.line, key: "", reason: "is no YAML: \(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            SettingsError(
                file: name, line: context.mark.line, key: "\(duplicates.first.map { "\($0)" } ?? "")", reason: "given twice")
        default:
            SettingsError(file: name, line: 1, key: "", reason: "is no YAML: \(error)")
        }
    }
}
