package import Primitives

// An operation, and what it gave, with other numbers of objects: for sessions that keep theirs.

extension FileOperation {
    /// The same operation with the bases of its paths mapped.
    package func rebased(_ number: (InodeID) -> InodeID) -> FileOperation {
        guard paths.contains(where: { $0.base != .root }) else { return self }
        func path(_ path: FilePath) -> FilePath { FilePath(base: number(path.base), components: path.components) }
        switch self {
        case .stat(let at, let follow): return .stat(path: path(at), followLinks: follow)
        case .list(let at, let cookie, let limit): return .list(path: path(at), cookie: cookie, limit: limit)
        case .open(let at, let mode): return .open(path: path(at), mode: mode)
        case .makeDirectory(let at, let mode, let parents): return .makeDirectory(path: path(at), mode: mode, parents: parents)
        case .remove(let at, let recursive): return .remove(path: path(at), recursive: recursive)
        case .rename(let from, let to, let noReplace): return .rename(from: path(from), to: path(to), noReplace: noReplace)
        case .exchange(let one, let other): return .exchange(path(one), path(other))
        case .makeNode(let at, let mode, let type, let device): return .makeNode(path: path(at), mode: mode, type: type, device: device)
        case .zeroRange(let at, let offset, let length, let extend):
            return .zeroRange(path: path(at), offset: offset, length: length, extend: extend)
        case .link(let existing, let new): return .link(existing: path(existing), new: path(new))
        case .symlink(let target, let at): return .symlink(target: target, path: path(at))
        case .readLink(let at): return .readLink(path: path(at))
        case .setAttributes(let at, let changes): return .setAttributes(path: path(at), changes: changes)
        case .copy(let from, let to, let recursive): return .copy(from: path(from), to: path(to), recursive: recursive)
        case .getXattr(let at, let name): return .getXattr(path: path(at), name: name)
        case .setXattr(let at, let name, let value, let rule): return .setXattr(path: path(at), name: name, value: value, rule: rule)
        case .make(let at, let object): return .make(path: path(at), object)
        case .seek(let at, let offset, let hole): return .seek(path: path(at), offset: offset, hole: hole)
        case .removeXattr(let at, let name): return .removeXattr(path: path(at), name: name)
        case .listXattrs(let at): return .listXattrs(path: path(at))
        default: return self
        }
    }
}

extension FileValue {
    /// The same with the numbers of objects mapped.
    package func renumbered(_ number: (InodeID) -> InodeID) -> FileValue {
        func told(_ attributes: FileAttributes) -> FileAttributes {
            var told = attributes
            told.inode = number(attributes.inode)
            if attributes.parent.rawValue != 0 { told.parent = number(attributes.parent) }
            return told
        }
        switch self {
        case .attributes(let attributes): return .attributes(told(attributes))
        case .opened(let handle, let attributes): return .opened(handle, told(attributes))
        case .entries(let entries, let next):
            return .entries(
                entries.map { FileEntry(name: $0.name, attributes: told($0.attributes), cookie: $0.cookie) }, nextCookie: next)
        default: return self
        }
    }
}
