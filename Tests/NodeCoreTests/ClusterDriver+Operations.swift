import Filesystem
import Primitives
import TestSupport

extension ClusterDriver {
    /// The operations of a session, by their words in scripts.
    func sessionOperation(_ command: ScriptCommand) throws -> FileOperation {
        func path(_ key: String = "path") throws -> FilePath {
            guard let path = FilePath(command.value(key) ?? "..") else {
                throw ScriptError(file: command.file, line: command.line, reason: "\(command.name) needs \(key)=PATH")
            }
            return path
        }
        func name() -> [UInt8] { Array((command.value("name") ?? "").utf8) }
        func long(_ key: String) throws -> [UInt8] {
            if let text = command.value(key) { return Array(text.utf8) }
            return [UInt8](repeating: UInt8(ascii: "x"), count: try command.integer("size", default: 0))
        }
        func version(_ key: String) throws -> VersionID { VersionID(UInt64(try command.integer(key))) }
        switch command.name {
        case "file": return .open(path: try path(), mode: try mode(command))
        case "stat": return .stat(path: try path(), followLinks: !command.has("nofollow"))
        case "list":
            return .list(path: try path(), cookie: 0, limit: UInt32(try command.integer("entries", default: 100)))
        case "mkdir": return .makeDirectory(path: try path(), mode: 0o755, parents: command.has("parents"))
        case "remove": return .remove(path: try path(), recursive: command.has("recursive"))
        case "rename": return .rename(from: try path("from"), to: try path("to"), noReplace: command.has("no-replace"))
        case "link": return .link(existing: try path("from"), new: try path("to"))
        case "symlink": return .symlink(target: try long("target"), path: try path())
        case "readlink": return .readLink(path: try path())
        case "truncate": return .setAttributes(path: try path(), changes: AttributeChanges(size: UInt64(try command.integer("size"))))
        case "chmod":
            return .setAttributes(path: try path(), changes: AttributeChanges(mode: UInt32(command.value("mode") ?? "644", radix: 8)))
        case "copy": return .copy(from: try path("from"), to: try path("to"), recursive: command.has("recursive"))
        case "getxattr": return .getXattr(path: try path(), name: name())
        case "setxattr": return .setXattr(path: try path(), name: name(), value: try long("value"))
        case "removexattr": return .removeXattr(path: try path(), name: name())
        case "xattrs": return .listXattrs(path: try path())
        case "statistics": return .statistics
        case "commit": return .commit(try options(command))
        case "reload": return .reload(try reload(command), discard: command.has("discard"))
        case "status": return .sessionStatus
        case "history": return .history(limit: UInt32(try command.integer("entries", default: 10)))
        case "diff": return .diff(from: try version("from"), to: try version("to"), limit: 100)
        case "rollback": return .rollback(to: try version("to"))
        case "conflicts": return .conflicts(limit: 10)
        case "resolve": return .resolveConflict(index: UInt64(try command.integer("index")))
        default: throw ScriptError(file: command.file, line: command.line, reason: "no command \(command.name)")
        }
    }

    private func mode(_ command: ScriptCommand) throws -> OpenMode {
        switch command.value("mode") ?? "read" {
        case "read": return .read
        case "write": return .write
        case "create": return .create(mode: 0o644, exclusive: false, truncate: false)
        case "truncate": return .create(mode: 0o644, exclusive: false, truncate: true)
        case "new": return .create(mode: 0o644, exclusive: true, truncate: false)
        case "replace": return .replace(mode: 0o644, refuseExisting: false)
        case "put-new": return .replace(mode: 0o644, refuseExisting: true)
        case let other: throw ScriptError(file: command.file, line: command.line, reason: "no mode \(other)")
        }
    }

    private func options(_ command: ScriptCommand) throws -> CommitOptions {
        var message = command.value("message") ?? ""
        if command.has("long") { message = String(repeating: "m", count: try command.integer("long")) }
        let wait: CommitWait
        switch command.value("wait") {
        case nil: wait = .policy
        case "all": wait = .all
        case "local": wait = .local
        case "majority": wait = .majority
        default: wait = .regions(command.list("wait").map { RegionID($0) })
        }
        return CommitOptions(ifUnchanged: command.has("if-unchanged"), message: message, wait: wait)
    }

    private func reload(_ command: ScriptCommand) throws -> ReloadMode {
        if command.has("min") { return .minimum(VersionID(UInt64(try command.integer("min")))) }
        if command.has("staleness") { return .maxStaleness(.seconds(try command.integer("staleness"))) }
        if command.has("strict") { return .strict }
        return command.has("local") ? .local : .latest
    }

    // MARK: Words

    static func words(_ cost: OperationCost, withBytes: Bool) -> String {
        var text = ""
        if cost.wideAreaRoundTrips > 0 { text += " round trips=\(cost.wideAreaRoundTrips)" }
        if cost.chunksFromRegion > 0 { text += " chunks from region=\(cost.chunksFromRegion)" }
        if cost.chunksFromAfar > 0 { text += " chunks from afar=\(cost.chunksFromAfar)" }
        if withBytes { text += " bytes=\(cost.wideAreaBytes)" }
        return text
    }

    /// Short text as it is; of other content its size and where its bytes come from.
    static func words(_ content: [UInt8]) -> String {
        if content.count <= 40, content.allSatisfy({ (32..<127).contains($0) || $0 == 0 }) {
            return "\"" + String(decoding: content.map { $0 == 0 ? UInt8(ascii: "_") : $0 }, as: UTF8.self) + "\""
        }
        for seed in 0..<4 where content == bytes(content.count, seed: UInt64(seed)) { return "\(content.count) bytes of seed \(seed)" }
        return "\(content.count) bytes, digest \(SHA256.hash(content).hex.prefix(8))"
    }

    static func words(_ attributes: FileAttributes) -> String {
        "\(attributes.type.word) size=\(attributes.size) links=\(attributes.links) mode=\(String(attributes.mode, radix: 8))"
    }

    static func words(_ value: FileValue, _ data: [UInt8]?) -> String {
        func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
        switch value {
        case .done: return ""
        case .attributes(let attributes): return words(attributes)
        case .entries(let entries, let next):
            let names = entries.map { text($0.name) + ($0.attributes.type == .directory ? "/" : "") }.sorted()
            return names.joined(separator: " ") + (next == nil ? "" : " …")
        case .opened(_, let attributes): return "size=\(attributes.size)"
        case .data(let length, let end):
            return words(data ?? []) + (Int(length) == data?.count ?? 0 ? "" : " of \(length)") + (end ? " end" : "")
        case .written(let length): return "wrote \(length)"
        case .position(let offset): return "at \(offset)"
        case .link(let target): return text(target)
        case .bytes(let bytes): return words(bytes)
        case .client(let reply): return "\(reply)"
        case .names(let names): return names.map(text).sorted().joined(separator: " ")
        case .statistics(let found): return "files=\(found.files) directories=\(found.directories) bytes=\(found.bytes)"
        case .receipt(let receipt):
            var lines = [
                "\(receipt.version) changes=\(receipt.changes) complete=(\(receipt.completeRegions.map(\.name).joined(separator: " ")))"
            ]
            lines += receipt.conflicts.map { "conflict \($0.index) \($0.path) of \($0.losingVersion): \($0.reason)" }
            return lines.joined(separator: "\n")
        case .session(let status):
            return "\(status.version) of \(status.latest) staged=\(status.staged) open=\(status.openFiles)"
                + (status.readOnly ? " read-only" : "")
        case .history(let versions):
            return versions.map { "\($0.version) \($0.region.isEmpty ? "-" : $0.region) changes=\($0.changes) \($0.message)" }.joined(
                separator: "\n")
        case .changes(let changes, let truncated):
            return changes.map { "\($0.kind.rawValue) \($0.from.map { "\($0) -> " } ?? "")\($0.path) \($0.size)" }.joined(separator: "\n")
                + (truncated ? "\n…" : "")
        case .conflicts(let conflicts):
            return conflicts.map { "\($0.index) \($0.path) of \($0.losingVersion) size=\($0.size)" }.joined(separator: "\n")
        case .lock(let lock): return lock.map { "\($0.range.start)+\($0.range.length)\($0.exclusive ? " exclusive" : "")" } ?? "free"
        }
    }
}
