import Filesystem
import Namespace
import Primitives

/// The namespace machine itself, without a cluster: what a front end makes of each call, command by command.
struct POSIXNamespace: POSIXBackend {
    private var state = NamespaceState(settings: NamespaceSettings(salt: 7), time: WallTime(nanoseconds: 0))
    private var now: Int64 = 0
    private var chunks: [ChunkID: [UInt8]] = [:]  // looked up only
    private var held: [Int: InodeID] = [:]  // looked up only

    mutating func perform(_ call: POSIXCall) -> POSIXAnswer? {
        now += 1_000_000_000_000_000
        do throws(NamespaceError) { return try execute(call.kind) } catch { return .failed(FileFailure.Code(error.errno)) }
    }

    private mutating func apply(_ operation: NamespaceOperation) throws(NamespaceError) {
        _ = try state.apply(operation, context: CommandContext(time: WallTime(nanoseconds: now))).get()
    }

    private func find(_ path: String, follow: Bool) throws(NamespaceError) -> InodeID {
        try state.tree.walk(Array(path.utf8), followLast: follow)
    }

    private func file(_ path: String) throws(NamespaceError) -> InodeID {
        let id = try find(path, follow: true)
        guard try !state.tree.attributes(of: id).isDirectory else { throw NamespaceError(.isDirectory, object: path, cause: "a directory") }
        return id
    }

    private mutating func execute(_ kind: POSIXCall.Kind) throws(NamespaceError) -> POSIXAnswer {
        let tree = state.tree
        switch kind {
        case .create(let path, let exclusive):
            let (directory, name) = try tree.walkToParent(Array(path.utf8))
            if !exclusive, let found = try? tree.lookup(directory, name), found.inode.type == .symlink {
                _ = try file(path)
                return .done
            }
            try apply(.createFile(parent: directory, name: name, mode: 0o644, how: exclusive ? .exclusive : .open(truncate: false)))
        case .write(let path, let offset, let length, let tag): try write(try file(path), offset, POSIXCall.bytes(tag, length))
        case .read(let path): return .bytes(try content(try file(path)))
        case .truncate(let path, let size): try apply(.setAttributes(inode: try file(path), patch: AttributePatch(size: UInt64(size))))
        case .makeDirectory(let path):
            let (directory, name) = try tree.walkToParent(Array(path.utf8))
            try apply(.makeDirectory(parent: directory, name: name, mode: 0o755))
        case .remove(let path):
            let (directory, name) = try tree.walkToParent(Array(path.utf8))
            try apply(.remove(parent: directory, name: name))
        case .rename(let from, let to, let noReplace):
            let source = try tree.walkToParent(Array(from.utf8))
            let target = try tree.walkToParent(Array(to.utf8))
            try apply(
                .rename(
                    from: EntryName(directory: source.0, name: source.1), to: EntryName(directory: target.0, name: target.1),
                    how: noReplace ? .noReplace : .replace))
        case .link(let old, let new):
            let id = try find(old, follow: false)
            let (directory, name) = try tree.walkToParent(Array(new.utf8))
            try apply(.link(inode: id, parent: directory, name: name))
        case .symlink(let target, let path):
            let (directory, name) = try tree.walkToParent(Array(path.utf8))
            try apply(.makeSymlink(parent: directory, name: name, target: Array(target.utf8)))
        case .readLink(let path): return .bytes(try tree.readLink(try find(path, follow: false)))
        case .stat(let path, let follow): return try attributes(try find(path, follow: follow))
        case .list(let path):
            let page = try tree.readDirectory(try find(path, follow: true), limit: 10_000)
            return .names(page.entries.map { String(decoding: $0.name, as: UTF8.self) }.sorted())
        case .setMode(let path, let mode):
            try apply(.setAttributes(inode: try find(path, follow: true), patch: AttributePatch(mode: mode)))
        case .setModified(let path, let time):
            let patch = AttributePatch(modified: .exact(WallTime(nanoseconds: time)))
            try apply(.setAttributes(inode: try find(path, follow: true), patch: patch))
        default: return try rest(kind)
        }
        return .done
    }

    private mutating func rest(_ kind: POSIXCall.Kind) throws(NamespaceError) -> POSIXAnswer {
        switch kind {
        case .setXattr(let path, let name, let tag):
            let id = try find(path, follow: true)
            try apply(.setXattr(inode: id, name: Array(name.utf8), value: POSIXCall.bytes(tag, 9), how: .either))
        case .getXattr(let path, let name): return .bytes(try state.tree.xattr(of: try find(path, follow: true), Array(name.utf8)))
        case .removeXattr(let path, let name): try apply(.removeXattr(inode: try find(path, follow: true), name: Array(name.utf8)))
        case .listXattrs(let path):
            return .names(try state.tree.xattrNames(of: try find(path, follow: true)).map { String(decoding: $0, as: UTF8.self) }.sorted())
        case .hold(let path, let slot):
            let id = try file(path)
            try apply(.openReference(inode: id, owner: UInt64(slot + 1)))
            held[slot] = id
        case .readHeld(let slot): return .bytes(try content(held[slot]!))
        case .writeHeld(let slot, let offset, let length, let tag): try write(held[slot]!, offset, POSIXCall.bytes(tag, length))
        case .release(let slot): try apply(.releaseReference(inode: held.removeValue(forKey: slot)!, owner: UInt64(slot + 1)))
        default: break
        }
        return .done
    }

    private func attributes(_ id: InodeID) throws(NamespaceError) -> POSIXAnswer {
        let found = FileAttributes(id, try state.tree.attributes(of: id))
        return .attributes(
            POSIXAnswer.Attributes(
                type: found.type, mode: found.mode, links: found.links, size: found.type == .directory ? nil : Int(found.size),
                modified: found.modified.nanoseconds))
    }

    private mutating func write(_ id: InodeID, _ offset: Int?, _ bytes: [UInt8]) throws(NamespaceError) {
        let size = Int(try state.tree.attributes(of: id).size)
        if (offset ?? size) + bytes.count <= 4_096 {
            return try apply(.writeInline(inode: id, write: InlineWrite(offset: UInt64(offset ?? 0), bytes, append: offset == nil)))
        }
        let chunk = ChunkReference(id: SHA256.hash(bytes), length: UInt32(bytes.count))
        chunks[chunk.id] = bytes
        let extent = Extent(offset: UInt64(offset ?? 0), length: UInt64(bytes.count), chunk: chunk, chunkOffset: 0)
        try apply(.writeExtents(inode: id, write: ExtentWrite([extent], append: offset == nil)))
    }

    private func content(_ id: InodeID) throws(NamespaceError) -> [UInt8] {
        let size = try state.tree.attributes(of: id).size
        var bytes = [UInt8](repeating: 0, count: Int(size))
        let inline = try state.tree.inlineContent(of: id)
        bytes.replaceSubrange(0..<inline.count, with: inline)
        for extent in try state.tree.extents(of: id, in: 0..<max(1, size)) {
            let piece = chunks[extent.chunk.id]![Int(extent.chunkOffset)..<Int(extent.chunkOffset) + Int(extent.length)]
            bytes.replaceSubrange(Int(extent.offset)..<Int(extent.end), with: piece)
        }
        return bytes
    }
}

extension POSIXHistory {
    /// One history on the namespace machine; nil where it behaves as the model.
    package static func checkNamespace(seed: UInt64, count: Int) -> POSIXFailure? {
        let history = POSIXHistory(seed: seed, count: count, clients: 3, holds: true)
        func difference(_ history: POSIXHistory) -> Difference? {
            var backend = POSIXNamespace()
            return history.check(&backend)
        }
        guard let difference = difference(history) else { return nil }
        return POSIXFailure(seed: seed, difference: difference, shrunk: history.shrunk(runs: 2_000) { differs($0) })
        func differs(_ history: POSIXHistory) -> Bool {
            var backend = POSIXNamespace()
            return history.check(&backend) != nil
        }
    }
}
