import Namespace
import Primitives

/// Draws operations and does them both on the model and as a command.
struct RandomOperations {
    var generator: SeededGenerator
    var model = ModelFilesystem()

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    /// The content of a chunk: as many bytes as its id says, all different from other chunks'.
    static func bytes(_ chunk: ChunkReference) -> [UInt8] {
        (0..<Int(chunk.length)).map { UInt8(truncatingIfNeeded: SeededGenerator.mix(chunk.id.words.0 &+ UInt64($0))) }
    }

    mutating func path() -> String {
        let names = ["a", "b", "c", "d"]
        return "/" + (0...generator.below(3)).map { _ in names[generator.below(names.count)] }.joined(separator: "/")
    }

    private mutating func extent(at offset: Int) -> Extent {
        let chunk = ChunkReference(id: SHA256.hash(Array("chunk\(generator.below(1_000))".utf8)), length: 64)
        let start = generator.below(60)
        return Extent(offset: UInt64(offset), length: UInt64(generator.below(64 - start) + 1), chunk: chunk, chunkOffset: UInt32(start))
    }

    /// Does one operation. `run` gets the operation and gives its errno; nil is success. Returns what
    /// the model says and what `run` said.
    mutating func step(_ tree: NamespaceTree, _ now: Int64, _ run: (NamespaceOperation) -> Errno?) -> (
        what: String, model: Errno?, real: Errno?
    ) {
        let path = path()
        guard let (directory, name) = walkToParent(tree, path) else {
            // The path does not lead anywhere; the reads must say so too.
            let expected: Errno = model.parent(path) == nil ? .noEntry : .notDirectory
            return ("walk \(path)", .noEntry, expected == .notDirectory ? .noEntry : expected)
        }
        switch generator.below(15) {
        case 0, 1:
            return (
                "mkdir \(path)", model.make(path, .init(type: .directory, mode: 0o750, modified: now, changed: now), now),
                run(.makeDirectory(parent: directory, name: name, mode: 0o750))
            )
        case 2, 3:
            return (
                "create \(path)", model.make(path, .init(type: .file, mode: 0o600, modified: now, changed: now), now),
                run(.createFile(parent: directory, name: name, mode: 0o600, how: .exclusive))
            )
        case 4:
            return (
                "symlink \(path)",
                model.make(path, .init(type: .symlink, data: Array("to".utf8), mode: 0o777, modified: now, changed: now), now),
                run(.makeSymlink(parent: directory, name: name, target: Array("to".utf8)))
            )
        case 5:
            let other = self.path()
            guard let (id, _) = try? tree.lookup(directory, name), let (to, newName) = walkToParent(tree, other) else {
                return ("", nil, nil)
            }
            return ("link \(path) \(other)", model.link(path, other, now), run(.link(inode: id, parent: to, name: newName)))
        case 6: return ("unlink \(path)", model.remove(path, directory: false, now), run(.unlink(parent: directory, name: name)))
        case 7: return ("rmdir \(path)", model.remove(path, directory: true, now), run(.removeDirectory(parent: directory, name: name)))
        case 8, 9:
            let other = self.path()
            guard let (to, newName) = walkToParent(tree, other) else { return ("", nil, nil) }
            let how = RenameMode.allCases[generator.below(3)]
            return (
                "rename \(path) \(other) \(how)", model.rename(path, other, how, now),
                run(.rename(from: EntryName(directory: directory, name: name), to: EntryName(directory: to, name: newName), how: how))
            )
        case 10: return rare(tree, path, directory, name, now, run)
        default:
            guard let (id, inode) = try? tree.lookup(directory, name) else { return ("", nil, nil) }
            return content(path, id, inode, now, run)
        }
    }

    private func walkToParent(_ tree: NamespaceTree, _ path: String) -> (InodeID, [UInt8])? {
        guard let (id, _) = model.parent(path), model.nodes[id]!.type == .directory else { return nil }
        return try? tree.walkToParent(Array(path.utf8))
    }

    private mutating func rare(
        _ tree: NamespaceTree, _ path: String, _ directory: InodeID, _ name: [UInt8], _ now: Int64, _ run: (NamespaceOperation) -> Errno?
    ) -> (what: String, model: Errno?, real: Errno?) {
        switch generator.below(4) {
        case 0: return ("rmtree \(path)", model.removeTree(path, now), run(.removeTree(parent: directory, name: name, limit: 0)))
        case 1:
            let other = self.path()
            guard let source = model.find(other), let from = try? tree.walk(Array(other.utf8), followLast: false), model.nodes.count < 200
            else {
                return ("", nil, nil)
            }
            _ = source
            return (
                "cp \(other) \(path)", model.copyTree(other, path, now),
                run(.copyTree(source: from, parent: directory, name: name, limit: 0))
            )
        default:
            let data = Array("put-\(generator.below(1_000))".utf8)
            // The model follows no symlinks, so none may be on the way.
            return (
                "put \(path)", model.put(path, data, now),
                run(.putFile(PutFile(path: Array(path.utf8), content: .inline(data), createParents: true)))
            )
        }
    }

    private mutating func content(
        _ path: String, _ id: InodeID, _ inode: Inode, _ now: Int64, _ run: (NamespaceOperation) -> Errno?
    ) -> (what: String, model: Errno?, real: Errno?) {
        func fill(_ data: inout [UInt8], to size: Int) { while data.count < size { data.append(0) } }
        switch generator.below(7) {
        case 0:
            let size = generator.below(300)
            let result = model.edit(path, now) { data in
                fill(&data, to: size)
                data.removeSubrange(size...)
            }
            return (
                "truncate \(path) \(size)", result == .invalid ? .invalid : result,
                run(.setAttributes(inode: id, patch: AttributePatch(size: UInt64(size))))
            )
        case 1, 2:
            let append = generator.below(3) == 0
            let first = extent(at: append ? 0 : generator.below(200))
            var extents = [first]
            if generator.below(2) == 0 { extents.append(extent(at: Int(first.end) + generator.below(20))) }
            let result = model.edit(path, now) { data in
                let base = append ? data.count : 0
                for extent in extents {
                    fill(&data, to: base + Int(extent.end))
                    let bytes = Self.bytes(extent.chunk)[Int(extent.chunkOffset)..<Int(extent.chunkOffset) + Int(extent.length)]
                    data.replaceSubrange(base + Int(extent.offset)..<base + Int(extent.end), with: bytes)
                }
            }
            return ("write \(path) \(extents)", result, run(.writeExtents(inode: id, write: ExtentWrite(extents, append: append))))
        case 3:
            let offset = generator.below(250)
            let bytes = (0..<generator.below(40) + 1).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
            let truncate = generator.below(4) == 0
            let result = model.edit(path, now) { data in
                fill(&data, to: offset + bytes.count)
                data.replaceSubrange(offset..<offset + bytes.count, with: bytes)
                if truncate { data.removeSubrange((offset + bytes.count)...) }
            }
            return (
                "inline \(path) \(offset) \(bytes.count)", result,
                run(.writeInline(inode: id, write: InlineWrite(offset: UInt64(offset), bytes, truncate: truncate)))
            )
        case 4:
            let offset = generator.below(250)
            let length = generator.below(100) + 1
            let extend = generator.below(2) == 0
            let result = model.edit(path, now) { data in
                if extend { fill(&data, to: offset + length) }
                for index in offset..<offset + length where index < data.count { data[index] = 0 }
            }
            return (
                "zero \(path) \(offset)+\(length)", result,
                run(.zeroRange(inode: id, offset: UInt64(offset), length: UInt64(length), extend: extend))
            )
        case 5:
            let node = model.find(path)!
            let key = "user.\(generator.below(3))"
            model.nodes[node]!.changed = now
            model.nodes[node]!.xattrs[key] = "\(now)"
            return ("setxattr \(path)", nil, run(.setXattr(inode: id, name: Array(key.utf8), value: Array("\(now)".utf8), how: .either)))
        default:
            let node = model.find(path)!
            model.nodes[node]!.changed = now
            model.nodes[node]!.mode = 0o711
            return ("chmod \(path)", nil, run(.setAttributes(inode: id, patch: AttributePatch(mode: 0o711))))
        }
    }
}
