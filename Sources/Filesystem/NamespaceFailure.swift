package import Namespace
package import Primitives

extension FileFailure {
    /// A failure of the namespace, in the words of the seam.
    package init(_ error: NamespaceError, operation: String? = nil) {
        let paths = error.paths.prefix(8).map { String(decoding: $0, as: UTF8.self) }
        let named = paths.isEmpty ? "" : ": " + paths.joined(separator: ", ") + (error.paths.count > 8 ? ", …" : "")
        self.init(
            Code(error.errno), operation: operation ?? error.operation, object: error.object, cause: error.cause + named, hint: error.hint)
    }
}

extension FileFailure.Code {
    package init(_ errno: Errno) {
        self =
            switch errno {
            case .notPermitted: .notPermitted
            case .noEntry: .notFound
            case .tooBig, .fileTooBig: .tooLarge
            case .accessDenied: .permissionDenied
            case .exists: .exists
            case .crossDevice: .crossDevice
            case .notDirectory: .notDirectory
            case .isDirectory: .isDirectory
            case .invalid: .invalid
            case .noSpace: .noSpace
            case .tooManyLinks: .tooManyLinks
            case .outOfRange: .outOfRange
            case .nameTooLong: .nameTooLong
            case .notEmpty: .notEmpty
            case .loop: .tooManySymlinks
            case .noData: .noData
            case .stale: .stale
            case .quotaExceeded: .quotaExceeded
            case .conflict: .conflict
            }
    }
}

extension FileAttributes {
    package init(_ id: InodeID, _ inode: Inode) {
        self.init(
            inode: id, type: FileType(rawValue: inode.type.rawValue)!, mode: inode.mode, links: inode.links, owner: inode.owner,
            group: inode.group, size: inode.size, accessed: inode.accessed, modified: inode.modified, changed: inode.changed,
            changeID: inode.changeID, allocated: inode.allocated, device: inode.device)
        parent = inode.isDirectory ? inode.parent : InodeID(0)
    }
}
