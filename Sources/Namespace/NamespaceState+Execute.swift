import Primitives

extension NamespaceState {
    mutating func execute(_ operation: NamespaceOperation, _ context: CommandContext) throws(NamespaceError) -> NamespaceReply {
        switch operation {
        case .makeDirectory(let parent, let name, let mode, let verifier):
            return try makeDirectory(try resolve(parent), name, mode, verifier, context)
        case .createFile(let parent, let name, let mode, let how):
            return try createFile(try resolve(parent), name, mode, how, context)
        case .makeSymlink(let parent, let name, let target):
            return try makeSymlink(try resolve(parent), name, target, context)
        case .makeNode(let parent, let name, let mode, let type, let device):
            return try makeNode(try resolve(parent), name, mode, type, device, context)
        case .link(let inode, let parent, let name): return try link(try resolve(inode), try resolve(parent), name, context)
        case .unlink(let parent, let name): return try remove(try resolve(parent), name, .notDirectory, context)
        case .removeDirectory(let parent, let name): return try remove(try resolve(parent), name, .directory, context)
        case .remove(let parent, let name): return try remove(try resolve(parent), name, .any, context)
        case .rename(let from, let to, let how):
            return try rename(
                EntryName(directory: try resolve(from.directory), name: from.name),
                EntryName(directory: try resolve(to.directory), name: to.name),
                how, context)
        case .setAttributes(let inode, let patch): return try setAttributes(try resolve(inode), patch, context)
        case .writeExtents(let inode, let write): return try writeExtents(try resolve(inode), write, context)
        case .writeInline(let inode, let write): return try writeInline(try resolve(inode), write, context)
        case .zeroRange(let inode, let offset, let length, let extend):
            return try zeroRange(try resolve(inode), offset, length, extend, context)
        case .setXattr(let inode, let name, let value, let how): return try setXattr(try resolve(inode), name, value, how, context)
        case .removeXattr(let inode, let name): return try removeXattr(try resolve(inode), name, context)
        case .putFile(let put): return try putFile(put, context)
        default: return try executeRare(operation, context)
        }
    }

    private mutating func executeRare(_ operation: NamespaceOperation, _ context: CommandContext) throws(NamespaceError) -> NamespaceReply {
        switch operation {
        case .removeTree(let parent, let name, let limit): return try removeTree(try resolve(parent), name, limit, context)
        case .copyTree(let source, let parent, let name, let limit):
            return try copyTree(try resolve(source), try resolve(parent), name, limit, context)
        case .openReference(let inode, let owner): return try openReference(try resolve(inode), owner)
        case .releaseReference(let inode, let owner): return releaseReference(inode, owner)
        case .releaseReferences(let owner): return releaseReferences(owner)
        case .batch(let operations): return try batch(operations, context)
        case .configure(let settings): return try configure(settings)
        case .commitChanges(let changes, let info): return try commit(changes, info, context)
        case .rollback(let version, let info): return try rollback(to: version, info, context)
        case .resolveConflict(let id, let resolution): return try resolveConflict(id, resolution, context)
        default: preconditionFailure("every operation is carried out")
        }
    }

    private mutating func batch(_ operations: [NamespaceOperation], _ context: CommandContext) throws(NamespaceError) -> NamespaceReply {
        guard operations.count <= NamespaceLimits.batchOperations else {
            throw NamespaceError(
                .tooBig, object: "batch", cause: "\(operations.count) operations, at most \(NamespaceLimits.batchOperations)")
        }
        guard operations.allSatisfy(\.mayBeBatched) else {
            throw NamespaceError(.invalid, object: "batch", cause: "a batch holds neither batches nor commits")
        }
        return try atomically { (state) throws(NamespaceError) in
            defer { state.lastCreated = nil }
            var replies: [NamespaceReply] = []
            replies.reserveCapacity(operations.count)
            for operation in operations {
                do throws(NamespaceError) {
                    let reply = try state.execute(operation, context)
                    if let object = reply.object, object.created { state.lastCreated = object.id }
                    replies.append(reply)
                } catch { throw error.during(operation.word) }
            }
            return .batch(replies)
        }
    }

    private mutating func configure(_ new: NamespaceSettings) throws(NamespaceError) -> NamespaceReply {
        guard new.salt == settings.salt else {
            throw NamespaceError(.invalid, object: "settings", cause: "the salt of a file system never changes")
        }
        settings = new
        return .done
    }
}

extension NamespaceOperation {
    var mayBeBatched: Bool {
        switch self {
        case .batch, .commitChanges, .rollback, .resolveConflict, .configure: false
        default: true
        }
    }

    /// For error messages.
    package var word: String {
        switch self {
        case .makeDirectory: "mkdir"
        case .createFile: "create"
        case .makeSymlink: "symlink"
        case .makeNode: "mknod"
        case .link: "link"
        case .unlink: "unlink"
        case .removeDirectory: "rmdir"
        case .remove: "remove"
        case .rename: "rename"
        case .setAttributes: "setattr"
        case .writeExtents, .writeInline: "write"
        case .zeroRange: "zero"
        case .setXattr: "setxattr"
        case .removeXattr: "removexattr"
        case .putFile: "put"
        case .removeTree: "remove tree"
        case .copyTree: "copy"
        case .openReference: "open"
        case .releaseReference, .releaseReferences: "close"
        case .batch: "batch"
        case .configure: "configure"
        case .commitChanges: "commit"
        case .rollback: "rollback"
        case .resolveConflict: "resolve conflict"
        }
    }
}
