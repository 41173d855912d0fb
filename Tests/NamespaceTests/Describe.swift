import Namespace
import Primitives

/// Text of things, for scripts.
enum Describe {
    static func text(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: bytes.map { $0 == 0 ? UInt8(ascii: ".") : $0 }, as: UTF8.self)
    }

    static func chunk(_ chunk: ChunkReference) -> String { chunkNames[chunk.id] ?? chunk.id.description }

    static let chunkNames: [ChunkID: String] = {
        var names: [ChunkID: String] = [:]
        for letter in "abcdefghijklmnopqrstuvwxyz" { names[OperationParser.chunk(String(letter)).id] = String(letter) }
        return names
    }()

    static func letter(_ type: InodeType) -> String {
        switch type {
        case .file: "f"
        case .directory: "d"
        case .symlink: "l"
        case .fifo: "p"
        case .socket: "s"
        case .characterDevice: "c"
        case .blockDevice: "b"
        }
    }

    static func inode(_ id: InodeID, in tree: NamespaceTree, brief: Bool) -> String {
        guard let inode = tree.inode(id) else { return "\(id) gone" }
        var parts = ["\(id) \(letter(inode.type))"]
        if !brief {
            parts.append("\(String(inode.mode, radix: 8)) \(inode.owner):\(inode.group) l\(inode.links) s\(inode.size)")
            parts.append("m\(inode.modified.nanoseconds) c\(inode.changed.nanoseconds)")
        }
        switch inode.type {
        case .file: parts.append(content(id, inode, in: tree))
        case .symlink: parts.append("-> " + text((try? tree.readLink(id)) ?? []))
        case .characterDevice, .blockDevice: parts.append("\(inode.device >> 32):\(inode.device & 0xffff_ffff)")
        default: break
        }
        for name in (try? tree.xattrNames(of: id)) ?? [] { parts.append("{\(text(name))=\(text((try? tree.xattr(of: id, name)) ?? []))}") }
        return parts.filter { !$0.isEmpty }.joined(separator: " ")
    }

    static func content(_ id: InodeID, _ inode: Inode, in tree: NamespaceTree) -> String {
        let inline = (try? tree.inlineContent(of: id)) ?? []
        let extents = (try? tree.extents(of: id, in: 0..<UInt64.max)) ?? []
        return
            ((inline.isEmpty ? [] : ["\"\(text(inline))\""])
            + extents.map { "\($0.offset)+\($0.length)=\(chunk($0.chunk))@\($0.chunkOffset)" }).joined(separator: " ")
    }

    static func result(_ result: NamespaceResult) -> String {
        switch result {
        case .failure(let error):
            return "\(error.errno.symbol): \(error.cause)" + error.paths.map { "\n  /" + text($0) }.joined()
        case .success(let reply): return self.reply(reply)
        }
    }

    static func reply(_ reply: NamespaceReply) -> String {
        switch reply {
        case .done: "ok"
        case .object(let object): "\(object.id)" + (object.created ? " new" : "")
        case .removed(let id, _): "removed \(id)"
        case .renamed(_, _, let replaced): "renamed" + (replaced.map { " over \($0)" } ?? "")
        case .tree(let id, let objects, let more): "\(id) \(objects) objects" + (more ? ", more" : "")
        case .batch(let replies): replies.map(self.reply).joined(separator: "; ")
        case .committed(let commit): self.commit(commit)
        }
    }

    static func commit(_ commit: VolumeCommit) -> String {
        var lines = ["\(commit.version) files=\(commit.filesChanged) bytes=\(commit.bytesAdded)"]
        lines += commit.renumbering.map { "  \($0.provisional) is \($0.real)" }
        lines += commit.conflicts.map { "  " + conflict($0) }
        return lines.joined(separator: "\n")
    }

    static func conflict(_ record: ConflictRecord) -> String {
        "#\(record.id) /\(text(record.path)) \(record.reason) in \(record.version)"
            + (record.losing.map { ", lost \($0.id) of \($0.version)" } ?? "")
    }

    static func changes(_ changes: VolumeChanges) -> String {
        func target(_ target: EntryTarget?) -> String { target.map { "\($0.inode)" } ?? "-" }
        var lines = ["base \(changes.base)"]
        lines += changes.entries.map { "entry \($0.name.directory)/\(text($0.name.name)): \(target($0.old)) > \(target($0.new))" }
        lines += changes.inodes.map { change in
            "inode \(change.id) \(letter(change.inode.type)) \(change.base == nil ? "new" : change.isEdit ? "edited" : "touched")"
                + (change.content.map { " content \($0.size)" } ?? "")
        }
        lines += changes.directories.map { "directory \($0.id) /\(text($0.name.name))" }
        return lines.joined(separator: "\n")
    }

    static func treeChange(_ change: TreeChange) -> String {
        "\(change.kind) \(letter(change.type)) /\(text(change.path))" + (change.oldPath.map { " from /\(text($0))" } ?? "")
            + " \(change.oldSize)>\(change.newSize)"
    }

    static func statistics(_ s: NamespaceStatistics) -> String {
        "files=\(s.files) directories=\(s.directories) symlinks=\(s.symlinks) others=\(s.others) bytes=\(s.bytes) allocated=\(s.allocated)"
    }
}
