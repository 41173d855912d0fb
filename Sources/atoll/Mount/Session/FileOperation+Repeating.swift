import FUSEMount
import Filesystem
import Primitives

extension FileOperation {
    /// It changes nothing, or the same when it is carried out twice.
    var mayBeRepeated: Bool {
        switch self {
        case .sync, .flush, .setAttributes, .unlock, .zeroRange, .setXattr(_, _, _, .either), .lock, .close: true
        case .write(_, let offset): offset != .max
        case .make(_, let object): object.verifier != 0 && [.file, .directory].contains(object.form)
        default: changesNothing
        }
    }

    /// A volume's session stages it: it does not go together with a commit, and is staged again where the session is lost.
    var isJournaled: Bool {
        switch self {
        case .write, .flush, .sync, .close, .make, .makeDirectory, .remove, .rename, .exchange, .makeNode, .zeroRange, .link, .symlink,
            .setAttributes, .copy, .setXattr, .removeXattr:
            true
        default: false
        }
    }

    var handle: HandleID? {
        switch self {
        case .read(let handle, _, _), .write(let handle, _), .sync(let handle), .flush(let handle), .close(let handle, _),
            .lock(let handle, _, _, _), .unlock(let handle, _), .testLock(let handle, _, _):
            handle
        default: nil
        }
    }

    func with(handle: HandleID) -> FileOperation {
        switch self {
        case .read(_, let offset, let length): .read(handle: handle, offset: offset, length: length)
        case .write(_, let offset): .write(handle: handle, offset: offset)
        case .sync: .sync(handle: handle)
        case .flush: .flush(handle: handle)
        case .close(_, let abandon): .close(handle: handle, abandon: abandon)
        case .lock(_, let range, let exclusive, let wait): .lock(handle: handle, range: range, exclusive: exclusive, wait: wait)
        case .unlock(_, let range): .unlock(handle: handle, range: range)
        case .testLock(_, let range, let exclusive): .testLock(handle: handle, range: range, exclusive: exclusive)
        default: self
        }
    }
}

// What became of an operation whose answer was lost, and which may not be carried out twice. The answer was lost because
// the node was, or a region is cut off; by now somebody answers. A name that is found as the operation would have left it
// was left so by it: the objects are told apart by their numbers.

extension SessionEndpoint {
    /// What the operation gave, where it has been carried out; nil where it has not.
    func settled(_ operation: FileOperation, _ object: InodeID?, _ link: Link, _ end: ContinuousClock.Instant?) async throws(FileFailure)
        -> FileValue?
    {
        switch operation {
        case .remove(let path, _):
            guard let now = try await look(path, link, end) else { return .done }
            return object == nil || now.inode == object ? nil : .done
        case .rename(let from, let to, _), .exchange(let from, let to):
            guard let object, let now = try await look(to, link, end) else { return nil }
            if now.inode == object { return .done }
            // Somebody has replaced it since, if it is not where it was any more.
            if case .exchange = operation { return nil }
            return try await look(from, link, end)?.inode == object ? nil : .done
        case .link(let existing, let new):
            guard existing.components.isEmpty, let now = try await look(new, link, end), now.inode == existing.base else { return nil }
            return .attributes(now)
        case .make(let path, let new):
            guard let now = try await look(path, link, end), now.type == new.form.type, now.owner == new.owner else { return nil }
            guard case .symlink(let target) = new.form else { return nil }
            let asked = try await translated(.readLink(path: path), link, end).operation
            guard case .link(target) = try await call(asked, nil, link, end).outcome.value else { return nil }
            return .attributes(now)
        default: return nil
        }
    }

    /// By the numbers that the mount shows; nil where there is nothing.
    private func look(_ path: FilePath, _ link: Link, _ end: ContinuousClock.Instant?) async throws(FileFailure) -> FileAttributes? {
        let asked = try await translated(.stat(path: path, followLinks: false), link, end).operation
        do throws(FileFailure) {
            let value = try await call(asked, nil, link, end).outcome.value
            guard case .attributes(let found) = shown(value) else { return nil }
            return found
        } catch {
            guard error.code == .notFound else { throw error }
            return nil
        }
    }
}

extension NewObject.Form {
    var type: FileType {
        switch self {
        case .file: .file
        case .directory: .directory
        case .symlink: .symlink
        case .node(let type, _): type
        }
    }
}
