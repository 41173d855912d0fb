package import Namespace
package import Primitives

/// Content that a stage has become, to be put into a tree.
package enum StoredContent: Hashable, Sendable {
    /// Small whole content, kept in the namespace itself.
    case inline([UInt8])
    /// Of a file that is written in place: what was written, kept in the namespace itself. What lies beside it stays as it is
    /// then, which others may have changed meanwhile.
    case patches([ContentPatch])
    /// Extents relative to the file's start, and the end of the furthest write.
    case extents([Extent], size: UInt64)
}

/// Some bytes of a file, and where they belong.
package struct ContentPatch: Hashable, Sendable {
    package var offset: UInt64
    package var bytes: [UInt8]
    package init(offset: UInt64, bytes: [UInt8]) {
        self.offset = offset
        self.bytes = bytes
    }
}

/// The most objects that one recursive change may touch.
private let treeLimit: UInt32 = 100_000

/// Changes of a tree as the seam speaks of them, turned into operations of the namespace. The same
/// for the leader of a network file system and for the private copy of a volume session.
extension NamespaceOperation {
    /// The whole new content of the file at a path, with the directories on the way.
    package static func putting(_ path: FilePath, _ content: StoredContent, mode: UInt32, refuseExisting: Bool) -> NamespaceOperation {
        .putFile(
            PutFile(path: path.bytes, content: FileContent(content), mode: mode, createParents: true, exclusive: refuseExisting))
    }

    /// What was written into an existing file.
    package static func writing(_ inode: InodeID, _ content: StoredContent) -> NamespaceOperation {
        switch content {
        case .inline(let bytes): .writeInline(inode: inode, write: InlineWrite(bytes))
        case .patches(let patches) where patches.count == 1:
            .writeInline(inode: inode, write: InlineWrite(offset: patches[0].offset, patches[0].bytes))
        case .patches(let patches):
            .batch(patches.map { .writeInline(inode: inode, write: InlineWrite(offset: $0.offset, $0.bytes)) })
        case .extents(let extents, _): .writeExtents(inode: inode, write: ExtentWrite(extents))
        }
    }

    package static func changing(_ inode: InodeID, _ changes: AttributeChanges) -> NamespaceOperation {
        .setAttributes(
            inode: inode,
            patch: AttributePatch(
                mode: changes.mode, owner: changes.owner, group: changes.group, size: changes.size,
                accessed: changes.accessed.map { .exact($0) }, modified: changes.modified.map { .exact($0) }))
    }

    package static func creating(_ name: [UInt8], in directory: InodeID, mode: UInt32, exclusive: Bool, truncate: Bool = false)
        -> NamespaceOperation
    {
        .createFile(parent: directory, name: name, mode: mode, how: exclusive ? .exclusive : .open(truncate: truncate))
    }
}

extension NamespaceOperation {
    /// Its owner is whoever the command is carried out for.
    static func making(_ object: NewObject, name: [UInt8], in directory: InodeID) -> NamespaceOperation {
        switch object.form {
        case .file:
            .createFile(
                parent: directory, name: name, mode: object.mode, how: object.verifier == 0 ? .exclusive : .verified(object.verifier))
        case .directory: .makeDirectory(parent: directory, name: name, mode: object.mode, verifier: object.verifier)
        case .symlink(let target): .makeSymlink(parent: directory, name: name, target: target)
        case .node(let type, let device):
            .makeNode(parent: directory, name: name, mode: object.mode, type: InodeType(type), device: device)
        }
    }
}

extension XattrMode {
    init(_ rule: XattrRule) { self = XattrMode(rawValue: rule.rawValue)! }
}

extension InodeType {
    init(_ type: FileType) { self = InodeType(rawValue: type.rawValue)! }
}

extension FileContent {
    package init(_ stored: StoredContent) {
        switch stored {
        case .inline(let bytes): self = .inline(bytes)
        case .patches: preconditionFailure("patches are no whole content")
        case .extents(let extents, let size): self.init(extents: extents, size: size)
        }
    }
}

extension NamespaceTree {
    /// The change of a path operation, its paths walked in this tree.
    package func change(for operation: FileOperation) throws(FileFailure) -> NamespaceOperation {
        switch operation {
        case .makeDirectory(let path, let mode, let parents):
            return parents
                ? try makingPath(path, mode: mode) : .makeDirectory(parent: try parent(of: path), name: try name(of: path), mode: mode)
        case .remove(let path, let recursive):
            return removing(try name(of: path), from: try parent(of: path), recursive: recursive)
        case .rename(let from, let to, let noReplace):
            return .rename(
                from: EntryName(directory: try parent(of: from), name: try name(of: from)),
                to: EntryName(directory: try parent(of: to), name: try name(of: to)), how: noReplace ? .noReplace : .replace)
        case .exchange(let one, let other):
            return .rename(
                from: EntryName(directory: try parent(of: one), name: try name(of: one)),
                to: EntryName(directory: try parent(of: other), name: try name(of: other)), how: .exchange)
        case .makeNode(let path, let mode, let type, let device):
            return .makeNode(parent: try parent(of: path), name: try name(of: path), mode: mode, type: InodeType(type), device: device)
        case .zeroRange(let path, let offset, let length, let extend):
            return .zeroRange(inode: try walk(path, followLast: true).inode, offset: offset, length: length, extend: extend)
        case .link(let existing, let new):
            return .link(inode: try walk(existing, followLast: false).inode, parent: try parent(of: new), name: try name(of: new))
        case .symlink(let target, let path): return .makeSymlink(parent: try parent(of: path), name: try name(of: path), target: target)
        case .setAttributes(let path, let changes):
            return .changing(try walk(path, followLast: changes.followsLinks).inode, changes)
        case .copy(let from, let to, let recursive): return try copying(from, to, recursive: recursive)
        case .make(let path, let object): return .making(object, name: try name(of: path), in: try parent(of: path))
        case .setXattr(let path, let name, let value, let rule):
            return .setXattr(inode: try walk(path, followLast: true).inode, name: name, value: value, how: XattrMode(rule))
        case .removeXattr(let path, let name): return .removeXattr(inode: try walk(path, followLast: true).inode, name: name)
        default: preconditionFailure("\(operation.name) is no change of names or attributes")
        }
    }

    /// The change of a server's request.
    package func change(for request: FileRequest) throws(FileFailure) -> NamespaceOperation {
        switch request {
        case .create(let directory, let name, let mode, let exclusive, let truncate):
            return .creating(name, in: directory, mode: mode, exclusive: exclusive, truncate: truncate)
        case .makeDirectory(let directory, let name, let mode): return .makeDirectory(parent: directory, name: name, mode: mode)
        case .makePath(let path, let mode): return try makingPath(path, mode: mode)
        case .remove(let directory, let name, let recursive): return removing(name, from: directory, recursive: recursive)
        case .rename(let fromDirectory, let fromName, let toDirectory, let toName, let noReplace):
            return .rename(
                from: EntryName(directory: fromDirectory, name: fromName), to: EntryName(directory: toDirectory, name: toName),
                how: noReplace ? .noReplace : .replace)
        case .exchange(let directory, let name, let otherDirectory, let otherName):
            return .rename(
                from: EntryName(directory: directory, name: name), to: EntryName(directory: otherDirectory, name: otherName), how: .exchange
            )
        case .makeNode(let directory, let name, let mode, let type, let device):
            return .makeNode(parent: directory, name: name, mode: mode, type: InodeType(type), device: device)
        case .zeroRange(let inode, let offset, let length, let extend):
            return .zeroRange(inode: inode, offset: offset, length: length, extend: extend)
        case .link(let inode, let directory, let name): return .link(inode: inode, parent: directory, name: name)
        case .symlink(let target, let directory, let name): return .makeSymlink(parent: directory, name: name, target: target)
        case .setAttributes(let inode, let changes): return .changing(inode, changes)
        case .copy(let from, let to, let recursive): return try copying(from, to, recursive: recursive)
        case .make(let directory, let name, let object): return .making(object, name: name, in: directory)
        case .setXattr(let inode, let name, let value, let rule):
            return .setXattr(inode: inode, name: name, value: value, how: XattrMode(rule))
        case .removeXattr(let inode, let name): return .removeXattr(inode: inode, name: name)
        default: preconditionFailure("no change of names or attributes: \(request)")
        }
    }

    private func name(of path: FilePath) throws(FileFailure) -> [UInt8] {
        guard let name = path.name else { throw FileFailure(.invalid, operation: "change", object: "/", cause: "it is the root") }
        return name
    }

    private func parent(of path: FilePath) throws(FileFailure) -> InodeID { try walk(path.parent, followLast: true).inode }

    private func removing(_ name: [UInt8], from directory: InodeID, recursive: Bool) -> NamespaceOperation {
        guard recursive, entry(directory, name)?.type == .directory else { return .remove(parent: directory, name: name) }
        return .removeTree(parent: directory, name: name, limit: treeLimit)
    }

    /// The directories of a path that are missing, none where all exist. Links to directories on the
    /// way are followed.
    private func makingPath(_ path: FilePath, mode: UInt32) throws(FileFailure) -> NamespaceOperation {
        var current = InodeID.root
        var operations: [NamespaceOperation] = []
        for (position, name) in path.components.enumerated() {
            if operations.isEmpty, let found = entry(current, name) {
                guard found.type != .symlink else {
                    let target = try walk(FilePath(components: Array(path.components[...position])), followLast: true)
                    try requireDirectory(target.type, name, path)
                    current = target.inode
                    continue
                }
                try requireDirectory(FileType(rawValue: found.type.rawValue)!, name, path)
                current = found.inode
                continue
            }
            operations.append(.makeDirectory(parent: operations.isEmpty ? current : .lastCreated, name: name, mode: mode))
        }
        return .batch(operations)
    }

    private func requireDirectory(_ type: FileType, _ name: [UInt8], _ path: FilePath) throws(FileFailure) {
        guard type == .directory else {
            throw FileFailure(
                .notDirectory, operation: "make_directory", object: path.description,
                cause: "\(String(decoding: name, as: UTF8.self)) exists and is no directory")
        }
    }

    /// `cp`: into a directory where the target is one, else as the target's name. A file takes the
    /// place of whatever else than a directory has the name (a link is replaced, not followed), in one
    /// step; a directory is copied to a free name only.
    private func copying(_ from: FilePath, _ to: FilePath, recursive: Bool) throws(FileFailure) -> NamespaceOperation {
        func refuse(_ code: FileFailure.Code, _ object: FilePath, _ cause: String, _ hint: String = "") -> FileFailure {
            FileFailure(code, operation: "copy", object: object.description, cause: cause, hint: hint)
        }
        let source = try walk(from, followLast: true)
        guard source.type != .directory || recursive else { throw refuse(.isDirectory, from, "it is a directory", "copy it recursively") }
        let directory: InodeID
        let last: [UInt8]
        if let target = try? walk(to, followLast: true), target.type == .directory {
            (directory, last) = (target.inode, try name(of: from))
        } else {
            (directory, last) = (try parent(of: to), try name(of: to))
        }
        let copy = NamespaceOperation.copyTree(source: source.inode, parent: directory, name: last, limit: treeLimit)
        guard let existing = entry(directory, last), existing.type != .directory else { return copy }
        guard source.type != .directory else { throw refuse(.notDirectory, to, "it is a file, and \(from) is a directory") }
        guard existing.inode != source.inode else { throw refuse(.invalid, to, "it is the same file as \(from)") }
        return .batch([.unlink(parent: directory, name: last), copy])
    }
}
