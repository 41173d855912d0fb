package import Filesystem
internal import Primitives

/// The JSON of a `FileOperation`: `{"op": "stat", "path": "/a", "follow_links": true}`. The words of
/// `op` are the operation names in snake case. Paths, names and targets that are not UTF-8 go in a
/// field of the same name with `_b64` behind it.
extension FileOperation: JSONEncodable {
    /// The value of `op`.
    package var word: String {
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

    /// Every word, in the order of the document.
    package static let words = [
        "stat", "list", "open", "read", "write", "sync", "close", "make_directory", "remove", "rename", "link", "symlink", "read_link",
        "set_attributes", "copy", "get_xattr", "set_xattr", "remove_xattr", "list_xattrs", "statistics", "lock", "unlock", "commit",
        "reload",
        "session_status", "history", "diff", "rollback", "conflicts", "resolve_conflict", "flush", "exchange", "make_node", "zero_range",
        "test_lock", "make", "seek",
    ]

    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("op", word)
            writeFields(to: &writer)
        }
    }

    private func writeFields(to writer: inout JSONWriter) {
        switch self {
        case .stat(let path, let followLinks):
            writer.field("path", path)
            writer.field("follow_links", followLinks)
        case .list(let path, let cookie, let limit):
            writer.field("path", path)
            writer.field("cookie", identifier: cookie)
            writer.field("limit", limit)
        case .open(let path, let mode):
            writer.field("path", path)
            mode.writeFields(to: &writer)
        case .read(let handle, let offset, let length):
            writer.field("handle", identifier: handle.rawValue)
            writer.field("offset", offset)
            writer.field("length", length)
        case .write(let handle, let offset):
            writer.field("handle", identifier: handle.rawValue)
            writer.field("offset", offset)
        case .sync(let handle), .flush(let handle): writer.field("handle", identifier: handle.rawValue)
        case .close(let handle, let abandon):
            writer.field("handle", identifier: handle.rawValue)
            writer.field("abandon", abandon)
        case .makeDirectory(let path, let mode, let parents):
            writer.field("path", path)
            writer.field("permissions", mode)
            writer.field("parents", parents)
        case .remove(let path, let recursive):
            writer.field("path", path)
            writer.field("recursive", recursive)
        case .rename(let from, let to, let noReplace):
            writer.field("from", from)
            writer.field("to", to)
            writer.field("no_replace", noReplace)
        case .exchange(let one, let other):
            writer.field("from", one)
            writer.field("to", other)
        case .makeNode(let path, let mode, let type, let device):
            writer.field("path", path)
            writer.field("permissions", mode)
            writer.field("type", type.word)
            writer.field("device", device)
        case .zeroRange(let path, let offset, let length, let extend):
            writer.field("path", path)
            writer.field("offset", offset)
            writer.field("length", length)
            writer.field("extend", extend)
        case .testLock(let handle, let range, let exclusive):
            writer.field("handle", identifier: handle.rawValue)
            range.writeFields(to: &writer)
            writer.field("exclusive", exclusive)
        case .link(let existing, let new):
            writer.field("existing", existing)
            writer.field("new", new)
        case .symlink(let target, let path):
            writer.field("target", bytes: target)
            writer.field("path", path)
        case .readLink(let path), .listXattrs(let path): writer.field("path", path)
        case .setAttributes(let path, let changes):
            writer.field("path", path)
            changes.writeFields(to: &writer)
        case .copy(let from, let to, let recursive):
            writer.field("from", from)
            writer.field("to", to)
            writer.field("recursive", recursive)
        case .getXattr(let path, let name), .removeXattr(let path, let name):
            writer.field("path", path)
            writer.field("name", bytes: name)
        case .setXattr(let path, let name, let value, let rule):
            writer.field("path", path)
            writer.field("name", bytes: name)
            writer.field("value", bytes: value)
            if let word = rule.word { writer.field("only", word) }
        case .make(let path, let object):
            writer.field("path", path)
            object.writeFields(to: &writer)
        case .seek(let path, let offset, let hole):
            writer.field("path", path)
            writer.field("offset", offset)
            writer.field("hole", hole)
        // Servers of the protocol ask this, within a node: it is no operation of the API.
        case .client: break
        case .statistics, .sessionStatus: break
        case .lock(let handle, let range, let exclusive, let wait):
            writer.field("handle", identifier: handle.rawValue)
            range.writeFields(to: &writer)
            writer.field("exclusive", exclusive)
            writer.field("wait", wait)
        case .unlock(let handle, let range):
            writer.field("handle", identifier: handle.rawValue)
            range.writeFields(to: &writer)
        case .commit(let options): options.writeFields(to: &writer)
        case .reload(let mode, let discard):
            mode.writeFields(to: &writer)
            writer.field("discard", discard)
        case .history(let limit), .conflicts(let limit): writer.field("limit", limit)
        case .diff(let from, let to, let limit):
            writer.field("from", from.rawValue)
            writer.field("to", to.rawValue)
            writer.field("limit", limit)
        case .rollback(let version): writer.field("to", version.rawValue)
        case .resolveConflict(let index): writer.field("index", index)
        case .clone(let target, let version):
            writer.field("into", target.description)
            if let version { writer.field("version", version.rawValue) }
        }
    }
}

extension JSONWriter {
    package mutating func field(_ name: String, _ path: FilePath) {
        field(name, bytes: [UInt8(ascii: "/")] + path.bytes)
        if path.base != .root { field(name + "_at", path.base.rawValue) }
    }
}

extension OpenMode {
    fileprivate func writeFields(to writer: inout JSONWriter) {
        switch self {
        case .read: writer.field("mode", "read")
        case .write: writer.field("mode", "write")
        case .create(let mode, let exclusive, let truncate):
            writer.field("mode", "create")
            writer.field("permissions", mode)
            writer.field("exclusive", exclusive)
            writer.field("truncate", truncate)
        case .replace(let mode, let refuseExisting):
            writer.field("mode", "replace")
            writer.field("permissions", mode)
            writer.field("refuse_existing", refuseExisting)
        }
    }
}

extension NewObject {
    fileprivate func writeFields(to writer: inout JSONWriter) {
        switch form {
        case .file: writer.field("type", FileType.file.word)
        case .directory: writer.field("type", FileType.directory.word)
        case .symlink(let target):
            writer.field("type", FileType.symlink.word)
            writer.field("target", bytes: target)
        case .node(let type, let device):
            writer.field("type", type.word)
            writer.field("device", device)
        }
        writer.field("permissions", mode)
        writer.field("owner", owner)
        writer.field("group", group)
        if verifier != 0 { writer.field("verifier", identifier: verifier) }
    }
}

extension XattrRule {
    fileprivate var word: String? {
        switch self {
        case .either: nil
        case .create: "create"
        case .replace: "replace"
        }
    }
}

extension LockRange {
    fileprivate func writeFields(to writer: inout JSONWriter) {
        writer.field("start", start)
        if length != .max { writer.field("length", length) }
    }
}

extension AttributeChanges {
    fileprivate func writeFields(to writer: inout JSONWriter) {
        if let mode { writer.field("permissions", mode) }
        if let owner { writer.field("owner", owner) }
        if let group { writer.field("group", group) }
        if let size { writer.field("size", size) }
        if let accessed { writer.field("atime_ns", accessed.nanoseconds) }
        if let modified { writer.field("mtime_ns", modified.nanoseconds) }
        if !followsLinks { writer.field("follow_links", false) }
    }
}

extension CommitOptions {
    fileprivate func writeFields(to writer: inout JSONWriter) {
        writer.field("if_unchanged", ifUnchanged)
        writer.field("message", message)
        if leavesOutOpenFiles { writer.field("leave_out_open_files", true) }
        switch wait {
        case .policy: writer.field("wait", "policy")
        case .local: writer.field("wait", "local")
        case .majority: writer.field("wait", "majority")
        case .all: writer.field("wait", "all")
        case .regions(let regions): writer.field("wait", strings: regions.map(\.name))
        }
    }
}

extension ReloadMode {
    fileprivate func writeFields(to writer: inout JSONWriter) {
        switch self {
        case .latest: writer.field("mode", "latest")
        case .local: writer.field("mode", "local")
        case .maxStaleness(let age):
            writer.field("mode", "max_staleness")
            writer.field("max_staleness_ms", age.inNanoseconds / 1_000_000)
        case .minimum(let version):
            writer.field("mode", "min_commit")
            writer.field("version", version.rawValue)
        case .strict: writer.field("mode", "strict")
        }
    }
}
