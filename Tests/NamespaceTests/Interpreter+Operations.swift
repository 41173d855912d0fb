import Namespace
import Primitives
import TestSupport

extension Interpreter {
    /// One operation a line, and `begin` … `end` around a batch.
    func perform(_ command: ScriptCommand) throws -> String {
        let credentials =
            try command.has("user")
            ? Credentials(
                user: UInt32(command.integer("user")), group: UInt32(command.integer("group", default: command.integer("user"))),
                groups: command.list("groups").compactMap { UInt32($0) }) : nil
        var out: [String] = []
        var batch: [NamespaceOperation]?
        for line in command.input.split(separator: "\n").map(String.init) {
            if line == "begin" {
                batch = []
            } else if line == "end" {
                out.append(Describe.result(apply(.batch(batch ?? []), as: credentials, on: command.value("on"))))
                batch = nil
            } else {
                do throws(NamespaceError) {
                    let tree = try currentTree(command.value("on"))
                    let operation = try OperationParser(tree: tree, credentials: credentials).parse(line)
                    if batch != nil {
                        batch?.append(operation)
                    } else {
                        out.append("\(line): \(Describe.result(apply(operation, as: credentials, on: command.value("on"))))")
                    }
                } catch { out.append("\(line): \(error.errno.symbol): \(error.cause)") }
            }
        }
        return out.joined(separator: "\n")
    }

    private func currentTree(_ session: String?) throws(NamespaceError) -> NamespaceTree {
        session.map { sessions[$0]!.staged.tree } ?? state.tree
    }

    func walk(_ command: ScriptCommand) -> String {
        let user = command.value("user").flatMap { UInt32($0) }
        do throws(NamespaceError) {
            let id = try state.tree.walk(
                Array((command.value("path") ?? "").utf8), followLast: !command.has("nofollow"),
                credentials: user.map { Credentials(user: $0, group: $0) })
            let paths = state.tree.paths(of: id).map { "/" + String(decoding: $0, as: UTF8.self) }.sorted()
            return "\(id) \(paths.joined(separator: " "))"
        } catch { return "\(error.errno.symbol): \(error.cause)" }
    }

    func readDirectory(_ command: ScriptCommand) throws -> String {
        let id = try state.tree.walk(Array((command.value("path") ?? "/").utf8))
        var cookie: UInt64 = 0
        var pages: [String] = []
        while true {
            let (entries, atEnd) = try state.tree.readDirectory(id, after: cookie, limit: command.integer("limit", default: 100))
            pages.append("\(entries.count)" + (atEnd ? " end" : ""))
            if atEnd { return pages.joined(separator: ", ") }
            cookie = entries.last!.cookie
        }
    }

    func list(_ command: ScriptCommand) throws -> String {
        let tree = try target(command)
        var lines: [String] = []
        func visit(_ id: InodeID, _ path: String) throws {
            var cookie: UInt64 = 0
            var names: [DirectoryEntry] = []
            while true {
                let (entries, atEnd) = try tree.readDirectory(id, after: cookie, limit: 3)
                names += entries
                if atEnd { break }
                cookie = entries.last!.cookie
            }
            for entry in names.sorted(by: { $0.name.lexicographicallyPrecedes($1.name) }) {
                let name = path + "/" + String(decoding: entry.name, as: UTF8.self)
                lines.append(Describe.inode(entry.inode, in: tree, brief: command.has("brief")) + " " + name)
                if entry.type == .directory { try visit(entry.inode, name) }
            }
        }
        if command.has("root") { lines.append(Describe.inode(.root, in: tree, brief: command.has("brief")) + " /") }
        try visit(.root, "")
        if command.has("orphans") {
            for (key, record) in tree.records {
                if case .attributes(let inode) = record, inode.links == 0 {
                    lines.append(Describe.inode(key.inodeID, in: tree, brief: false) + " -")
                }
            }
        }
        return lines.joined(separator: "\n")
    }
}

/// Reads one line such as `rename /a /b noreplace`. `#5` in place of a path is an inode.
struct OperationParser {
    let tree: NamespaceTree
    let credentials: Credentials?

    func inode(_ path: String, follow: Bool = true) throws(NamespaceError) -> InodeID {
        if path.hasPrefix("#") { return InodeID(UInt64(path.dropFirst())!) }
        return try tree.walk(Array(path.utf8), followLast: follow, credentials: credentials)
    }

    func place(_ path: String) throws(NamespaceError) -> EntryName {
        if path.hasPrefix("#"), let slash = path.firstIndex(of: "/") {
            let id = InodeID(UInt64(path[path.index(after: path.startIndex)..<slash])!)
            return EntryName(directory: id, name: Array(path[path.index(after: slash)...].utf8))
        }
        // The walk refuses names that the commands are to refuse, so only the parent is walked.
        let slash = path.lastIndex(of: "/")!
        let name = path[path.index(after: slash)...]
        let parent = try tree.walk(Array(path[...slash].utf8), credentials: credentials)
        return EntryName(directory: parent, name: Array(name.replacingOccurrences("\\0", "\0").utf8))
    }

    static func chunk(_ name: String) -> ChunkReference { ChunkReference(id: SHA256.hash(Array(name.utf8)), length: 1_000) }

    /// `OFFSET+LENGTH=CHUNK@CHUNKOFFSET`
    static func extent(_ text: String) -> Extent {
        let parts = text.split { "+=@".contains($0) }.map(String.init)
        return Extent(
            offset: UInt64(parts[0])!, length: UInt64(parts[1])!, chunk: chunk(parts[2]),
            chunkOffset: parts.count > 3 ? UInt32(parts[3])! : 0)
    }

    func parse(_ line: String) throws(NamespaceError) -> NamespaceOperation {
        let words = line.split(separator: " ").map(String.init)
        let path = words.count > 1 ? words[1] : ""
        func mode(_ fallback: UInt32) -> UInt32 { words.count > 2 ? UInt32(words[2], radix: 8) ?? fallback : fallback }
        switch words[0] {
        case "mkdir": return .makeDirectory(parent: try place(path).directory, name: try place(path).name, mode: mode(0o755))
        case "create":
            var how = CreateMode.open(truncate: words.contains("trunc"))
            if words.contains("excl") { how = .exclusive }
            if let verifier = words.last.flatMap({ $0.hasPrefix("v") ? UInt64($0.dropFirst()) : nil }) { how = .verified(verifier) }
            return .createFile(parent: try place(path).directory, name: try place(path).name, mode: mode(0o644), how: how)
        case "symlink": return .makeSymlink(parent: try place(path).directory, name: try place(path).name, target: Array(words[2].utf8))
        case "mknod":
            let type: InodeType = ["fifo": .fifo, "socket": .socket, "char": .characterDevice, "block": .blockDevice, "file": .file][
                words[2]]!
            return .makeNode(parent: try place(path).directory, name: try place(path).name, mode: 0o600, type: type, device: 7 << 32 | 1)
        case "link":
            let new = try place(words[2])
            return .link(inode: try inode(path, follow: false), parent: new.directory, name: new.name)
        case "unlink": return .unlink(parent: try place(path).directory, name: try place(path).name)
        case "rmdir": return .removeDirectory(parent: try place(path).directory, name: try place(path).name)
        case "remove": return .remove(parent: try place(path).directory, name: try place(path).name)
        case "rename":
            let how: RenameMode = words.contains("exchange") ? .exchange : words.contains("noreplace") ? .noReplace : .replace
            return .rename(from: try place(path), to: try place(words[2]), how: how)
        case "rmtree":
            return .removeTree(
                parent: try place(path).directory, name: try place(path).name, limit: words.count > 2 ? UInt32(words[2])! : 0)
        case "cp":
            let new = try place(words[2])
            return .copyTree(
                source: try inode(path, follow: false), parent: new.directory, name: new.name,
                limit: words.count > 3 ? UInt32(words[3])! : 0)
        default: return try parseContent(words, path)
        }
    }

    private func parseContent(_ words: [String], _ path: String) throws(NamespaceError) -> NamespaceOperation {
        switch words[0] {
        case "write":
            let size = words.last.flatMap { $0.hasPrefix("size=") ? UInt64($0.dropFirst(5)) : nil }
            let extents = words.dropFirst(2).filter { $0.contains("+") }.map(Self.extent)
            return .writeExtents(inode: try inode(path), write: ExtentWrite(extents, append: words.contains("append"), newSize: size))
        case "inline":
            return .writeInline(
                inode: try inode(path),
                write: InlineWrite(
                    offset: UInt64(words[2])!, words.count > 3 ? Array(words[3].utf8) : [], append: words.contains("append"),
                    truncate: words.contains("trunc")))
        case "zero":
            return .zeroRange(
                inode: try inode(path), offset: UInt64(words[2])!, length: UInt64(words[3])!, extend: words.contains("extend"))
        case "setxattr":
            let how: XattrMode = words.contains("create") ? .create : words.contains("replace") ? .replace : .either
            return .setXattr(inode: try inode(path), name: Array(words[2].utf8), value: Array(words[3].utf8), how: how)
        case "rmxattr": return .removeXattr(inode: try inode(path), name: Array(words[2].utf8))
        case "put":
            return .putFile(
                PutFile(
                    path: Array(path.utf8), content: .inline(Array(words[2].utf8)), mode: 0o640,
                    modified: words.contains("old") ? WallTime(nanoseconds: -5) : nil, createParents: words.contains("parents"),
                    exclusive: words.contains("excl")))
        case "open": return .openReference(inode: try inode(path), owner: UInt64(words[2])!)
        case "close": return .releaseReferences(owner: UInt64(words[1])!)
        case "close1": return .releaseReference(inode: try inode(path), owner: UInt64(words[2])!)
        default: return .setAttributes(inode: try inode(path, follow: false), patch: patch(words))
        }
    }

    /// `set PATH mode=600 uid=1 gid=2 size=3 atime=4 mtime=now ifctime=5 ifchange=6`
    private func patch(_ words: [String]) -> AttributePatch {
        precondition(words[0] == "set", "what is \(words[0])?")
        func value(_ key: String) -> String? { words.first { $0.hasPrefix(key + "=") }.map { String($0.dropFirst(key.count + 1)) } }
        func time(_ key: String) -> TimeChange? { value(key).map { $0 == "now" ? .now : .exact(WallTime(nanoseconds: Int64($0)!)) } }
        return AttributePatch(
            mode: value("mode").map { UInt32($0, radix: 8)! }, owner: value("uid").map { UInt32($0)! },
            group: value("gid").map { UInt32($0)! },
            size: value("size").map { UInt64($0)! }, accessed: time("atime"), modified: time("mtime"),
            ifChanged: value("ifctime").map { WallTime(nanoseconds: Int64($0)!) }, ifChangeID: value("ifchange").map { UInt64($0)! })
    }
}

extension StringProtocol {
    /// Enough of it for `\0`.
    func replacingOccurrences(_ part: String, _ other: String) -> String {
        var out = ""
        var rest = Substring(self)
        while let range = rest.firstRange(of: part) {
            out += rest[..<range.lowerBound] + other
            rest = rest[range.upperBound...]
        }
        return out + rest
    }
}
