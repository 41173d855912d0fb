import Filesystem
import Primitives
import Replication

// Changing names and attributes on a network file system, with the round trips that Linux's client
// was measured to pay: a change of a name looks its names up first.

extension NodeState {
    mutating func nfsNameOperation(_ operation: FileOperation, _ session: SessionContext, _ progress: inout RequestProgress)
        throws(Interrupt) -> FileValue
    {
        switch operation {
        case .makeDirectory(let path, let mode, let parents):
            if parents {
                _ = try compoundOrFail(Step(.call), [.makePath(path, mode: mode)], session, operation, change: true, &progress)
                return .done
            }
            let place = try target(path, session, operation, &progress)
            if !session.options.asksOnce {
                let looked = try compound(Step(.lookup, 900), [.lookup(directory: place.directory, name: place.name)], session, &progress)
                if case .attributes? = looked.results.first {
                    throw .failure(FileFailure(.exists, operation: operation.name, object: operation.object, cause: "it exists"))
                }
            }
            let answer = try compoundOrFail(
                Step(.call), [.makeDirectory(directory: place.directory, name: place.name, mode: mode)], session, operation, change: true,
                &progress)
            if case .attributes(let attributes) = answer.results[0] {
                updateCaches(session.id) { caches, now in
                    caches.forget(place.directory)
                    caches.learn(place.name, in: place.directory, attributes, now: now)
                }
            }
            return .done
        case .remove(let path, let recursive):
            let place = try target(path, session, operation, &progress)
            if session.options.asksOnce {
                _ = try compoundOrFail(
                    Step(.call), [.remove(directory: place.directory, name: place.name, recursive: recursive)], session, operation,
                    change: true, &progress)
                updateCaches(session.id) { caches, _ in caches.forget(place.name, in: place.directory) }
                return .done
            }
            let looked = try compoundOrFail(
                Step(.lookup, 900), [.lookup(directory: place.directory, name: place.name)], session, operation, &progress)
            if !recursive {
                guard case .attributes(let attributes) = looked.results[0] else { throw .failure(unexpected(operation)) }
                _ = try compound(Step(.lookup, 901), [.getAttributes(attributes.inode)], session, &progress)
            }
            _ = try compoundOrFail(
                Step(.call), [.remove(directory: place.directory, name: place.name, recursive: recursive)], session, operation,
                change: true,
                &progress)
            if case .attributes(let removed) = looked.results[0] { dropReads(session.id, removed.inode) }
            updateCaches(session.id) { caches, _ in caches.forget(place.name, in: place.directory) }
            return .done
        case .rename(let from, let to, let noReplace):
            let source = try target(from, session, operation, &progress)
            let destination = try target(to, session, operation, from: 400, &progress)
            var replaced: InodeID?
            if !session.options.asksOnce {
                _ = try compoundOrFail(
                    Step(.lookup, 900), [.lookup(directory: source.directory, name: source.name)], session, operation, &progress)
                let taken = try compound(
                    Step(.lookup, 901), [.lookup(directory: destination.directory, name: destination.name)], session, &progress)
                if case .attributes(let found)? = taken.results.first { replaced = found.inode }
            }
            _ = try compoundOrFail(
                Step(.call),
                [
                    .rename(
                        fromDirectory: source.directory, fromName: source.name, toDirectory: destination.directory,
                        toName: destination.name,
                        noReplace: noReplace)
                ], session, operation, change: true, &progress)
            if let replaced { dropReads(session.id, replaced) }
            updateCaches(session.id) { caches, _ in
                caches.forget(source.name, in: source.directory)
                caches.forget(destination.name, in: destination.directory)
            }
            return .done
        case .exchange(let one, let other):
            let first = try target(one, session, operation, &progress)
            let second = try target(other, session, operation, from: 400, &progress)
            _ = try compoundOrFail(
                Step(.call),
                [.exchange(directory: first.directory, name: first.name, otherDirectory: second.directory, otherName: second.name)],
                session, operation, change: true, &progress)
            updateCaches(session.id) { caches, _ in
                caches.forget(first.name, in: first.directory)
                caches.forget(second.name, in: second.directory)
            }
            return .done
        case .makeNode(let path, let mode, let type, let device):
            let place = try target(path, session, operation, &progress)
            let answer = try compoundOrFail(
                Step(.call), [.makeNode(directory: place.directory, name: place.name, mode: mode, type: type, device: device)], session,
                operation, change: true, &progress)
            guard case .attributes(let attributes) = answer.results[0] else { throw .failure(unexpected(operation)) }
            updateCaches(session.id) { caches, now in
                caches.forget(place.directory)
                caches.learn(place.name, in: place.directory, attributes, now: now)
            }
            return .attributes(attributes)
        case .make(let path, let object):
            // The front end has looked already, and the name is checked where it is made.
            let place = try target(path, session, operation, &progress)
            let answer = try compoundOrFail(
                Step(.call), [.make(directory: place.directory, name: place.name, object)], session, operation, change: true, &progress)
            guard case .attributes(let attributes) = answer.results[0] else { throw .failure(unexpected(operation)) }
            updateCaches(session.id) { caches, now in
                caches.forget(place.directory)
                caches.learn(place.name, in: place.directory, attributes, now: now)
            }
            guard object.form == .file else { return .attributes(attributes) }
            return opened(path, .write, attributes, session)
        case .link(let existing, let new):
            let inode = try resolve(existing, followLast: false, session, operation, &progress).inode
            let place = try target(new, session, operation, from: 400, &progress)
            let answer = try compoundOrFail(
                Step(.call), [.link(inode, directory: place.directory, name: place.name)], session, operation, change: true, &progress)
            updateCaches(session.id) { caches, _ in
                caches.forget(inode)
                caches.forget(place.directory)
            }
            if case .attributes(let attributes) = answer.results[0] { return .attributes(attributes) }
            return .done
        case .symlink(let text, let path):
            let place = try target(path, session, operation, &progress)
            _ = try compoundOrFail(
                Step(.call), [.symlink(target: text, directory: place.directory, name: place.name)], session, operation, change: true,
                &progress)
            updateCaches(session.id) { caches, _ in caches.forget(place.directory) }
            return .done
        case .copy(let from, let to, let recursive):
            _ = try compoundOrFail(
                Step(.call), [.copy(from: from, to: to, recursive: recursive)], session, operation, change: true, &progress)
            return .done
        default:
            return try nfsAttributeOperation(operation, session, &progress)
        }
    }

    private mutating func nfsAttributeOperation(_ operation: FileOperation, _ session: SessionContext, _ progress: inout RequestProgress)
        throws(Interrupt) -> FileValue
    {
        switch operation {
        case .readLink(let path):
            let inode = try resolve(path, followLast: false, session, operation, &progress).inode
            let answer = try compoundOrFail(Step(.call), [.readLink(inode)], session, operation, &progress)
            guard case .bytes(let target) = answer.results[0] else { throw .failure(unexpected(operation)) }
            return .link(target)
        case .setAttributes(let path, let changes):
            let inode = try resolve(path, followLast: changes.followsLinks, session, operation, &progress).inode
            let answer = try compoundOrFail(Step(.call), [.setAttributes(inode, changes)], session, operation, change: true, &progress)
            guard case .attributes(let attributes) = answer.results[0] else { throw .failure(unexpected(operation)) }
            confirmReads(session.id, attributes)
            updateCaches(session.id) { $0.learn(attributes, now: $1) }
            return .attributes(attributes)
        case .zeroRange(let path, let offset, let length, let extend):
            let inode = try resolve(path, followLast: true, session, operation, &progress).inode
            _ = try compoundOrFail(
                Step(.call), [.zeroRange(inode, offset: offset, length: length, extend: extend)], session, operation, change: true,
                &progress)
            dropReads(session.id, inode)
            updateCaches(session.id) { caches, _ in caches.forget(inode) }
            return .done
        case .getXattr(let path, let name):
            let inode = try resolve(path, followLast: true, session, operation, &progress).inode
            let answer = try compoundOrFail(Step(.call), [.getXattr(inode, name: name)], session, operation, &progress)
            guard case .bytes(let value) = answer.results[0] else { throw .failure(unexpected(operation)) }
            return .bytes(value)
        case .setXattr(let path, let name, let value, let rule):
            let inode = try resolve(path, followLast: true, session, operation, &progress).inode
            _ = try compoundOrFail(
                Step(.call), [.setXattr(inode, name: name, value: value, rule: rule)], session, operation, change: true, &progress)
            return .done
        case .seek(let path, let offset, let hole):
            let inode = try resolve(path, followLast: true, session, operation, &progress).inode
            let answer = try compoundOrFail(Step(.call), [.seek(inode, offset: offset, hole: hole)], session, operation, &progress)
            guard case .position(let found) = answer.results[0] else { throw .failure(unexpected(operation)) }
            return .position(found)
        case .removeXattr(let path, let name):
            let inode = try resolve(path, followLast: true, session, operation, &progress).inode
            _ = try compoundOrFail(Step(.call), [.removeXattr(inode, name: name)], session, operation, change: true, &progress)
            return .done
        case .listXattrs(let path):
            let inode = try resolve(path, followLast: true, session, operation, &progress).inode
            let answer = try compoundOrFail(Step(.call), [.listXattrs(inode)], session, operation, &progress)
            guard case .names(let names) = answer.results[0] else { throw .failure(unexpected(operation)) }
            return .names(names)
        default:
            preconditionFailure("\(operation.name) is no operation on names or attributes")
        }
    }

    /// The directory and the name that an operation is about; the directory is walked to.
    private mutating func target(
        _ path: FilePath, _ session: SessionContext, _ operation: FileOperation, from base: Int = 0, _ progress: inout RequestProgress
    ) throws(Interrupt) -> (directory: InodeID, name: [UInt8]) {
        guard let name = path.name else {
            throw .failure(FileFailure(.invalid, operation: operation.name, object: operation.object, cause: "it is the root"))
        }
        let directory = try resolve(path.parent, followLast: true, session, operation, from: base, &progress).inode
        return (directory, name)
    }
}
