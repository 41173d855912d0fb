import Foundation
import NodeRuntime
import Yams

/// Reads a node's configuration. Every mistake is one line that names the file and the key.
enum ReadConfig {
    static func read(_ path: String) throws -> NodeConfig {
        let text = try LocalFiles.text(path)
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw ConfigError(file: path, key: "", reason: "no YAML: \("\(error)".split(separator: "\n").first.map(String.init) ?? "")")
        }
        guard let root, let mapping = root.mapping else { throw ConfigError(file: path, key: "", reason: "it is no table of settings") }
        try checkKeys(mapping, Self.known, file: path, prefix: "")
        var config: NodeConfig
        do {
            config = try YAMLDecoder().decode(NodeConfig.self, from: root)
        } catch let error as DecodingError {
            throw describe(error, path)
        }
        let base = (LocalFiles.absolute(path) as NSString).deletingLastPathComponent
        config.dataDirectory = LocalFiles.absolute(config.dataDirectory, from: base)
        config.tlsDirectory = LocalFiles.absolute(config.tlsDirectory, from: base)
        config.gossipKeyFile = LocalFiles.absolute(config.gossipKeyFile, from: base)
        config.adminTokenFile = LocalFiles.absolute(config.adminTokenFile, from: base)
        config.linkRulesFile = config.linkRulesFile.map { LocalFiles.absolute($0, from: base) }
        try config.check(file: path)
        return config
    }

    /// The settings that there are: a misspelt one must not be ignored.
    private static let known: [String: [String]] = [
        "": NodeConfig.CodingKeys.allCases.map(\.rawValue), "node": NodeConfig.Identity.CodingKeys.allCases.map(\.rawValue),
        "cluster": ["id", "name"],
        "listen": NodeConfig.Listen.CodingKeys.allCases.map(\.rawValue), "http": HTTPSettings.CodingKeys.allCases.map(\.rawValue),
        "nfs": NFSSettings.CodingKeys.allCases.map(\.rawValue),
        "limits": NodeLimits.CodingKeys.allCases.map(\.rawValue), "bootstrap": ["id", "name", "region", "peer", "gossip", "http"],
    ]

    private static func checkKeys(_ mapping: Node.Mapping, _ known: [String: [String]], file: String, prefix: String) throws {
        for (key, value) in mapping {
            guard let name = key.scalar?.string else {
                throw ConfigError(file: file, key: prefix, reason: "line \(key.mark?.line ?? 1): a key is no text")
            }
            let allowed = known[prefix] ?? []
            guard allowed.contains(name) else {
                let place = prefix.isEmpty ? name : "\(prefix).\(name)"
                throw ConfigError(
                    file: file, key: place,
                    reason: "line \(key.mark?.line ?? 1): there is no such setting; there are \(allowed.sorted().joined(separator: ", "))")
            }
            guard prefix.isEmpty, known[name] != nil else { continue }
            if let inner = value.mapping { try checkKeys(inner, known, file: file, prefix: name) }
            for item in value.sequence ?? [] { if let inner = item.mapping { try checkKeys(inner, known, file: file, prefix: name) } }
        }
    }

    private static func describe(_ error: DecodingError, _ path: String) -> ConfigError {
        func key(_ path: [any CodingKey]) -> String {
            path.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".").replacing(".[", with: "[")
        }
        switch error {
        case .keyNotFound(let missing, let context):
            return ConfigError(file: path, key: key(context.codingPath + [missing]), reason: "is missing")
        case .typeMismatch(let type, let context):
            return ConfigError(file: path, key: key(context.codingPath), reason: "must be \(words(type))")
        case .valueNotFound(let type, let context):
            return ConfigError(file: path, key: key(context.codingPath), reason: "must be \(words(type)), and is empty")
        case .dataCorrupted(let context): return ConfigError(file: path, key: key(context.codingPath), reason: context.debugDescription)
        @unknown default: return ConfigError(file: path, key: "", reason: "\(error)")
        }
    }

    private static func words(_ type: Any.Type) -> String {
        switch type {
        case is Int.Type, is UInt64.Type, is UInt32.Type: "a whole number"
        case is Bool.Type: "true or false"
        case is String.Type: "text"
        default: "a table or list"
        }
    }
}
