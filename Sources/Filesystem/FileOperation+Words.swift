import Primitives

extension FileOperation {
    /// The operation's name in errors, metrics and the API.
    package var name: String {
        switch self {
        case .stat: "stat"
        case .list: "list"
        case .open: "open"
        case .read: "read"
        case .write: "write"
        case .sync: "sync"
        case .flush: "flush"
        case .close: "close"
        case .makeDirectory: "make_directory"
        case .remove: "remove"
        case .rename: "rename"
        case .exchange: "exchange"
        case .makeNode: "make_node"
        case .zeroRange: "zero_range"
        case .make: "make"
        case .seek: "seek"
        case .link: "link"
        case .symlink: "symlink"
        case .readLink: "read_link"
        case .setAttributes: "set_attributes"
        case .copy: "copy"
        case .getXattr: "get_xattr"
        case .setXattr: "set_xattr"
        case .removeXattr: "remove_xattr"
        case .listXattrs: "list_xattrs"
        case .statistics: "statistics"
        case .lock: "lock"
        case .unlock: "unlock"
        case .testLock: "test_lock"
        case .client: "nfs_client"
        case .commit: "commit"
        case .reload: "reload"
        case .sessionStatus: "session_status"
        case .history: "history"
        case .diff: "diff"
        case .rollback: "rollback"
        case .conflicts: "conflicts"
        case .resolveConflict: "resolve_conflict"
        case .clone: "clone"
        }
    }

    /// What it is about, for errors: a path, an open file, or the session.
    package var object: String {
        switch self {
        case .stat(let path, _), .list(let path, _, _), .open(let path, _), .makeDirectory(let path, _, _), .remove(let path, _),
            .symlink(_, let path), .readLink(let path), .setAttributes(let path, _), .getXattr(let path, _), .setXattr(let path, _, _, _),
            .removeXattr(let path, _), .listXattrs(let path), .makeNode(let path, _, _, _), .zeroRange(let path, _, _, _),
            .make(let path, _),
            .seek(let path, _, _):
            path.description
        case .rename(let from, let to, _), .copy(let from, let to, _), .link(let from, let to), .exchange(let from, let to):
            "\(from) -> \(to)"
        case .read(let handle, _, _), .write(let handle, _), .sync(let handle), .flush(let handle), .close(let handle, _),
            .lock(let handle, _, _, _), .unlock(let handle, _), .testLock(let handle, _, _):
            "open file \(handle.rawValue)"
        case .diff(let from, let to, _): "\(from)..\(to)"
        case .rollback(let version): version.description
        case .resolveConflict(let index): "conflict \(index)"
        case .clone(let target, _): "into \(target)"
        case .client(.lock(let inode, _, _, _, _)), .client(.unlock(let inode, _, _)), .client(.testLock(let inode, _, _, _)): "\(inode)"
        case .statistics, .commit, .reload, .sessionStatus, .history, .conflicts, .client: "session"
        }
    }

    /// Only volumes have these.
    package var isForVolumes: Bool {
        switch self {
        case .commit, .reload, .history, .diff, .rollback, .conflicts, .resolveConflict: true
        default: false
        }
    }

    /// Whether it changes files: refused in a read-only session.
    package var isChange: Bool {
        switch self {
        case .write, .makeDirectory, .remove, .rename, .exchange, .link, .symlink, .makeNode, .setAttributes, .zeroRange, .copy,
            .setXattr, .removeXattr, .rollback, .resolveConflict, .commit, .make:
            true
        case .open(_, let mode): mode != .read
        case .client(let request): request.isChange
        default: false
        }
    }

    /// Names, link targets and attributes beyond what any file system takes are refused before they
    /// are sent anywhere (NAME_MAX, PATH_MAX, XATTR_SIZE_MAX).
    package var tooLongName: FileFailure? {
        func refuse(_ code: FileFailure.Code, _ cause: String) -> FileFailure {
            FileFailure(code, operation: name, object: shortObject, cause: cause)
        }
        if takesWholePaths, paths.contains(where: { $0.base != .root }) {
            return refuse(.notSupported, "it takes paths from the root only")
        }
        for path in paths where path.components.contains(where: { $0.count > 255 }) {
            return refuse(.nameTooLong, "a name has at most 255 bytes")
        }
        switch self {
        case .symlink(let target, _) where target.count > 4_095: return refuse(.nameTooLong, "a link's target has at most 4,095 bytes")
        case .make(_, let object):
            if case .symlink(let target) = object.form, target.count > 4_095 {
                return refuse(.nameTooLong, "a link's target has at most 4,095 bytes")
            }
        case .setXattr(_, let name, let value, _):
            if name.count > 255 { return refuse(.outOfRange, "an attribute's name has at most 255 bytes") }
            if value.count > 65_536 { return refuse(.tooLarge, "an attribute has at most 65,536 bytes") }
        case .commit(let options) where options.message.utf8.count > 4_096: return refuse(.tooLarge, "a message has at most 4,096 bytes")
        case .getXattr(_, let name), .removeXattr(_, let name):
            if name.count > 255 { return refuse(.outOfRange, "an attribute's name has at most 255 bytes") }
        default: break
        }
        return nil
    }

    /// These send whole paths to the leader of a network file system.
    private var takesWholePaths: Bool {
        switch self {
        case .copy, .makeDirectory(_, _, parents: true), .open(_, .replace): true
        default: false
        }
    }

    private var shortObject: String { object.utf8.count > 300 ? String(object.prefix(60)) + "…" : object }

    package var paths: [FilePath] {
        switch self {
        case .stat(let path, _), .list(let path, _, _), .open(let path, _), .makeDirectory(let path, _, _), .remove(let path, _),
            .symlink(_, let path), .readLink(let path), .setAttributes(let path, _), .getXattr(let path, _), .setXattr(let path, _, _, _),
            .removeXattr(let path, _), .listXattrs(let path), .makeNode(let path, _, _, _), .zeroRange(let path, _, _, _),
            .make(let path, _),
            .seek(let path, _, _):
            [path]
        case .rename(let from, let to, _), .copy(let from, let to, _), .link(let from, let to), .exchange(let from, let to): [from, to]
        default: []
        }
    }
}

extension FileOperation {
    /// Asks only: carried out or not, it leaves files, locks and versions as they are.
    package var changesNothing: Bool {
        switch self {
        case .stat, .list, .read, .readLink, .getXattr, .listXattrs, .statistics, .reload, .sessionStatus, .history, .diff, .conflicts,
            .testLock, .seek:
            true
        case .open(_, let mode): mode == .read || mode == .write
        case .client(let request): !request.isChange
        case .write, .sync, .flush, .close, .makeDirectory, .remove, .rename, .exchange, .link, .symlink, .makeNode, .setAttributes,
            .zeroRange, .make, .copy, .setXattr, .removeXattr, .lock, .unlock, .commit, .rollback, .resolveConflict, .clone:
            false
        }
    }
}
