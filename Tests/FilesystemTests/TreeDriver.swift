import Filesystem
import Namespace
import Primitives
import TestSupport

/// A volume's state and the sessions that stage changes to it, through the words of the seam:
/// `session NAME` begins (or goes on with) one, changes go to it, `commit` publishes them.
final class TreeDriver {
    private struct Session {
        var base: NamespaceTree
        var staged: NamespaceState
        var version: VersionID
    }

    private var state = NamespaceState(settings: NamespaceSettings(salt: 7), time: WallTime(nanoseconds: 0))
    private var sessions: [String: Session] = [:]
    private var current = "main"
    private var clock: Int64 = 0

    func run(_ command: ScriptCommand) throws -> String {
        if sessions[current] == nil { begin() }
        do { return try perform(command) } catch let failure as FileFailure { return "\(failure.code.word): \(failure)" }
    }

    private func begin() { sessions[current] = Session(base: state.tree, staged: state.session(), version: state.version) }

    private var tree: NamespaceTree { sessions[current]!.staged.tree }

    private func perform(_ command: ScriptCommand) throws -> String {
        switch command.name {
        case "session":
            current = command.arguments[0].key
            if sessions[current] == nil || command.has("new") { begin() }
            return ""
        case "commit":
            let session = sessions[current]!
            let changes = VolumeChanges.between(base: session.base, staged: session.staged.tree, version: session.version)
            let info = CommitInfo(
                ifUnchanged: command.has("if-unchanged"), session: 1, author: "us", message: command.value("message") ?? "")
            let result = state.apply(.commitChanges(changes, info), context: context())
            begin()
            if case .failure(let error) = result { throw FileFailure(error) }
            return "\(state.version)"
        case "history":
            return state.summaries(limit: try command.integer("limit", default: 10)).map {
                "\($0.version) \($0.region.isEmpty ? "-" : $0.region) changes=\($0.changes) \($0.message)"
            }.joined(separator: "\n")
        case "diff":
            let found = try state.pathChanges(
                from: VersionID(UInt64(try command.integer("from"))), to: VersionID(UInt64(try command.integer("to"))),
                limit: try command.integer("limit", default: 100))
            return found.changes.map { "\($0.kind.rawValue) \($0.from.map { "\($0) -> " } ?? "")\($0.path) \($0.size)" }.joined(
                separator: "\n")
                + (found.truncated ? "\n…" : "")
        case "conflicts":
            return state.conflictSummaries(limit: try command.integer("limit", default: 10)).map {
                "\($0.index) \($0.path) \($0.losingVersion) size=\($0.size): \($0.reason)"
            }.joined(separator: "\n")
        case "tree": return try listing()
        case "stat":
            let found = try tree.walk(try path(command, "path"), followLast: !command.has("nofollow"))
            return "\(found.type.word) links=\(found.links) size=\(found.size)"
        case "list":
            let page = try tree.list(
                try tree.walk(try path(command, "path"), followLast: true).inode, after: UInt64(command.value("after") ?? "0") ?? 0,
                limit: try command.integer("limit", default: 100))
            return page.entries.map { String(decoding: $0.name, as: UTF8.self) }.sorted().joined(separator: " ")
                + (page.next == nil ? "" : " …")
        case "content": return try content(command)
        case "kept":
            return try tree.isInline(try tree.walk(try path(command, "path"), followLast: true).inode) ? "inline" : "has chunks"
        case "statistics":
            let found = tree.fileStatistics
            return "files=\(found.files) directories=\(found.directories) bytes=\(found.bytes)"
        default: return try change(command)
        }
    }

    private func change(_ command: ScriptCommand) throws -> String {
        let operation: NamespaceOperation
        switch command.name {
        case "put":
            operation = .putting(
                try path(command, "path"), stored(command), mode: 0o644, refuseExisting: command.has("new"))
        case "write": operation = .writing(try tree.walk(try path(command, "path"), followLast: true).inode, stored(command))
        case "mkdir":
            operation = try tree.change(
                for: FileOperation.makeDirectory(path: path(command, "path"), mode: 0o755, parents: command.has("parents")))
        case "remove":
            operation = try tree.change(for: FileOperation.remove(path: path(command, "path"), recursive: command.has("recursive")))
        case "copy":
            operation = try tree.change(
                for: FileOperation.copy(from: path(command, "from"), to: path(command, "to"), recursive: command.has("recursive")))
        case "rename":
            operation = try tree.change(
                for: FileOperation.rename(from: path(command, "from"), to: path(command, "to"), noReplace: command.has("no-replace")))
        case "link": operation = try tree.change(for: FileOperation.link(existing: path(command, "from"), new: path(command, "to")))
        case "symlink":
            operation = try tree.change(
                for: FileOperation.symlink(target: Array((command.value("target") ?? "").utf8), path: path(command, "path")))
        case "truncate":
            operation = try tree.change(
                for: FileOperation.setAttributes(
                    path: path(command, "path"), changes: AttributeChanges(size: UInt64(try command.integer("size")))))
        default: throw ScriptError(file: command.file, line: command.line, reason: "no command \(command.name)")
        }
        if case .failure(let error) = sessions[current]!.staged.apply(operation, context: context()) { throw FileFailure(error) }
        sessions[current]!.staged.checkInvariants()
        return ""
    }

    private func context() -> CommandContext {
        clock += 1
        return CommandContext(time: WallTime(nanoseconds: clock))
    }

    private func path(_ command: ScriptCommand, _ key: String) throws -> FilePath {
        guard let text = command.value(key), let path = FilePath(text) else {
            throw ScriptError(file: command.file, line: command.line, reason: "\(command.name) needs \(key)=PATH")
        }
        return path
    }

    /// `inline=TEXT`, or `extents=(0+100:a 300+50:b)` with `size=`.
    private func stored(_ command: ScriptCommand) -> StoredContent {
        if let text = command.value("inline") { return .inline(Array(text.utf8)) }
        let extents = command.list("extents").map { item -> Extent in
            let parts = item.split(whereSeparator: { $0 == "+" || $0 == ":" })
            let length = UInt64(parts[1])!
            let chunk = ChunkReference(id: SHA256.hash(Array(parts[2].utf8)), length: UInt32(length))
            return Extent(offset: UInt64(parts[0])!, length: length, chunk: chunk, chunkOffset: 0)
        }
        return .extents(extents, size: command.value("size").flatMap { UInt64($0) } ?? extents.last?.end ?? 0)
    }

    private static func text(_ bytes: [UInt8]) -> String {
        bytes.count > 60
            ? "\(bytes.count) bytes" : "\"" + String(decoding: bytes.map { $0 == 0 ? UInt8(ascii: "0") : $0 }, as: UTF8.self) + "\""
    }

    private func content(_ command: ScriptCommand) throws -> String {
        let inode = try tree.walk(try path(command, "path"), followLast: true).inode
        let offset = UInt64(command.value("offset") ?? "0") ?? 0
        switch try tree.content(of: inode, offset: offset, length: UInt32(try command.integer("length", default: 1_000))) {
        case .nothing: return "nothing"
        case .inline(let bytes, let end): return Self.text(bytes) + (end ? " end" : "")
        case .extents(let extents, let under, let length, let end):
            let pieces = extents.map { "\($0.offset)..\($0.end)@\($0.chunkOffset)" }.joined(separator: " ")
            return "[\(pieces)] under=\(Self.text(under)) length=\(length)" + (end ? " end" : "")
        }
    }

    private func listing() throws -> String {
        var lines: [String] = []
        var open: [(FilePath, InodeID)] = [(.root, .root)]
        while let (path, inode) = open.popLast() {
            for entry in try tree.list(inode, after: 0, limit: 1_000).entries {
                let below = path.appending(entry.name)
                lines.append("\(below) \(entry.attributes.type.word)" + (entry.attributes.type == .file ? " \(entry.attributes.size)" : ""))
                if entry.attributes.type == .directory { open.append((below, entry.attributes.inode)) }
            }
        }
        return lines.sorted().joined(separator: "\n")
    }
}
