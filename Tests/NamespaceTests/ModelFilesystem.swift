import Namespace
import Primitives

/// A file system as simple as can be: nodes in a dictionary, contents as bytes. It answers with the
/// errno that POSIX asks for, and keeps no index, no counters and no history.
struct ModelFilesystem {
    struct Node {
        var type: InodeType
        var data: [UInt8] = []
        var children: [String: Int] = [:]
        var mode: UInt32
        var modified: Int64
        var changed: Int64
        var xattrs: [String: String] = [:]
    }

    var nodes: [Int: Node]
    var next = 2
    static let root = 1

    init() { nodes = [1: Node(type: .directory, mode: 0o755, modified: 0, changed: 0)] }

    // MARK: Finding

    /// The directory and the last name of a path; no symlinks are used on the way.
    func parent(_ path: String) -> (Int, String)? {
        let parts = path.split(separator: "/").map(String.init)
        guard let name = parts.last, let directory = find(parts.dropLast().joined(separator: "/")) else { return nil }
        return (directory, name)
    }

    func find(_ path: String) -> Int? {
        var id = Self.root
        for part in path.split(separator: "/") {
            guard let child = nodes[id]?.children[String(part)] else { return nil }
            id = child
        }
        return id
    }

    func names(of id: Int) -> Int { nodes.values.reduce(0) { $0 + $1.children.values.count { $0 == id } } }

    func isInside(_ id: Int, _ top: Int) -> Bool {
        id == top || nodes[top]!.children.values.contains { isInside(id, $0) }
    }

    // MARK: Changing; nil is success

    mutating func touchDirectory(_ id: Int, _ now: Int64) {
        nodes[id]!.modified = now
        nodes[id]!.changed = now
    }

    mutating func make(_ path: String, _ node: Node, _ now: Int64) -> Errno? {
        guard let (directory, name) = parent(path) else { return .noEntry }
        guard nodes[directory]!.type == .directory else { return .notDirectory }
        guard nodes[directory]!.children[name] == nil else { return .exists }
        nodes[next] = node
        nodes[directory]!.children[name] = next
        next += 1
        touchDirectory(directory, now)
        return nil
    }

    mutating func link(_ path: String, _ new: String, _ now: Int64) -> Errno? {
        guard let id = find(path), let (directory, name) = parent(new) else { return .noEntry }
        guard nodes[id]!.type != .directory else { return .notPermitted }
        guard nodes[directory]!.type == .directory else { return .notDirectory }
        guard nodes[directory]!.children[name] == nil else { return .exists }
        nodes[directory]!.children[name] = id
        nodes[id]!.changed = now
        touchDirectory(directory, now)
        return nil
    }

    mutating func drop(_ id: Int, _ now: Int64) {
        if names(of: id) == 0 { nodes[id] = nil } else { nodes[id]!.changed = now }
    }

    mutating func remove(_ path: String, directory wanted: Bool?, _ now: Int64) -> Errno? {
        guard let (directory, name) = parent(path) else { return .noEntry }
        guard nodes[directory]!.type == .directory else { return .notDirectory }
        guard let id = nodes[directory]!.children[name] else { return .noEntry }
        let isDirectory = nodes[id]!.type == .directory
        if let wanted, wanted != isDirectory { return wanted ? .notDirectory : .isDirectory }
        guard nodes[id]!.children.isEmpty else { return .notEmpty }
        nodes[directory]!.children[name] = nil
        touchDirectory(directory, now)
        drop(id, now)
        return nil
    }

    mutating func removeTree(_ path: String, _ now: Int64) -> Errno? {
        guard let (directory, name) = parent(path) else { return .noEntry }
        guard nodes[directory]!.type == .directory else { return .notDirectory }
        guard let id = nodes[directory]!.children[name] else { return .noEntry }
        for child in nodes[id]!.children.keys.sorted() { _ = removeTree(path + "/" + child, now) }
        return remove(path, directory: nil, now)
    }

    mutating func rename(_ from: String, _ to: String, _ how: RenameMode, _ now: Int64) -> Errno? {
        guard let (source, oldName) = parent(from), let (target, newName) = parent(to) else { return .noEntry }
        guard nodes[source]!.type == .directory, nodes[target]!.type == .directory else { return .notDirectory }
        guard let id = nodes[source]!.children[oldName] else { return .noEntry }
        let existing = nodes[target]!.children[newName]
        if existing == id, how != .noReplace { return nil }
        if how == .exchange, existing == nil { return .noEntry }
        if how == .noReplace, existing != nil { return .exists }
        if nodes[id]!.type == .directory, isInside(target, id) { return .invalid }
        if how == .exchange, let existing {
            if nodes[existing]!.type == .directory, isInside(source, existing) { return .invalid }
            nodes[source]!.children[oldName] = existing
            nodes[target]!.children[newName] = id
            nodes[existing]!.changed = now
        } else {
            if let existing {
                let over = nodes[existing]!.type == .directory
                if nodes[id]!.type == .directory, !over { return .notDirectory }
                if nodes[id]!.type != .directory, over { return .isDirectory }
                if !nodes[existing]!.children.isEmpty { return .notEmpty }
            }
            nodes[source]!.children[oldName] = nil
            nodes[target]!.children[newName] = id
            if let existing { drop(existing, now) }
        }
        nodes[id]!.changed = now
        touchDirectory(source, now)
        touchDirectory(target, now)
        return nil
    }

    /// Opens a regular file for a change of its content.
    mutating func edit(_ path: String, _ now: Int64, _ body: (inout [UInt8]) -> Void) -> Errno? {
        guard let id = find(path) else { return .noEntry }
        switch nodes[id]!.type {
        case .file: break
        case .directory: return .isDirectory
        default: return .invalid
        }
        body(&nodes[id]!.data)
        nodes[id]!.modified = now
        nodes[id]!.changed = now
        return nil
    }

    mutating func put(_ path: String, _ data: [UInt8], _ now: Int64) -> Errno? {
        let parts = path.split(separator: "/").map(String.init)
        var directory = Self.root
        var missing: [String] = []
        for part in parts.dropLast() {
            if missing.isEmpty, let child = nodes[directory]!.children[part] {
                guard nodes[child]!.type == .directory else { return .notDirectory }
                directory = child
            } else {
                missing.append(part)
            }
        }
        let existing = missing.isEmpty ? nodes[directory]!.children[parts.last!] : nil
        if let existing, nodes[existing]!.type == .directory { return .isDirectory }
        for name in missing {
            nodes[next] = Node(type: .directory, mode: 0o755, modified: now, changed: now)
            nodes[directory]!.children[name] = next
            touchDirectory(directory, now)
            directory = next
            next += 1
        }
        nodes[next] = Node(type: .file, data: data, mode: 0o644, modified: now, changed: now)
        nodes[directory]!.children[parts.last!] = next
        next += 1
        touchDirectory(directory, now)
        if let existing { drop(existing, now) }
        return nil
    }

    mutating func copyTree(_ from: String, _ to: String, _ now: Int64) -> Errno? {
        guard let id = find(from), let (directory, name) = parent(to) else { return .noEntry }
        guard nodes[directory]!.type == .directory else { return .notDirectory }
        guard nodes[directory]!.children[name] == nil else { return .exists }
        if isInside(directory, id) { return .invalid }
        var copies: [Int: Int] = [:]
        nodes[directory]!.children[name] = copy(id, now, &copies)
        touchDirectory(directory, now)
        return nil
    }

    private mutating func copy(_ id: Int, _ now: Int64, _ copies: inout [Int: Int]) -> Int {
        if let copy = copies[id] { return copy }
        var node = nodes[id]!
        node.changed = now
        let new = next
        next += 1
        copies[id] = new
        for (name, child) in node.children.sorted(by: { $0.key < $1.key }) { node.children[name] = copy(child, now, &copies) }
        nodes[new] = node
        return new
    }

    // MARK: Comparing

    /// Every path with all that can be seen of it; equal inodes show by their lowest path.
    func lines() -> [String] {
        var first: [Int: String] = [:]
        var out: [String] = []
        func visit(_ id: Int, _ path: String) {
            let node = nodes[id]!
            let links = node.type == .directory ? 2 + node.children.values.count { nodes[$0]!.type == .directory } : names(of: id)
            if first[id] == nil { first[id] = path }
            let size = node.type == .directory ? node.children.count : node.data.count
            let xattrs = node.xattrs.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
            out.append(
                "\(path) \(node.type) \(String(node.mode, radix: 8)) =\(first[id]!) l\(links) s\(size) m\(node.modified) c\(node.changed) "
                    + "{\(xattrs)} \(Hex.encode(SHA256.hash(node.data).bytes.prefix(4)))")
            for name in node.children.keys.sorted() { visit(node.children[name]!, path + "/" + name) }
        }
        visit(Self.root, "")
        return out
    }
}

extension NamespaceTree {
    /// The same of the real thing, read by its own reads. `bytes` gives the content of a chunk.
    func lines(_ bytes: (ChunkReference) -> [UInt8]) throws -> [String] {
        var first: [InodeID: String] = [:]
        var out: [String] = []
        func visit(_ id: InodeID, _ path: String) throws {
            let inode = try attributes(of: id)
            if first[id] == nil { first[id] = path }
            let data = try content(id, inode, bytes)
            let xattrs = try xattrNames(of: id).map { name in
                "\(String(decoding: name, as: UTF8.self))=\(String(decoding: try xattr(of: id, name), as: UTF8.self))"
            }.sorted().joined(separator: ",")
            out.append(
                "\(path) \(inode.type) \(String(inode.mode, radix: 8)) =\(first[id]!) l\(inode.links) s\(inode.size) "
                    + "m\(inode.modified.nanoseconds) c\(inode.changed.nanoseconds) {\(xattrs)} \(Hex.encode(SHA256.hash(data).bytes.prefix(4)))"
            )
            guard inode.isDirectory else { return }
            let entries = try readDirectory(id, limit: .max).entries.sorted { $0.name.lexicographicallyPrecedes($1.name) }
            for entry in entries { try visit(entry.inode, path + "/" + String(decoding: entry.name, as: UTF8.self)) }
        }
        try visit(.root, "")
        return out
    }

    func content(_ id: InodeID, _ inode: Inode, _ bytes: (ChunkReference) -> [UInt8]) throws -> [UInt8] {
        switch inode.type {
        case .symlink: return try readLink(id)
        case .file: break
        default: return []
        }
        var data = [UInt8](repeating: 0, count: Int(inode.size))
        let inline = try inlineContent(of: id)
        data.replaceSubrange(0..<inline.count, with: inline)
        for extent in try extents(of: id, in: 0..<inode.size) {
            let piece = bytes(extent.chunk)[Int(extent.chunkOffset)..<Int(extent.chunkOffset) + Int(extent.length)]
            data.replaceSubrange(Int(extent.offset)..<Int(extent.end), with: piece)
        }
        return data
    }
}
